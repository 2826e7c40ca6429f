"""Records → comparisons: runs that may stand beside each other, and one row of figures for each.

Durations are seconds, memory is bytes, accuracies are in [0, 1]. Figures come from the runs that
are `ok` alone; every other run stays in the row's counts and status, with its reason.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import TypeVar

from bench.record import Machine, Record

RUNS_FOR_A_RANGE = 3

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Setup:
    """What runs must have in common to be compared: the request, the data and the machine."""

    dataset: str
    model: str
    device: str
    batch_size: int
    threads: int
    optimizer: str
    learning_rate: float
    momentum: float
    weight_decay: float
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
                        `_median_time` for runs that did not reach the target. Where the flag
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
    """Runs of one set-up. Rows stand by images/s, fastest first, those without figures last."""

    setup: Setup
    machine: Machine
    rows: tuple[Row, ...]
    records: tuple[Record, ...]


def compare(records: Iterable[Record]) -> list[Comparison]:
    """Put like runs together; a record given twice counts once.

    A run that failed before it knew its framework's version joins the runs of the framework, where
    these have just one.
    """
    alike = _grouped(distinct(records), _setup).items()
    comparisons = [_comparison(setup, same) for setup, same in alike]
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


def _grouped(records: Iterable[Record], key: Callable[[Record], Key]) -> dict[Key, list[Record]]:
    groups: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups


def _by_version(records: Iterable[Record]) -> dict[str | None, list[Record]]:
    """Group by the framework's version; an unknown one joins the known one if that is alone."""
    groups = _grouped(records, lambda record: record.framework_version)
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


def _comparison(setup: Setup, records: Sequence[Record]) -> Comparison:
    by_framework = _grouped(records, lambda record: record.framework)
    rows = [
        _row(framework, version, alike)
        for framework, same in by_framework.items()
        for version, alike in _by_version(same).items()
    ]
    rows.sort(key=lambda row: (row.framework, row.framework_version or ""))
    rows.sort(key=lambda row: (row.runs_ok == 0, -(row.images_per_s or 0.0)))
    return Comparison(setup, records[0].machine, tuple(rows), tuple(distinct(records)))


def _row(framework: str, version: str | None, records: Sequence[Record]) -> Row:
    ok = [record for record in records if record.status == "ok"]
    seeds = _grouped(ok, lambda record: record.seed)
    accuracies = [
        fmean(runs) for same in seeds.values() if (runs := _known(r.test_accuracy for r in same))
    ]
    speeds = _known(record.images_per_s for record in ok)
    ranged = len(speeds) >= RUNS_FOR_A_RANGE
    bare, with_compile = _to_target(records)
    tried = [record for record in records if record.status in ("ok", "diverged")]
    return Row(
        framework=framework,
        framework_version=version,
        status=_status(records),
        runs=len(records),
        runs_ok=len(ok),
        seeds=tuple(sorted(seeds)),
        parameters=_greatest(record.parameters for record in ok),
        accuracy_mean=fmean(accuracies) if accuracies else None,
        accuracy_std=stdev(accuracies) if len(accuracies) > 1 else None,
        images_per_s=_median(speeds),
        images_per_s_min=min(speeds) if ranged else None,
        images_per_s_max=max(speeds) if ranged else None,
        target_reached=sum(_reached(record) for record in tried),
        target_runs=len(tried) if records[0].target_accuracy is not None else 0,
        time_to_target_s=bare[0],
        time_to_target_is_bound=bare[1],
        time_to_target_with_compile_s=with_compile[0],
        time_to_target_with_compile_is_bound=with_compile[1],
        compile_s=_median(_known(record.compile_s for record in ok)),
        peak_rss_bytes=_greatest(record.peak_rss_bytes for record in ok),
        peak_device_bytes=_greatest(record.peak_device_bytes for record in ok),
    )


def _status(records: Sequence[Record]) -> str:
    """`ok`, `ok, unverified`, `2 of 3 ok`, or, with none ok, what became of them."""
    ok = sum(record.status == "ok" for record in records)
    if ok == len(records):
        return "ok, unverified" if any(record.unverified for record in records) else "ok"
    if ok:
        return f"{ok} of {len(records)} ok"
    return ", ".join(sorted({record.status for record in records}))


def _reached(record: Record) -> bool:
    return record.status == "ok" and bool(_known([record.time_to_target_s]))


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
    trained = [(sum(_known(r.epoch_s)), sum(_known([r.compile_s]))) for r in ok]
    missed = [time for r, time in zip(ok, trained, strict=True) if not _reached(r)]
    diverged = sum(record.status == "diverged" for record in records)
    missed += [max(trained, key=sum)] * diverged
    return (
        _median_time(_known(r.time_to_target_s for r in reached), [bare for bare, _ in missed]),
        _median_time(
            _known(r.time_to_target_with_compile_s for r in reached), [sum(t) for t in missed]
        ),
    )


def _median_time(reached_s: list[float], budgets_s: list[float]) -> tuple[float | None, bool]:
    """The median of times of which some are only known to exceed a budget; whether it is a bound.

    The true median lies between the medians with those times at their budgets and at infinity.
    Where the two differ, as when over half of the runs did not reach the target, the first is a
    lower bound.
    """
    lower = _median(reached_s + budgets_s)
    upper = _median(reached_s + [math.inf] * len(budgets_s))
    return lower, lower != upper


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _greatest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
