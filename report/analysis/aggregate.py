"""Several runs → one figure. What a run does not know is None and is left out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median, stdev

from bench.results.record import Record

Block = tuple[str, int, int, int]
"""Run, seed, repeat and attempt at it: every framework has a cell of it."""


def known(values: Iterable[float | None]) -> list[float]:
    """The values that are known."""
    return [value for value in values if value is not None]


def median_if_any(values: Sequence[float]) -> float | None:
    """The median; None of no values."""
    return median(values) if values else None


def greatest(values: Iterable[int | None]) -> int | None:
    """The greatest of the known values; None where there is none."""
    return max((value for value in values if value is not None), default=None)


def by_seed(records: Iterable[Record], value: Callable[[Record], float | None]) -> dict[int, float]:
    """The value at each seed that has it; of a seed that was run more than once, the mean."""
    found: dict[int, list[float]] = defaultdict(list)
    for record in records:
        found[record.identity.seed] += known([value(record)])
    return {seed: fmean(runs) for seed, runs in sorted(found.items()) if runs}


def by_block(
    records: Iterable[Record], value: Callable[[Record], float | None]
) -> dict[Block, float]:
    """The value of each block that has it; of a block that was run more than once, the median."""
    found: dict[Block, list[float]] = defaultdict(list)
    for record in records:
        of = record.identity
        found[of.of_run, of.seed, of.repeat, of.attempt] += known([value(record)])
    return {block: median(runs) for block, runs in found.items() if runs}


def mean_and_error(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The mean and its standard error, s/√n with the sample standard deviation s.

    Of no values there is neither; of a single one there is no error.
    """
    if not values:
        return None, None
    error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return fmean(values), error
