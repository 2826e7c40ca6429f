"""How fast, and how surely: the figures of speed of one row, over its processes.

A process is a record: one figure from each, since windows within a process are not independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench import stats
from bench.results.record import Record
from report.analysis.aggregate import known, median_if_any


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of one row; None is what its records do not tell.

    processes               ok records with a speed; images_per_s is the median over them, low and
                            high are its 95 % interval (`bench.stats.median_interval`)
    images_per_s_cv         sample standard deviation over the mean
    outliers                processes beyond Tukey's outer fences; they count in every figure
    in_windows              processes measured in windows; the others by whole epochs
    unsteady                processes that reached no steady state
    disturbed               processes left out since others disturbed them
    accepted                processes that count although others disturbed them
    gflop_per_s             median; limit_share is its part of the greatest product of matrices
                            measured in the comparison
    busy_threads            the most CPU seconds a wall second of any process
    energy_j_per_1000_images  median over the processes whose energy is known
    """

    processes: int
    images_per_s: float | None
    images_per_s_low: float | None
    images_per_s_high: float | None
    images_per_s_cv: float | None
    outliers: int
    in_windows: int
    unsteady: int
    disturbed: int
    accepted: int
    gflop_per_s: float | None
    limit_share: float | None
    busy_threads: float | None
    energy_j_per_1000_images: float | None


def speed(ok: Sequence[Record], limit_gflop_per_s: float | None) -> Speed:
    """The speed of a row's ok records; ratios to other rows are in contrasts.py."""
    timed = [record for record in ok if rate(record) is not None]
    values = known(map(rate, timed))
    interval = stats.median_interval(values) if values else None
    gflop_per_s = median_if_any(known(record.throughput.gflop_per_s for record in timed))
    return Speed(
        processes=len(timed),
        images_per_s=median_if_any(values),
        images_per_s_low=interval.low if interval else None,
        images_per_s_high=interval.high if interval else None,
        images_per_s_cv=stats.coefficient_of_variation(values) if values else None,
        outliers=len(stats.outliers(values)) if values else 0,
        in_windows=sum(bool(record.throughput.windows_s) for record in timed),
        unsteady=sum(record.throughput.steady is False for record in timed),
        disturbed=sum(not record.has_clean_speed for record in ok),
        accepted=sum(bool(record.throughput.disturbed) for record in timed),
        gflop_per_s=gflop_per_s,
        limit_share=gflop_per_s / limit_gflop_per_s if gflop_per_s and limit_gflop_per_s else None,
        busy_threads=max(known(record.throughput.busy_threads for record in timed), default=None),
        energy_j_per_1000_images=median_if_any(known(_energy(record) for record in timed)),
    )


def limit_gflop_per_s(records: Iterable[Record]) -> float | None:
    """The machine's limit: the greatest product of matrices that any process measured."""
    found = [
        value
        for record in records
        for value in (record.throughput.matrix_gflop_per_s, record.throughput.machine_gflop_per_s)
        if usable(value) and record.has_clean_speed
    ]
    return max(known(found), default=None)


def rate(record: Record) -> float | None:
    """Its images/s, where that is a rate and counts: see `Record.has_clean_speed`."""
    speed = record.throughput.images_per_s
    return speed if usable(speed) and record.has_clean_speed else None


def accepting_disturbed(records: Iterable[Record]) -> list[Record]:
    """The records, with what others disturbed accepted."""
    return [
        record.model_copy(
            update={"run_settings": replace(record.run_settings, accept_disturbed=True)}
        )
        if record.run_settings is not None and not record.is_clean
        else record
        for record in records
    ]


def usable(value: float | None) -> bool:
    """Whether it is a rate: files can come from anyone, and a rate is above 0."""
    return value is not None and value > 0


def _energy(record: Record) -> float | None:
    """Joules for 1,000 images, over the steady windows."""
    if (
        record.throughput.energy_j is None
        or not record.throughput.window_steps
        or not record.throughput.windows_s
    ):
        return None
    images = (
        len(record.throughput.windows_s)
        * record.throughput.window_steps
        * record.identity.batch_size
    )
    return 1000 * record.throughput.energy_j / images
