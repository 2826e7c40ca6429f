"""Wilcoxon's signed-rank test and Hodges and Lehmann's estimate, exact also with ties.

Sources: Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, third edition, 2014,
sections 3.1 to 3.3; Wilcoxon, Individual comparisons by ranking methods, 1945.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from bench.stats.intervals import LEVEL, Interval, Values, checked

Alternative = Literal["two-sided", "greater", "less"]


def signed_rank_p(differences: Sequence[float], alternative: Alternative = "two-sided") -> float:
    """The exact p of differences that are symmetric about 0, by Wilcoxon's signed ranks.

    Zeros are left out, as Wilcoxon did; equal sizes share the mean of their ranks, and the
    distribution is that of these very ranks. `greater`: the differences tend to be above 0.
    `two-sided`: twice the smaller of both, at most 1. Only zeros: 1.
    """
    data = checked(differences)
    data = data[data != 0]
    if not len(data):
        return 1.0
    doubled = _doubled_ranks(np.abs(data))
    step = int(np.gcd.reduce(doubled))  # 2 without ties: then all of one count share a distribution
    chances = _distribution(tuple(sorted((doubled // step).tolist())))
    positive = int(doubled[data > 0].sum()) // step
    greater = min(1.0, float(chances[positive:].sum()))
    less = min(1.0, float(chances[: positive + 1].sum()))
    if alternative == "greater":
        return greater
    return less if alternative == "less" else min(1.0, 2 * min(greater, less))


def signed_rank_distribution(count: int) -> Values:
    """P(W⁺ = w) for w from 0 to n(n + 1)/2, of n differences without ties."""
    return _distribution(tuple(range(1, count + 1)))


def decisive_pairs(comparisons: int = 1, *, level: float = LEVEL) -> int:
    """The fewest pairs at which the two-sided test can be significant after Holm's correction.

    The smallest p of n pairs is 2^(1 - n), and the first of m corrected ones is m times that.
    """
    return 1 + math.ceil(math.log2(max(1, comparisons) / (1 - level)) - 1e-9)


def hodges_lehmann(differences: Sequence[float], *, level: float = LEVEL) -> Interval | None:
    """The median of all Walsh averages (dᵢ + dⱼ)/2, i ≤ j, and its exact interval.

    The interval runs from the kth least to the kth greatest of them, k the greatest number with
    2 P(W⁺ < k) ≤ 1 - level; its own level is 1 - 2 P(W⁺ < k). None where even k = 1 covers less
    than `level`: under six differences for 95 %.
    """
    data = checked(differences)
    first, second = np.triu_indices(len(data))
    walsh = np.sort((data[first] + data[second]) / 2)
    below = np.cumsum(signed_rank_distribution(len(data)))  # below[k - 1] = P(W⁺ < k)
    k = int(np.searchsorted(below, (1 - level) / 2 + 1e-12, side="right"))
    if k == 0:
        return None
    return Interval(
        float(np.median(walsh)),
        float(walsh[k - 1]),
        float(walsh[len(walsh) - k]),
        1 - 2 * float(below[k - 1]),
        "Hodges-Lehmann",
    )


def _doubled_ranks(sizes: Values) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Twice the ranks, whole numbers also where ties share their mean."""
    _, place, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    doubled: np.ndarray[tuple[int], np.dtype[np.int64]] = (2 * last - counts + 1)[place]
    return doubled


@lru_cache(maxsize=8)  # n³ steps, and a report asks for one and the same again and again
def _distribution(ranks: tuple[int, ...]) -> Values:
    """P(the sum of a random half of the ranks = w): each counts with probability 1/2."""
    chances = np.zeros(sum(ranks) + 1)
    chances[0] = 1.0
    end = 1
    for rank in ranks:
        moved = chances[:end].copy()
        end += rank
        chances[rank:end] += moved
        chances[:end] /= 2
    chances.flags.writeable = False
    return chances
