"""Mann and Whitney's test of two samples, turned round to an interval of their difference, exact.

Above MOST_EXACT pairs of values the count is taken for normal, with the correction for whole
numbers.

Sources: Mann and Whitney, On a test of whether one of two random variables is stochastically larger
than the other, 1947; Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, third
edition, 2014, sections 4.1 to 4.3.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from bench.stats.intervals import LEVEL, Values

MOST_EXACT = 2500  # pairs of values: as many steps, of an array as long


def can_tell(first: int, second: int, *, comparisons: int = 1, level: float = LEVEL) -> bool:
    """Whether samples of so many values can be significant after Holm's correction at all."""
    return 2 * comparisons <= (1 - level) * math.comb(first + second, first)


def shift_interval(values: Values, base: Values, level: float) -> tuple[float, float]:
    """Where values - base lies: from the kth least of all differences to the kth greatest.

    k is the greatest number with 2 P(U < k) ≤ 1 - level, at least 1: see `can_tell`.
    """
    differences = np.sort(np.subtract.outer(values, base), axis=None)
    k = _greatest(len(values), len(base), (1 - level) / 2)
    return float(differences[k - 1]), float(differences[len(differences) - k])


def shift_p(values: Values, base: Values) -> float:
    """The two-sided p of no shift: at most 1 - level just where `shift_interval` leaves out 0.

    Without ties it is Mann and Whitney's. Values that are in both samples count against a shift.
    """
    ordered = np.sort(base)
    below_or_equal = int((len(base) - np.searchsorted(ordered, values, side="left")).sum())
    above_or_equal = int(np.searchsorted(ordered, values, side="right").sum())
    against = min(below_or_equal, above_or_equal)
    return min(1.0, 2 * _below(len(values), len(base), against + 1))


def _greatest(first: int, second: int, chance: float) -> int:
    if first * second > MOST_EXACT:
        from scipy import special  # not at the top: most cells need no SciPy in their memory

        mean, std = _moments(first, second)
        return max(1, math.floor(mean + 0.5 + std * float(special.ndtri(chance))))
    below = np.cumsum(_distribution(first, second))  # below[k - 1] = P(U < k)
    return max(1, int(np.searchsorted(below, chance + 1e-12, side="right")))


def _below(first: int, second: int, bound: int) -> float:
    """P(U < bound)."""
    if first * second > MOST_EXACT:
        from scipy import special

        mean, std = _moments(first, second)
        return float(special.ndtr((bound - 0.5 - mean) / std))
    return float(_distribution(first, second)[:bound].sum())


def _moments(first: int, second: int) -> tuple[float, float]:
    product = first * second
    return product / 2, math.sqrt(product * (first + second + 1) / 12)


@lru_cache(maxsize=8)
def _distribution(first: int, second: int) -> Values:
    """P(U = u) for u from 0 to first · second, U the pairs in which the first sample's is greater.

    The greatest of all values is of the first sample with probability n/(n + m): then it is
    greater than all m of the second, and counts for none else (Mann and Whitney's recursion).
    """
    size = first * second + 1
    row = [np.zeros(size) for _ in range(second + 1)]
    for chances in row:
        chances[0] = 1.0
    for n in range(1, first + 1):
        for m in range(1, second + 1):
            with_greatest = np.zeros(size)
            with_greatest[m:] = row[m][: size - m]
            row[m] = (n * with_greatest + m * row[m - 1]) / (n + m)
    chances = row[second]
    chances.flags.writeable = False
    return chances
