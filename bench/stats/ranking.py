"""Many comparisons at once: which of them hold, and who may be ranked before whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from bench.stats.intervals import LEVEL


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


def tied_ranks(
    estimates: Sequence[float],
    p_values: Mapping[tuple[int, int], float],
    *,
    level: float = LEVEL,
    greatest_first: bool = True,
) -> list[int]:
    """A rank from 1 for each estimate; those that cannot be told apart share the best of theirs.

    `p_values` holds the two-sided p of each pair of places (i, j), i < j, not yet corrected. One
    stands behind another only where every pair across that line is significant after Holm's
    correction over all pairs. A missing pair counts as p = 1.
    """
    pairs = list(combinations(range(len(estimates)), 2))
    unknown = set(p_values) - set(pairs)
    if unknown:
        raise ValueError(f"got p values of {sorted(unknown)}: give pairs (i, j) of places, i < j")
    corrected = dict(zip(pairs, holm([p_values.get(pair, 1.0) for pair in pairs]), strict=True))
    apart = {pair for pair, p in corrected.items() if p <= 1 - level + 1e-12}
    sign = -1 if greatest_first else 1
    order = sorted(range(len(estimates)), key=lambda place: sign * estimates[place])
    ranks = [1] * len(estimates)
    for cut in range(1, len(order)):
        ahead, behind = order[:cut], order[cut:]
        separate = all((min(a, b), max(a, b)) in apart for a in ahead for b in behind)
        ranks[order[cut]] = cut + 1 if separate else ranks[order[cut - 1]]
    return ranks
