"""Many comparisons at once: which of them hold, and who may be ranked before whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np

from bench.stats.intervals import LEVEL

SLACK = 1e-12  # of a product of probabilities, by rounding


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p corrected for all of them, in the given order.

    Holm, A simple sequentially rejective multiple test procedure, 1979; as R's p.adjust.
    """
    p = np.asarray(p_values, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"got {list(p_values)!r}: give probabilities from 0 to 1")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(one) for one in corrected]


def holm_divisors(p_values: Sequence[float], *, level: float = LEVEL) -> list[int]:
    """By what Holm's procedure divides 1 - level where it decides on each p, in the given order.

    Each p that is rejected: by how many are not less than it. All that are not: by how many those
    are, which is where the procedure ends. So p times its divisor is at most 1 - level just where
    the p that `holm` corrects is, and an interval at 1 - (1 - level)/divisor that belongs to the
    test leaves out no effect just there, too (R. C. Serlin, Confidence intervals and the
    scientific method: a case for Holm on the range, Journal of Experimental Education 61, 1993).
    """
    p = np.asarray(p_values, np.float64)
    kept = sum(one > 1 - level + SLACK for one in holm(p_values))
    return [max(kept, int((p >= one).sum())) for one in p]


def tied_ranks(
    estimates: Sequence[float],
    apart: Collection[tuple[int, int]],
    *,
    greatest_first: bool = True,
) -> list[int]:
    """A rank from 1 for each estimate; those that cannot be told apart share the best of theirs.

    `apart` are the pairs of places (i, j), i < j, that were told apart. One stands behind another
    only where every pair across that line was.
    """
    unknown = set(apart) - set(combinations(range(len(estimates)), 2))
    if unknown:
        raise ValueError(f"got {sorted(unknown)}: give pairs (i, j) of places, i < j")
    sign = -1 if greatest_first else 1
    order = sorted(range(len(estimates)), key=lambda place: sign * estimates[place])
    ranks = [1] * len(estimates)
    for cut in range(1, len(order)):
        ahead, behind = order[:cut], order[cut:]
        separate = all((min(a, b), max(a, b)) in apart for a in ahead for b in behind)
        ranks[order[cut]] = cut + 1 if separate else ranks[order[cut - 1]]
    return ranks
