"""Wilcoxon's signed-rank test and Hodges and Lehmann's estimate, exact also with ties.

Above MOST_EXACT differences the sum of ranks is taken for normal, with the correction for whole
numbers: the exact distribution takes n³ steps, and is then not to be told from it.

Sources: Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, third edition, 2014,
sections 3.1 to 3.3; Wilcoxon, Individual comparisons by ranking methods, 1945.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.stats.intervals import LEVEL, Interval, Values, checked

Alternative = Literal["two-sided", "greater", "less"]
Ranks = NDArray[np.int64]
MOST_EXACT = 200  # differences


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
    ranks = doubled // step
    positive = int(ranks[data > 0].sum())
    if len(data) > MOST_EXACT:
        greater = _normal_below(ranks, int(ranks.sum()) - positive + 1)  # symmetric
        less = _normal_below(ranks, positive + 1)
    else:
        chances = _distribution(tuple(sorted(ranks.tolist())))
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
    walsh = np.sort(_walsh(data))
    k, below = _greatest(len(data), (1 - level) / 2)
    if k == 0:
        return None
    return Interval(
        float(np.median(walsh)),
        float(walsh[k - 1]),
        float(walsh[len(walsh) - k]),
        1 - 2 * below,
        "Hodges-Lehmann",
    )


def hodges_lehmann_p(differences: Sequence[float]) -> float:
    """The two-sided p of no difference, by `hodges_lehmann` turned round.

    It is at most 1 - level just where the interval at that level leaves out 0. Of differences of
    which none is 0 and no two are of equal size it is that of `signed_rank_p`, since W⁺ is then
    how many Walsh averages are above 0 (Tukey 1949; Hollander, Wolfe and Chicken, section 3.3).
    Averages that are 0 count against a difference.
    """
    walsh = _walsh(checked(differences))
    against = min(int((walsh <= 0).sum()), int((walsh >= 0).sum()))
    return min(1.0, 2 * _below(len(differences), against + 1))


def _walsh(data: Values) -> Values:
    first, second = np.triu_indices(len(data))
    averages: Values = (data[first] + data[second]) / 2
    return averages


def _below(count: int, bound: int) -> float:
    """P(W⁺ < bound) of so many differences without ties."""
    if count > MOST_EXACT:
        return _normal_below(np.arange(1, count + 1), bound)
    return float(signed_rank_distribution(count)[:bound].sum())


def _greatest(count: int, chance: float) -> tuple[int, float]:
    """The greatest k with P(W⁺ < k) ≤ chance for so many differences, and that P."""
    if count > MOST_EXACT:
        from scipy import special  # not at the top: most cells need no SciPy in their memory

        ranks = np.arange(1, count + 1)
        mean, std = _moments(ranks)
        k = math.floor(mean + 0.5 + std * float(special.ndtri(chance)))
        return k, _normal_below(ranks, k)
    below = np.cumsum(signed_rank_distribution(count))  # below[k - 1] = P(W⁺ < k)
    k = int(np.searchsorted(below, chance + 1e-12, side="right"))
    return k, float(below[k - 1])


def _normal_below(ranks: Ranks, bound: int) -> float:
    """P(W⁺ < bound), as of a normal distribution of the same mean and variance."""
    from scipy import special

    mean, std = _moments(ranks)
    return float(special.ndtr((bound - 0.5 - mean) / std))


def _moments(ranks: Ranks) -> tuple[float, float]:
    """Mean and standard deviation of the sum of a random half of the ranks."""
    return float(ranks.sum() / 2), math.sqrt(float(np.square(ranks, dtype=float).sum())) / 2


def _doubled_ranks(sizes: Values) -> Ranks:
    """Twice the ranks, whole numbers also where ties share their mean."""
    _, place, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    doubled: Ranks = (2 * last - counts + 1)[place]
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
