"""The figures of a report, drawn in this process or by another."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from bench.results.record import Record
from report.analysis.comparison import compare
from report.build import build
from report.figures.gallery import Gallery, drawn_aside
from report.report_data import ReportData
from report.tables import contents
from tests.report.every_format import PLAIN

pytestmark = pytest.mark.xdist_group("report")  # see test_html.py


@pytest.mark.long
def test_another_process_draws_the_same(
    windows: list[Record], gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("report.figures.gallery.MOST_FIGURES", 1)  # so that something is left out
    compared = compare(windows)
    with drawn_aside(compared, contents.drawn(contents.crossings(compared))) as wait:
        aside = wait()
    assert aside.left_out == {1}
    first = gallery.of_comparisons[0]
    assert len(first) > 4
    assert aside.pictures == [*first, *gallery.of_crossings]


def test_figures_are_drawn_here_where_the_other_process_dies(
    windows: list[Record], gallery: Gallery
) -> None:
    compared = compare(windows)
    with drawn_aside(compared, []) as wait:
        until = time.monotonic() + 60
        while not (others := multiprocessing.active_children()) and time.monotonic() < until:
            time.sleep(0.01)
        (other,) = others
        other.kill()
        drawn = wait()
    assert drawn.of_comparisons == gallery.of_comparisons


def test_a_report_is_the_same_whoever_draws(report, windows, problems, tmp_path: Path) -> None:
    here = report("windows")
    paths = build(ReportData.of(windows, problems=problems), tmp_path, formats=PLAIN, aside=True)
    assert [path.name for path in paths] == [path.name for path in here.paths]
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (here.folder, tmp_path)
    )
    assert first == second
    assert sum(path.suffix == ".png" for path in first) > 6
