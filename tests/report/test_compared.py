"""What `bench compare` and `bench history` print of some runs, whole, wide and narrow."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.results.record import Record
from report.analysis import contrasts
from report.analysis.comparison import compare
from report.analysis.samples import METRICS, samples
from report.analysis.throughput import accepting_disturbed
from report.formats.terminal import print_section
from report.tables import contrast_tables, history
from report.tables.sections import Section
from tests.golden_texts import assert_golden
from tests.record_making import changed

from .test_contrasts import Run

GOLDEN = Path(__file__).parent / "golden" / "compared.txt"
# Effects on a logarithmic scale, blocks, noise; what is missing or disturbed; a seed.
RUNS = {
    "one block": Run((0.0, 0.5), 1, 0.03, 0.0, 0.0, 1, False),
    "two blocks": Run((0.0, 0.5, 2.4), 2, 0.03, 0.0, 0.0, 2, False),
    "few blocks": Run((0.0, 0.01, 0.1, 0.5), 6, 0.03, 0.0, 0.0, 3, False),
    "many blocks": Run((0.0, 0.0, 0.5), 12, 0.03, 0.0, 0.0, 4, False),
    "wild": Run((0.0, 0.1, 0.5), 12, 2.0, 0.1, 0.0, 5, False),
    "half is missing": Run((0.0, 0.1, 0.5), 5, 0.03, 0.5, 0.0, 6, False),
    "some disturbed": Run((0.0, 0.1, 0.5), 6, 0.03, 0.0, 0.2, 7, False),
}


def sections(name: str, records: list[Record]) -> Iterator[Section]:
    """Within the run by every figure, and as it went on."""
    for comparison in compare(records):
        for metric in METRICS:
            found = contrasts.family(comparison, metric, name)
            if len(found.samples) > 1:
                contest = contrasts.within(found, found.samples[0])
                yield contrast_tables.within_section(contest, f"{name}, {metric}")
    yield from history.sections(history.trends(records))


def between(first: list[Record], later: list[Record]) -> Iterator[Section]:
    (one,), (other,) = compare(first), compare(later)
    for metric in METRICS:
        before, after = samples(one, metric, "first"), samples(other, metric, "later")
        pairs = [(a, b) for a in before for b in after if a.framework == b.framework]
        contests = contrasts.between(one.setup, metric, pairs)
        yield contrast_tables.between_section(contests, f"between, {metric}")


def later(records: list[Record], times: float) -> list[Record]:
    """The same cells in another run, at another speed and a later day."""
    return [
        changed(
            one,
            run="s",
            started_at="2026-02-03T04:05:06+00:00",
            framework_version="9.9",
            images_per_s=(one.throughput.images_per_s or 0.0) * times,
        )
        for one in records
    ]


def everything(windows: list[Record], frozen: list[Record]) -> Iterator[Section]:
    for name, run in RUNS.items():
        yield from sections(name, run.records())
    disturbed = RUNS["some disturbed"].records()
    yield from sections("accepted", accepting_disturbed(disturbed))
    yield from sections("frozen", frozen)
    yield from sections("windows", windows)
    for name in ("one block", "few blocks", "some disturbed"):
        first = RUNS[name].records()
        yield from between(first, later(first, 1.3))
        yield from history.sections(history.trends([*first, *later(first, 0.7)]))


def test_all_that_is_printed(windows: list[Record], frozen: list[Record]) -> None:
    text = io.StringIO()
    for section in everything(windows, frozen):
        for width in (70, 200):
            print_section(section, Console(file=text, width=width, color_system=None))
    assert_golden(GOLDEN, "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))
