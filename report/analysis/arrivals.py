"""When runs reached their target, and what those had that missed it: seconds of training, or steps.

A run that missed the target is only known to need more than it had. A diverged one, which never
would have reached it, counts as one that missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import stats
from bench.results.record import Record
from report.analysis.aggregate import known


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Of the runs that tried for a target.

    reached  what each took that got there
    budgets  what each had that did not; 0 where nothing is known of it
    """

    reached: tuple[float, ...] = ()
    budgets: tuple[float, ...] = ()

    @property
    def longest(self) -> float:
        """The most that any run took or had; 0 of none."""
        return max((*self.reached, *self.budgets), default=0.0)

    @property
    def ends_open(self) -> bool:
        """Whether the longest run missed the target, so that nothing is known beyond it."""
        return max(self.budgets, default=0.0) >= max(self.reached, default=0.0)

    def median(self) -> tuple[float | None, bool]:
        """And whether it is greater than the number; see `bench.stats.censored_median`."""
        return stats.censored_median(self.reached, self.budgets)

    def restricted_mean(self, limit: float | None = None) -> stats.RestrictedMean | None:
        """The mean of min(T, limit), `bench.stats.restricted_mean`; None where nothing is known."""
        budgets = [budget for budget in self.budgets if budget > 0]
        if not self.reached and not budgets:
            return None
        return stats.restricted_mean(self.reached, budgets, limit=limit)


def common_limit(times: Sequence[Arrivals]) -> float | None:
    """The longest time up to which every row's curve is known; None of no times.

    That of a row whose longest run missed the target ends there; that of another goes on at 0.
    """
    known_of = [one for one in times if one.longest]
    open_ends = [one.longest for one in known_of if one.ends_open]
    return min(open_ends) if open_ends else max((one.longest for one in known_of), default=None)


def trials(records: Iterable[Record]) -> list[Record]:
    """The runs that tried for a target."""
    return [
        record
        for record in records
        if record.settings.target_accuracy is not None
        and record.status.outcome in ("ok", "diverged")
        and not record.identity.throughput_only
    ]


def reached(record: Record) -> bool:
    """Whether a run got to its target within the epochs that it had."""
    return record.status.outcome == "ok" and record.timing.time_to_target_s is not None


def seconds(records: Iterable[Record], *, with_compile: bool = False) -> Arrivals:
    """Training alone, or with compilation, of the runs that others did not disturb.

    A run that missed the target had all of its epochs; a diverged one the longest that any had.
    """
    tried = [record for record in trials(records) if record.has_clean_training]
    ok = [record for record in tried if record.status.outcome == "ok"]
    if not ok:
        return Arrivals()
    had = [
        sum(known([*one.timing.epoch_s, one.timing.compile_s if with_compile else None]))
        for one in ok
    ]
    missed = [time for record, time in zip(ok, had, strict=True) if not reached(record)]
    return Arrivals(
        tuple(
            known(
                one.timing.time_to_target_with_compile_s
                if with_compile
                else one.timing.time_to_target_s
                for one in ok
                if reached(one)
            )
        ),
        (*missed, *[max(had)] * (len(tried) - len(ok))),
    )


def steps(records: Iterable[Record]) -> Arrivals:
    """Optimizer steps; none where it is not known how many a run took.

    Records of before `steps_to_target` know a time alone, and without the runs that reached the
    target the others would tell nothing. A run that missed it had the steps of a whole training.
    """
    tried = trials_by_steps(records)
    return Arrivals(
        tuple(known(one.timing.steps_to_target for one in tried if one.status.outcome == "ok")),
        tuple(_steps_of_all_epochs(one) for one in tried if not reached_by_steps(one)),
    )


def trials_by_steps(records: Iterable[Record]) -> Sequence[Record]:
    """The runs that tried; none where the steps of one that got there are unknown."""
    tried = trials(records)
    unknown = any(
        one.timing.time_to_target_s is not None and one.timing.steps_to_target is None
        for one in tried
    )
    return [] if unknown else tried


def reached_by_steps(record: Record) -> bool:
    """Whether a run is known to have reached its target, and after how many steps."""
    return record.status.outcome == "ok" and record.timing.steps_to_target is not None


def _steps_of_all_epochs(record: Record) -> float:
    epochs = len(record.timing.epoch_s) if record.status.stopped_early else record.settings.epochs
    return epochs * record.settings.steps(record.identity.batch_size)
