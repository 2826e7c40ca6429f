"""How many runs reached the target, and after how many seconds and steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench import stats
from bench.results.record import Record
from report.analysis.aggregate import known, median_if_any
from report.analysis.comparison import Comparison, Row, reached
from report.analysis.regimes import outcome

Times = tuple[list[float], list[float]]  # until the target, and the budgets of those that missed it


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
    times = [times_to_target(comparison.of(row)) for row in tried]
    limit = common_limit(times)
    return [_target(comparison, row, of, limit) for row, of in zip(tried, times, strict=True)]


def times_to_target(records: Sequence[Record]) -> Times:
    """Seconds of training until the target; and, of runs that missed it, the seconds they had.

    A diverged run, which never would have reached it, had the longest of all.
    """
    trained = [record for record in records if not record.throughput_only]
    ok = [record for record in trained if record.status == "ok"]
    had = [sum(record.epoch_s) for record in ok]
    missed = [time for record, time in zip(ok, had, strict=True) if not reached(record)]
    diverged = sum(record.status == "diverged" for record in trained)
    missed += [max(had, default=0.0)] * diverged
    arrived = known(record.time_to_target_s for record in ok if reached(record))
    return arrived, [time for time in missed if time > 0]


def common_limit(times: Sequence[Times]) -> float | None:
    """The longest time up to which every row's curve is known; None of no times.

    That of a row whose longest run missed the target ends there; that of another goes on at 0.
    """
    ends = [max([*missed, *arrived]) for arrived, missed in times if arrived or missed]
    open_ends = [
        max(missed) for arrived, missed in times if missed and max(missed) >= max([0.0, *arrived])
    ]
    return min(open_ends) if open_ends else max(ends, default=None)


def _target(comparison: Comparison, row: Row, times: Times, limit: float | None) -> Target:
    records = comparison.of(row)
    steps = outcome(records)
    arrived, missed = times
    return Target(
        row=row,
        share=stats.wilson_interval(row.target_reached, row.target_runs),
        restricted=stats.restricted_mean(arrived, missed, limit=limit)
        if arrived or missed
        else None,
        steps=steps.steps_to_target,
        steps_are_bound=steps.is_bound,
        step_s=median_if_any(known(_step_s(record) for record in records)),
    )


def _step_s(record: Record) -> float | None:
    if record.status != "ok" or not record.epoch_s:
        return None
    epoch_s = median_if_any(record.epoch_s)
    steps = record.training.steps(record.train_images, record.batch_size)
    return None if epoch_s is None else epoch_s / steps
