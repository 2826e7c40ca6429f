"""How fast, and how surely: the figures of speed of one row, over its processes.

A process is a record: one figure from each, since windows within a process are not independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench import stats
from bench.results.record import Record
from report.analysis.aggregate import known, median_if_any

Block = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of one row; None is what its records do not tell.

    processes               ok records with a speed; images_per_s is the median over them, low and
                            high are its 95 % interval (`bench.stats.median_interval`)
    images_per_s_cv         sample standard deviation over the mean
    outliers                processes beyond Tukey's outer fences; they count in every figure
    in_windows              processes measured in windows; the others by whole epochs
    unsteady                processes that reached no steady state
    ratio                   to the fastest row, or to the baseline that was asked for, over blocks
                            that both have; ratio_p by Holm's correction over the rows of the table
    pairs                   blocks that the ratio is over; 0 where the rows share none, and it is
                            the ratio of the medians
    ratio_test              the test that ratio_p is of
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
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    ratio_p: float | None
    ratio_test: str | None
    pairs: int
    gflop_per_s: float | None
    limit_share: float | None
    busy_threads: float | None
    energy_j_per_1000_images: float | None


def speed(ok: Sequence[Record], limit_gflop_per_s: float | None) -> Speed:
    """The speed of a row's ok records, without a ratio; that needs the other rows."""
    timed = [record for record in ok if usable(record.images_per_s)]
    values = [record.images_per_s for record in timed if record.images_per_s]
    interval = stats.median_interval(values) if values else None
    gflop_per_s = median_if_any(known(record.gflop_per_s for record in timed))
    return Speed(
        processes=len(timed),
        images_per_s=median_if_any(values),
        images_per_s_low=interval.low if interval else None,
        images_per_s_high=interval.high if interval else None,
        images_per_s_cv=stats.coefficient_of_variation(values) if values else None,
        outliers=len(stats.outliers(values)) if values else 0,
        in_windows=sum(bool(record.window_s) for record in timed),
        unsteady=sum(record.steady is False for record in timed),
        ratio=None,
        ratio_low=None,
        ratio_high=None,
        ratio_p=None,
        ratio_test=None,
        pairs=0,
        gflop_per_s=gflop_per_s,
        limit_share=gflop_per_s / limit_gflop_per_s if gflop_per_s and limit_gflop_per_s else None,
        busy_threads=max(known(record.busy_threads for record in timed), default=None),
        energy_j_per_1000_images=median_if_any(known(_energy(record) for record in timed)),
    )


def limit_gflop_per_s(records: Iterable[Record]) -> float | None:
    """The machine's limit: the greatest product of matrices that any process measured."""
    found = [
        value
        for record in records
        for value in (record.matrix_gflop_per_s, record.machine_gflop_per_s)
        if usable(value)
    ]
    return max(known(found), default=None)


def ratios(rows: Sequence[Sequence[Record]], base: Sequence[Record]) -> list[stats.Effect | None]:
    """Each row's ok records over those of the base; None for the base itself and without speeds."""
    comparisons = max(1, sum(bool(by_block(row)) for row in rows) - 1)
    return [None if row is base else ratio(row, base, comparisons) for row in rows]


def ratio(
    records: Sequence[Record], base: Sequence[Record], comparisons: int = 1
) -> stats.Effect | None:
    """images/s over that of the base: paired by block, or of the medians where they share none."""
    own, other = by_block(records), by_block(base)
    blocks = sorted(own.keys() & other.keys())
    if blocks:
        return stats.paired_ratio(
            [own[block] for block in blocks],
            [other[block] for block in blocks],
            comparisons=comparisons,
        )
    if own and other:
        return stats.unpaired_ratio(list(own.values()), list(other.values()))
    return None


def with_ratios(speeds: Sequence[Speed], found: Sequence[stats.Effect | None]) -> list[Speed]:
    """The speeds with their ratios in them, and p corrected for all of them."""
    p_values = [one.p for one in found if one and one.p is not None]
    corrected = iter(stats.holm(p_values))
    return [
        replace(
            of,
            ratio=one.estimate,
            ratio_low=one.interval.low if one.interval else None,
            ratio_high=one.interval.high if one.interval else None,
            ratio_p=next(corrected) if one.p is not None else None,
            ratio_test=one.test,
            pairs=one.counts[0] if len(one.counts) == 1 else 0,
        )
        if one
        else of
        for of, one in zip(speeds, found, strict=True)
    ]


def by_block(records: Iterable[Record]) -> dict[Block, float]:
    """images/s of each block, in which every framework has a cell: run, seed and repeat.

    The median, where a block was run more than once.
    """
    found: dict[Block, list[float]] = {}
    for record in records:
        if record.images_per_s is not None and usable(record.images_per_s):
            block = (record.run, record.seed, record.repeat)
            found.setdefault(block, []).append(record.images_per_s)
    return {block: median(values) for block, values in found.items()}


def usable(value: float | None) -> bool:
    """Whether it is a rate: files can come from anyone, and a rate is above 0."""
    return value is not None and value > 0


def _energy(record: Record) -> float | None:
    """Joules for 1,000 images, over the steady windows."""
    if record.energy_j is None or not record.window_steps or not record.window_s:
        return None
    images = len(record.window_s) * record.window_steps * record.batch_size
    return 1000 * record.energy_j / images
