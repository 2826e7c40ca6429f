"""The figures of a report, drawn in this process or by another."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from bench.record import Record
from report.build import build
from report.comparison import compare
from report.figures.gallery import Gallery, drawn_aside
from report.sweeps import sweeps


def test_another_process_draws_the_same(windows: list[Record]) -> None:
    compared = compare(windows)
    swept = sweeps(compared)
    with drawn_aside(compared, swept) as wait:
        aside = wait()
    here = Gallery(compared, swept)
    assert len(here.pictures) > 6
    assert aside.pictures == here.pictures
    assert aside.left_out == here.left_out


def test_figures_are_drawn_here_where_the_other_process_dies(windows: list[Record]) -> None:
    compared = compare(windows)[:1]
    with drawn_aside(compared, []) as wait:
        until = time.monotonic() + 60
        while not (others := multiprocessing.active_children()) and time.monotonic() < until:
            time.sleep(0.01)
        (other,) = others
        other.kill()
        drawn = wait()
    assert drawn.pictures == Gallery(compared, []).pictures


def test_a_report_is_the_same_whoever_draws(windows: list[Record], tmp_path: Path) -> None:
    made = [
        build(windows, tmp_path / name, [], ("html", "md", "json"), aside=aside)
        for name, aside in (("here", False), ("aside", True))
    ]
    assert [path.name for path in made[0]] == [path.name for path in made[1]]
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (tmp_path / "here", tmp_path / "aside")
    )
    assert first == second
    assert sum(path.suffix == ".png" for path in first) > 6
