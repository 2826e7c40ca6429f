"""How accuracy grew by epoch, of all runs of a row together: what two figures draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import get_args

from bench.choices import Monitor
from bench.results.record import Record
from report.analysis.comparison import Comparison
from report.tables.reproduction import BY_EPOCH, METRICS

# The field of the record that has it by epoch, and before training; and what it is called.
FIELDS: dict[Monitor, str] = {of: BY_EPOCH[f"{of}_accuracy"] for of in get_args(Monitor)}
NAMES: dict[Monitor, str] = {of: METRICS[f"{of}_accuracy"] for of in get_args(Monitor)}


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """How one row's accuracy grew, by epoch; epoch 0 is before training, where that was measured.

    median, low and high are over its runs, of which there are `runs`; low and high are the least
    and the greatest. seconds is the median training time at the end of each epoch.
    """

    framework: str
    runs: int
    epochs: tuple[int, ...]
    seconds: tuple[float, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def crossing(self, target: float | None) -> int | None:
        """The place of the first epoch whose median is at the target; None where none is."""
        if target is None:
            return None
        return next((at for at, value in enumerate(self.median) if value >= target), None)


def monitored(comparison: Comparison) -> Monitor:
    """The images whose accuracy there is by epoch: those that were monitored, if there are any."""
    asked = comparison.setup.settings.monitor
    parts: tuple[Monitor, ...] = (asked, "val", "test")
    return next(
        (
            of
            for of in parts
            if any(getattr(one.learning, FIELDS[of]) for one in comparison.records)
        ),
        asked,
    )


def courses(comparison: Comparison) -> list[LearningCurve]:
    """One for each row with trainings that went on to the end."""
    field = FIELDS[monitored(comparison)]
    found = []
    for row in comparison.rows:
        trained = [
            record
            for record in comparison.of(row)
            if record.status.outcome == "ok"
            and getattr(record.learning, field)
            and record.timing.epoch_s
        ]
        if trained:
            found.append(_course(row.framework, trained, field, comparison.setup.first_epoch))
    return found


def _course(framework: str, trained: Sequence[Record], field: str, first: int) -> LearningCurve:
    ends = [list(accumulate(record.timing.epoch_s)) for record in trained]
    accuracies: list[list[float]] = [list(getattr(record.learning, field)) for record in trained]
    before = [record.learning.epoch_0.get(field) for record in trained]
    known = [value for value in before if value is not None]
    if first == 1 and len(known) == len(trained):
        first = 0
        ends = [[0.0, *end] for end in ends]
        accuracies = [[value, *of] for value, of in zip(known, accuracies, strict=True)]
    count = min(min(len(of), len(end)) for of, end in zip(accuracies, ends, strict=True))
    values = [[of[at] for of in accuracies] for at in range(count)]
    return LearningCurve(
        framework,
        len(trained),
        tuple(range(first, first + count)),
        tuple(median(end[at] for end in ends) for at in range(count)),
        tuple(median(of) for of in values),
        tuple(min(of) for of in values),
        tuple(max(of) for of in values),
    )
