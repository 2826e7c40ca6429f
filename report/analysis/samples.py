"""What the rows of a comparison showed in one metric: a value a process, by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from bench import stats
from bench.results.record import Record
from report.analysis import arrivals
from report.analysis.aggregate import Block, by_block
from report.analysis.comparison import Comparison, Row
from report.analysis.throughput import rate, usable
from report.analysis.time_to_target import Target, targets

Metric = Literal["images_per_s", "time_to_target", "test_accuracy"]
METRICS: tuple[Metric, ...] = ("images_per_s", "time_to_target", "test_accuracy")


@dataclass(frozen=True, slots=True)
class Sample:
    """What one row of one run showed: a value a process, by block.

    missed    runs that did not get to the target; their times are not among the values
    of        the run, as it was given
    accepted  whether values count though others disturbed them
    apart     whether they are held against nothing, since others could measure on the host
    """

    metric: Metric
    of: str
    framework: str
    version: str | None
    values: Mapping[Block, float]
    missed: int
    restricted: stats.RestrictedMean | None
    accepted: bool = False
    apart: bool = False

    @property
    def estimate(self) -> float | None:
        """The median, of accuracies the mean; where runs missed the target, the restricted mean."""
        if self.missed and self.restricted:
            return self.restricted.mean
        if not self.values:
            return None
        return MEASURES[self.metric].middle(list(self.values.values()))

    @property
    def interval(self) -> stats.Interval | None:
        """Of the estimate; None of a single process, or where runs missed the target."""
        if self.missed or not self.values:
            return None
        return MEASURES[self.metric].interval(list(self.values.values()))

    @property
    def can_be_compared(self) -> bool:
        """Whether there is a value, and no run of which only a bound is known."""
        return bool(self.values) and not self.missed and not self.apart


def samples(comparison: Comparison, metric: Metric, of: str) -> list[Sample]:
    """Every row that has the metric, best first; by speed in the order of the rows."""
    of_times = metric == "time_to_target"
    tried = {target.row: target for target in targets(comparison)} if of_times else {}
    found = [
        _sample(comparison, row, metric, of, tried.get(row))
        for row in comparison.rows
        if row.runs_ok
    ]
    having = [one for one in found if one.estimate is not None]
    if metric == "images_per_s":
        return having
    return sorted(having, key=lambda one: one.estimate or 0.0, reverse=not of_times)


def overlap(first: Sample, later: Sample) -> bool | None:
    """Whether the intervals of both have a value in common; None where one has no interval."""
    one, other = first.interval, later.interval
    if one is None or other is None:
        return None
    return one.low <= other.high and other.low <= one.high


def _sample(
    comparison: Comparison, row: Row, metric: Metric, of: str, target: Target | None
) -> Sample:
    ok = [record for record in comparison.of(row) if record.status.outcome == "ok"]
    accepted = {"images_per_s": row.speed.accepted, "time_to_target": row.times_accepted}
    return Sample(
        metric=metric,
        of=of,
        framework=row.framework,
        version=row.framework_version,
        values=by_block(ok, MEASURES[metric].value),
        missed=row.target_runs - row.target_reached if target else 0,
        restricted=target.restricted if target else None,
        accepted=accepted.get(metric, 0) > 0,
        apart=comparison.setup.shares_host and metric != "test_accuracy",
    )


def _time_to_target(record: Record) -> float | None:
    if not arrivals.reached(record) or not record.has_clean_training:
        return None
    time_s = record.timing.time_to_target_s
    return time_s if usable(time_s) else None


@dataclass(frozen=True, slots=True)
class Measure:
    """How a metric is had of a record, and what stands for several of them.

    value     of one record; None where it has none that counts
    middle    of the values of several processes
    interval  of that middle; None of a single process
    """

    value: Callable[[Record], float | None]
    middle: Callable[[Sequence[float]], float]
    interval: Callable[[Sequence[float]], stats.Interval | None]


MEASURES: Mapping[Metric, Measure] = {
    "images_per_s": Measure(rate, median, stats.median_interval),
    "time_to_target": Measure(_time_to_target, median, stats.median_interval),
    "test_accuracy": Measure(
        lambda record: record.learning.test_accuracy, fmean, stats.mean_interval
    ),
}
