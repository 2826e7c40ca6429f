"""Records → comparisons: runs that may stand beside each other, and one row of figures for each.

Rows are of the regime `matched` alone, in which all is equal. Runs in other regimes go along with
the comparison that they belong to; see regimes.py.

Durations are seconds, memory is bytes, accuracies are in [0, 1]. Figures come from the runs that
are `ok` alone; every other run stays in the row's counts and status, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, stdev
from typing import Protocol, TypeVar

from bench.results.record import Machine, Record
from report.analysis import arrivals
from report.analysis.aggregate import by_seed, greatest, known, median_if_any
from report.analysis.configurations import (
    MATCHED,
    Setup,
    by_version,
    distinct,
    grouped,
    setup_of,
)
from report.analysis.throughput import Speed, limit_gflop_per_s, speed
from report.analysis.unrecorded import Cut, cut_runs

KEPT = 64  # comparisons whose sections and verdicts are not made anew for each format


@dataclass(frozen=True, slots=True)
class Row:
    """One framework in one version under one set-up.

    seeds               of the ok runs that trained to the end; others measured speed alone
    accuracy_mean       mean over `seeds` of the test accuracy (a seed that was run more than
                        once counts once, with the mean of its runs)
    accuracy_std        sample standard deviation (n - 1) over the seeds; None for one seed
    speed               of all ok runs, see `report.analysis.throughput.Speed`
    time_to_target_s    median over the runs counted in target_runs: training alone; for
                        runs that did not reach the target see `bench.stats.censored_median`. Where
                        the flag beside it is set, the median is greater than the number
    target_runs         runs that tried: ok ones, and diverged ones as not having reached it
    times_disturbed     of those runs, how many times are left out since others disturbed them
    times_accepted      and how many count all the same
    compile_s           median over the ok runs
    peak_rss_bytes      greatest over the ok runs, as is peak_device_bytes
    """

    framework: str
    framework_version: str | None
    status: str
    runs: int
    runs_ok: int
    seeds: tuple[int, ...]
    parameters: int | None
    accuracy_mean: float | None
    accuracy_std: float | None
    speed: Speed
    target_reached: int
    target_runs: int
    time_to_target_s: float | None
    time_to_target_is_bound: bool
    time_to_target_with_compile_s: float | None
    time_to_target_with_compile_is_bound: bool
    times_disturbed: int
    times_accepted: int
    compile_s: float | None
    peak_rss_bytes: int | None
    peak_device_bytes: int | None

    @property
    def images_per_s(self) -> float | None:
        """The median over its processes."""
        return self.speed.images_per_s


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Runs of one set-up. Rows stand by images/s, fastest first, those without figures last.

    One is told from another by identity, so that what is found of it can be kept.
    `rows` and `records` are of matched runs; `others` are the records in other regimes. `baseline`
    is the framework that a person wants ratios to; None: the fastest. `cut` are the runs among them
    that lack records, here and in all other comparisons that were made with this one.
    """

    setup: Setup
    machine: Machine
    rows: tuple[Row, ...]
    records: tuple[Record, ...]
    others: tuple[Record, ...] = ()
    baseline: str | None = None
    cut: tuple[Cut, ...] = ()

    @property
    def base(self) -> Row | None:
        """The row that ratios are to: the fastest, too, where the baseline has no speed here."""
        timed = [row for row in self.rows if row.images_per_s is not None]
        return base_of(timed, self.baseline) or base_of(timed, None)

    @property
    def everything(self) -> tuple[Record, ...]:
        """The records of all regimes."""
        return (*self.records, *self.others)

    @property
    def trains(self) -> bool:
        """Whether any run trained to the end; others measured speed alone."""
        return not all(record.identity.throughput_only for record in self.everything)

    def of(self, row: Row) -> list[Record]:
        """The records that a row is of."""
        alike = [record for record in self.records if record.identity.framework == row.framework]
        return by_version(alike)[row.framework_version]


class Named(Protocol):
    """What is of one framework: a row, or a sample of `report.analysis.samples`."""

    @property
    def framework(self) -> str:
        """As `bench list` names it."""


One = TypeVar("One", bound=Named)


def base_of(found: Iterable[One], baseline: str | None) -> One | None:
    """The first of the framework of that name; without a name, the first of all."""
    return next((one for one in found if baseline in (None, one.framework)), None)


def compare(
    records: Iterable[Record], baseline: str | None = None, *, host_by_run: bool = True
) -> list[Comparison]:
    """Put like runs together; a record given twice counts once.

    Ratios are to the framework `baseline` where it was measured, else to the fastest. A run that
    failed before it knew its framework's version joins the runs of the framework, where these have
    just one. `host_by_run` is as in `setup_of`.
    """
    unique = distinct(records)
    setup = partial(setup_of, host_by_run=host_by_run)
    matched = grouped((record for record in unique if record.identity.regime == MATCHED), setup)
    others = grouped((record for record in unique if record.identity.regime != MATCHED), setup)
    cut = cut_runs(unique)
    comparisons = [
        _comparison(of, matched.get(of, []), others.get(of, []), baseline, cut)
        for of in {**matched, **others}
    ]
    return sorted(comparisons, key=lambda c: c.setup.place)


def by_setup(records: Iterable[Record]) -> dict[Setup, Comparison]:
    """The comparisons that hold matched records, by their set-up, to be held against other runs."""
    return {one.setup: one for one in compare(records, host_by_run=False) if one.records}


def _comparison(
    setup: Setup,
    records: Sequence[Record],
    others: Sequence[Record],
    baseline: str | None,
    cut: Mapping[str, Cut],
) -> Comparison:
    limit = limit_gflop_per_s(records)
    by_framework = grouped(records, lambda record: record.identity.framework)
    rows = [
        _row(framework, version, alike, limit)
        for framework, same in by_framework.items()
        for version, alike in by_version(same).items()
    ]
    rows.sort(key=lambda row: (row.framework, row.framework_version or ""))
    rows.sort(key=lambda row: (row.runs_ok == 0, -(row.images_per_s or 0.0)))
    machine = (*records, *others)[0].environment.machine
    runs = dict.fromkeys(record.identity.of_run for record in (*records, *others))
    return Comparison(
        setup=setup,
        machine=machine,
        rows=tuple(rows),
        records=tuple(records),
        others=tuple(others),
        baseline=baseline,
        cut=tuple(cut[run] for run in runs if run in cut),
    )


def _row(
    framework: str, version: str | None, records: Sequence[Record], limit: float | None
) -> Row:
    ok = [record for record in records if record.status.outcome == "ok"]
    accuracies = list(by_seed(ok, lambda record: record.learning.test_accuracy).values())
    bare = arrivals.seconds(records).median()
    with_compile = arrivals.seconds(records, with_compile=True).median()
    tried = arrivals.trials(records)
    return Row(
        framework=framework,
        framework_version=version,
        status=status(records),
        runs=len(records),
        runs_ok=len(ok),
        seeds=tuple(
            sorted({record.identity.seed for record in ok if not record.identity.throughput_only})
        ),
        parameters=greatest(record.learning.parameters for record in ok),
        accuracy_mean=fmean(accuracies) if accuracies else None,
        accuracy_std=stdev(accuracies) if len(accuracies) > 1 else None,
        speed=speed(ok, limit),
        target_reached=sum(map(arrivals.reached, tried)),
        target_runs=len(tried),
        time_to_target_s=bare[0],
        time_to_target_is_bound=bare[1],
        time_to_target_with_compile_s=with_compile[0],
        time_to_target_with_compile_is_bound=with_compile[1],
        times_disturbed=sum(not record.has_clean_training for record in tried),
        times_accepted=sum(
            bool(record.timing.training_disturbed) and record.has_clean_training for record in tried
        ),
        compile_s=median_if_any(known(record.timing.compile_s for record in ok)),
        peak_rss_bytes=greatest(record.environment.peak_rss_bytes for record in ok),
        peak_device_bytes=greatest(record.environment.peak_device_bytes for record in ok),
    )


def status(records: Sequence[Record]) -> str:
    """What became of them: `ok`, `2 of 3 ok`, `failed`; and what is to be known of those ok."""
    ok = [record for record in records if record.status.outcome == "ok"]
    if not ok:
        return ", ".join(sorted({record.status.outcome for record in records}))
    said = ["ok" if len(ok) == len(records) else f"{len(ok)} of {len(records)} ok"]
    if any(record.provenance.unverified for record in ok):
        said.append("unverified")
    return ", ".join(filter(None, (*said, disturbance(ok))))


def disturbance(ok: Sequence[Record]) -> str:
    """How many speeds others disturbed, such as `disturbed, 3 of 80 windows clean`; "" for none.

    What is clean window by window may not be over all: the longer it goes on, the less is allowed.
    """
    disturbed = [record.throughput for record in ok if record.throughput.disturbed]
    if not disturbed:
        return ""
    clean = sum(one.clean_windows or 0 for one in disturbed)
    every = sum(one.measured_windows or 0 for one in disturbed)
    of_windows = f"{clean} of {every} windows clean"
    if clean == every:
        of_windows = f"a little in all of {every} windows"
    alone = len(disturbed) == sum(record.throughput.images_per_s is not None for record in ok)
    return f"{'' if alone else f'{len(disturbed)} of {len(ok)} '}disturbed, {of_windows}"
