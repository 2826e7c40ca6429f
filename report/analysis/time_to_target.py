"""How many runs reached the target, and after how many seconds and steps."""

from __future__ import annotations

from dataclasses import dataclass

from bench import stats
from bench.results.record import Record
from report.analysis import arrivals
from report.analysis.aggregate import known, median_if_any
from report.analysis.arrivals import Arrivals
from report.analysis.comparison import Comparison, Row


@dataclass(frozen=True, slots=True)
class Target:
    """How one row came to its target.

    share            of its runs, with Wilson's interval
    restricted       the mean of min(T, limit), training alone, and its standard error; the limit is
                     one for all rows
    step_s           an optimizer step: median over the runs of the median epoch over its steps
    """

    row: Row
    share: stats.Interval
    restricted: stats.RestrictedMean | None
    steps: float | None
    steps_are_bound: bool
    step_s: float | None


def targets(comparison: Comparison) -> list[Target]:
    """The rows of which some run tried for the target."""
    tried = [row for row in comparison.rows if row.target_runs and row.runs_ok]
    times = [arrivals.seconds(comparison.of(row)) for row in tried]
    limit = arrivals.common_limit(times)
    return [_target(comparison, row, of, limit) for row, of in zip(tried, times, strict=True)]


def _target(comparison: Comparison, row: Row, times: Arrivals, limit: float | None) -> Target:
    records = comparison.of(row)
    steps, steps_are_bound = arrivals.steps(records).median()
    return Target(
        row=row,
        share=stats.wilson_interval(row.target_reached, row.target_runs),
        restricted=times.restricted_mean(limit),
        steps=steps,
        steps_are_bound=steps_are_bound,
        step_s=median_if_any(known(_step_s(record) for record in records)),
    )


def _step_s(record: Record) -> float | None:
    if record.status.outcome != "ok" or not (record.timing.epoch_s and record.has_clean_training):
        return None
    epoch_s = median_if_any(record.timing.epoch_s)
    steps = record.settings.steps(record.identity.batch_size)
    return None if epoch_s is None else epoch_s / steps
