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
        return (fmean if self.metric == "test_accuracy" else median)(self.values.values())

    @property
    def interval(self) -> stats.Interval | None:
        """Of the estimate; None of a single process, or where runs missed the target."""
        if self.missed or not self.values:
            return None
        values = list(self.values.values())
        if self.metric == "test_accuracy":
            return stats.mean_interval(values)
        return stats.median_interval(values)

    @property
    def can_be_compared(self) -> bool:
        """Whether there is a value, and no run of which only a bound is known."""
        return bool(self.values) and not self.missed and not self.apart


def samples(comparison: Comparison, metric: Metric, of: str) -> list[Sample]:
    """Every row that has the metric, best first; by speed in the order of the rows."""
    rows = [(row, comparison.of(row)) for row in comparison.rows if row.runs_ok]
    limit = arrivals.common_limit([arrivals.seconds(records) for _, records in rows])
    apart = comparison.setup.shares_host and metric != "test_accuracy"
    found = [_sample(row, records, metric, of, limit, apart=apart) for row, records in rows]
    having = [one for one in found if one.estimate is not None]
    if metric == "images_per_s":
        return having
    sign = 1 if metric == "time_to_target" else -1
    return sorted(having, key=lambda one: sign * (one.estimate or 0.0))


def overlap(first: Sample, later: Sample) -> bool | None:
    """Whether the intervals of both have a value in common; None where one has no interval."""
    one, other = first.interval, later.interval
    if one is None or other is None:
        return None
    return one.low <= other.high and other.low <= one.high


def _sample(
    row: Row,
    records: Sequence[Record],
    metric: Metric,
    of: str,
    limit: float | None,
    *,
    apart: bool,
) -> Sample:
    ok = [record for record in records if record.status.outcome == "ok"]
    values = by_block(ok, VALUES[metric])
    missed, restricted = 0, None
    if metric == "time_to_target" and row.target_runs:
        found = arrivals.seconds(records)
        missed, restricted = row.target_runs - row.target_reached, found.restricted_mean(limit)
    accepted = {"images_per_s": row.speed.accepted, "time_to_target": row.times_accepted}
    version = row.framework_version
    return Sample(
        metric=metric,
        of=of,
        framework=row.framework,
        version=version,
        values=values,
        missed=missed,
        restricted=restricted,
        accepted=accepted.get(metric, 0) > 0,
        apart=apart,
    )


def _time_to_target(record: Record) -> float | None:
    if not arrivals.reached(record) or not record.has_clean_training:
        return None
    if not usable(record.timing.time_to_target_s):
        return None
    return record.timing.time_to_target_s


VALUES: Mapping[Metric, Callable[[Record], float | None]] = {
    "images_per_s": rate,
    "time_to_target": _time_to_target,
    "test_accuracy": lambda record: record.learning.test_accuracy,
}
