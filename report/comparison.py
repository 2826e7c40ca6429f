"""Records → comparisons: runs that may stand beside each other, and one row of figures for each.

Rows are of the regime `matched` alone, in which all is equal. Runs in other regimes go along with
the comparison that they belong to; see regimes.py.

Durations are seconds, memory is bytes, accuracies are in [0, 1]. Figures come from the runs that
are `ok` alone; every other run stays in the row's counts and status, with its reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import TypeVar

from bench.record import Machine, Record
from report.aggregate import by_seed, greatest, known, median_if_any, median_time

MATCHED = "matched"  # the regime of `bench.record.Record` in which all is equal
RUNS_FOR_A_RANGE = 3

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Setup:
    """What runs must have in common to be compared: the request, the data and the machine.

    `weight_decay` is None where no run is matched and each framework has its own.
    """

    dataset: str
    model: str
    device: str
    batch_size: int
    threads: int
    optimizer: str
    learning_rate: float
    momentum: float
    weight_decay: float | None
    epochs: int
    target_accuracy: float | None
    fit: str
    train_images: int
    val_images: int
    test_images: int
    given_mean: tuple[float, ...] | None
    given_std: tuple[float, ...] | None
    machine_fingerprint: str
    resumed_from: str | None
    first_epoch: int


@dataclass(frozen=True, slots=True)
class Row:
    """One framework in one version under one set-up.

    accuracy_mean       mean over `seeds` of the test accuracy (a seed that was run more than
                        once counts once, with the mean of its runs)
    accuracy_std        sample standard deviation (n - 1) over the seeds; None for one seed
    images_per_s        median over the ok runs; least and greatest from three runs on
    time_to_target_s    median over the runs counted in target_runs: training alone; see
                        `median_time` for runs that did not reach the target. Where the flag
                        beside it is set, the median is greater than the number
    target_runs         runs that tried: ok ones, and diverged ones as not having reached it
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
    images_per_s: float | None
    images_per_s_min: float | None
    images_per_s_max: float | None
    target_reached: int
    target_runs: int
    time_to_target_s: float | None
    time_to_target_is_bound: bool
    time_to_target_with_compile_s: float | None
    time_to_target_with_compile_is_bound: bool
    compile_s: float | None
    peak_rss_bytes: int | None
    peak_device_bytes: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs of one set-up. Rows stand by images/s, fastest first, those without figures last.

    `rows` and `records` are of matched runs; `others` are the records in other regimes.
    """

    setup: Setup
    machine: Machine
    rows: tuple[Row, ...]
    records: tuple[Record, ...]
    others: tuple[Record, ...] = ()

    @property
    def everything(self) -> tuple[Record, ...]:
        """The records of all regimes."""
        return (*self.records, *self.others)


def compare(records: Iterable[Record]) -> list[Comparison]:
    """Put like runs together; a record given twice counts once.

    A run that failed before it knew its framework's version joins the runs of the framework, where
    these have just one.
    """
    unique = distinct(records)
    matched = grouped((record for record in unique if record.regime == MATCHED), _setup)
    others = grouped(
        (record for record in unique if record.regime != MATCHED),
        lambda record: _home(record, matched),
    )
    comparisons = [
        _comparison(setup, matched.get(setup, []), others.get(setup, []))
        for setup in {**matched, **others}
    ]
    return sorted(comparisons, key=lambda c: (c.setup.dataset, c.setup.model, repr(c.setup)))


def distinct(records: Iterable[Record]) -> list[Record]:
    """The records in the order of run, framework and seed, without exact repetitions."""
    unique = {record.model_dump_json(): record for record in records}
    return [
        record
        for _, record in sorted(
            unique.items(),
            key=lambda item: (item[1].run, item[1].framework, item[1].seed, item[0]),
        )
    ]


def grouped(records: Iterable[Record], key: Callable[[Record], Key]) -> dict[Key, list[Record]]:
    """The records by their key, in the order in which each first occurs."""
    groups: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return dict(groups)


def by_version(records: Iterable[Record]) -> dict[str | None, list[Record]]:
    """Group by the framework's version; an unknown one joins the known one if that is alone."""
    groups = grouped(records, lambda record: record.framework_version)
    if None in groups and len(groups) == 2:
        unknown = groups.pop(None)
        next(iter(groups.values())).extend(unknown)
    return groups


def _setup(record: Record) -> Setup:
    return Setup(
        dataset=record.dataset,
        model=record.model,
        device=record.device,
        batch_size=record.batch_size,
        threads=record.threads,
        optimizer=record.optimizer,
        learning_rate=record.learning_rate,
        momentum=record.momentum,
        weight_decay=record.weight_decay,
        epochs=record.epochs,
        target_accuracy=record.target_accuracy,
        fit=record.fit,
        train_images=record.train_images,
        val_images=record.val_images,
        test_images=record.test_images,
        given_mean=None if record.given_mean is None else tuple(record.given_mean),
        given_std=None if record.given_std is None else tuple(record.given_std),
        machine_fingerprint=record.machine.fingerprint,
        resumed_from=record.resumed_from,
        first_epoch=record.first_epoch,
    )


def _home(record: Record, matched: Mapping[Setup, Sequence[Record]]) -> Setup:
    """The set-up of the matched runs that a run in another regime belongs to.

    Its weight decay may be the framework's own. The matched one, which its record does not hold, is
    then that of matched runs for which nobody typed one either, of the same run where there are
    several. Where there are none, it is unknown, unless the record's own is a matched run's.
    """
    own = _setup(record)
    if record.weight_decay_is_given:
        return own
    likely: list[tuple[bool, str, Setup]] = []
    for setup, records in matched.items():
        untyped = [one for one in records if not one.weight_decay_is_given]
        if untyped and replace(setup, weight_decay=own.weight_decay) == own:
            elsewhere = all(one.run != record.run for one in untyped)
            likely.append((elsewhere, repr(setup), setup))
    if likely:
        return min(likely)[-1]
    return own if own in matched else replace(own, weight_decay=None)


def _comparison(setup: Setup, records: Sequence[Record], others: Sequence[Record]) -> Comparison:
    by_framework = grouped(records, lambda record: record.framework)
    rows = [
        _row(framework, version, alike)
        for framework, same in by_framework.items()
        for version, alike in by_version(same).items()
    ]
    rows.sort(key=lambda row: (row.framework, row.framework_version or ""))
    rows.sort(key=lambda row: (row.runs_ok == 0, -(row.images_per_s or 0.0)))
    decays = {record.weight_decay for record in others}
    if setup.weight_decay is None and len(decays) == 1:
        setup = replace(setup, weight_decay=decays.pop())
    machine = (*records, *others)[0].machine
    return Comparison(
        setup, machine, tuple(rows), tuple(distinct(records)), tuple(distinct(others))
    )


def _row(framework: str, version: str | None, records: Sequence[Record]) -> Row:
    ok = [record for record in records if record.status == "ok"]
    accuracies = list(by_seed(ok, lambda record: record.test_accuracy).values())
    speeds = known(record.images_per_s for record in ok)
    ranged = len(speeds) >= RUNS_FOR_A_RANGE
    bare, with_compile = _to_target(records)
    tried = [record for record in records if record.status in ("ok", "diverged")]
    return Row(
        framework=framework,
        framework_version=version,
        status=status(records),
        runs=len(records),
        runs_ok=len(ok),
        seeds=tuple(sorted({record.seed for record in ok})),
        parameters=greatest(record.parameters for record in ok),
        accuracy_mean=fmean(accuracies) if accuracies else None,
        accuracy_std=stdev(accuracies) if len(accuracies) > 1 else None,
        images_per_s=median_if_any(speeds),
        images_per_s_min=min(speeds) if ranged else None,
        images_per_s_max=max(speeds) if ranged else None,
        target_reached=sum(_reached(record) for record in tried),
        target_runs=len(tried) if records[0].target_accuracy is not None else 0,
        time_to_target_s=bare[0],
        time_to_target_is_bound=bare[1],
        time_to_target_with_compile_s=with_compile[0],
        time_to_target_with_compile_is_bound=with_compile[1],
        compile_s=median_if_any(known(record.compile_s for record in ok)),
        peak_rss_bytes=greatest(record.peak_rss_bytes for record in ok),
        peak_device_bytes=greatest(record.peak_device_bytes for record in ok),
    )


def status(records: Sequence[Record]) -> str:
    """`ok`, `ok, unverified`, `2 of 3 ok`, or, with none ok, what became of them."""
    ok = sum(record.status == "ok" for record in records)
    if ok == len(records):
        return "ok, unverified" if any(record.unverified for record in records) else "ok"
    if ok:
        return f"{ok} of {len(records)} ok"
    return ", ".join(sorted({record.status for record in records}))


def _reached(record: Record) -> bool:
    return record.status == "ok" and bool(known([record.time_to_target_s]))


def _to_target(records: Sequence[Record]) -> tuple[tuple[float | None, bool], ...]:
    """The median time to the target, without and with compilation, each with its flag.

    The budget of a run that did not reach the target is the training time it had; that of a
    diverged run, which never would, is the longest that a run of its row had.
    """
    if records[0].target_accuracy is None:
        return (None, False), (None, False)
    ok = [record for record in records if record.status == "ok"]
    if not ok:
        return (None, False), (None, False)
    reached = [record for record in ok if _reached(record)]
    trained = [(sum(known(r.epoch_s)), sum(known([r.compile_s]))) for r in ok]
    missed = [time for r, time in zip(ok, trained, strict=True) if not _reached(r)]
    diverged = sum(record.status == "diverged" for record in records)
    missed += [max(trained, key=sum)] * diverged
    return (
        median_time(known(r.time_to_target_s for r in reached), [bare for bare, _ in missed]),
        median_time(
            known(r.time_to_target_with_compile_s for r in reached), [sum(t) for t in missed]
        ),
    )
