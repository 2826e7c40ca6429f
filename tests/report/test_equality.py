"""A comparison of unequal work must say so, on the terminal and in the file."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from bench.results.record import Record
from report.analysis.comparison import compare
from report.build import markdown
from report.formats.terminal import print_summary
from report.report_data import ReportData
from tests.record_making import changed

Make = Callable[..., Record]
ALARM = "NOT AN EQUAL COMPARISON"


def shown(records: list[Record]) -> tuple[str, str]:
    console = Console(file=io.StringIO(), width=400, color_system=None)
    print_summary(compare(records), console)
    return console.file.getvalue(), markdown(ReportData.of(records))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"order_sha256": "e" * 64}, "unequal order at seed 0"),
        ({"split_sha256": "e" * 64}, "unequal split at seed 0"),
        ({"initial_weights_sha256": "e" * 64}, "unequal initial weights at seed 0"),
        ({"data_sha256": "e" * 64}, "unequal data"),
        ({"parameters": 61707}, "unequal parameter count"),
    ],
    ids=["order", "split", "weights", "data", "parameters"],
)
def test_a_difference_is_said_loudly(make: Make, change: dict[str, object], said: str) -> None:
    for text in shown([make(), make(framework="keras", **change)]):
        assert f"{ALARM}: {said}" in text
        assert text.index(ALARM) < text.index("Framework")


def test_the_file_marks_the_seed_that_differs(make: Make) -> None:
    pairs = [make(framework=name, seed=seed) for name in ("torch", "keras") for seed in (0, 1)]
    other = changed(pairs[-1], order_sha256="e" * 64)
    lines = markdown(ReportData.of([*pairs[:-1], other])).splitlines()
    assert [line.count("**differs**") for line in lines if line.startswith(("| 0", "| 1"))] == [
        0,
        1,
    ]
    assert "> [!WARNING]" in lines
    alarm = next(line for line in lines if ALARM in line)
    assert "`torch`" in alarm
    assert f"`keras` `{'e' * 12}…`" in alarm


def test_equal_runs_raise_no_alarm(make: Make) -> None:
    for text in shown([make(), make(framework="keras")]):
        assert ALARM not in text
        assert "Equal between frameworks at the same seed: data, split, order" in text


def test_other_seeds_may_have_other_hashes(make: Make) -> None:
    for text in shown([make(), make(framework="keras", seed=1, order_sha256="e" * 64)]):
        assert ALARM not in text


def test_unlike_set_ups_are_not_held_against_each_other(make: Make) -> None:
    for text in shown([make(), make(framework="keras", batch_size=8, order_sha256="e" * 64)]):
        assert ALARM not in text


def test_nothing_is_called_equal_that_was_not_compared(make: Make, failed: Make) -> None:
    for text in shown([make(), failed(framework="keras")]):
        assert "Equal between" not in text
    for text in shown([make(), make(framework="keras", seed=1)]):
        assert "same seed: data, parameter count." in text


def test_a_hash_that_was_not_recorded_is_named(make: Make) -> None:
    records = [make(), make(framework="flax")]
    for text in shown([*records, make(framework="keras", order_sha256=None)]):
        assert ALARM not in text
        assert "Not recorded, so not shown to be equal: order of" in text
        assert "same seed: data, split, initial weights, parameter count." in text
