"""Times of which some are only known to exceed a budget: that of runs that missed their target.

Seconds or steps, as they are given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.stats.intervals import checked


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """The mean of min(T, limit), its standard error, and the limit."""

    mean: float
    error: float
    limit: float


def censored_median(
    reached: Sequence[float], budgets: Sequence[float]
) -> tuple[float | None, bool]:
    """The median of times of which some are only known to exceed a budget; whether it is a bound.

    The true median lies between the medians with those times at their budgets and at infinity.
    Where the two differ, as when over half of the runs did not reach the target, the first is a
    lower bound. None of no times.
    """
    if not reached and not budgets:
        return None, False
    lower = median([*reached, *budgets])
    upper = median([*reached, *[math.inf] * len(budgets)])
    return lower, lower != upper


def restricted_mean(
    reached: Sequence[float], budgets: Sequence[float] = (), *, limit: float | None = None
) -> RestrictedMean:
    """The mean of min(T, limit): the area below Kaplan and Meier's curve from 0 to the limit.

    Where all who missed the target had the limit as their budget, it is the plain mean with each
    of them at the limit. Budgets may differ. Without a limit it is the longest time or budget; a
    limit beyond that is refused, since nothing is known there, but where the last was reached.

    The standard error is Greenwood's: √Σ Aᵢ² dᵢ / (nᵢ (nᵢ - dᵢ)), Aᵢ the area from the ith time on,
    dᵢ who reached the target then, nᵢ who had not before (Klein and Moeschberger, Survival
    Analysis, second edition, 2003, equations 4.5.1 and 4.5.2).
    """
    done, missed = sorted(reached), sorted(budgets)
    every = [float(one) for one in checked([*done, *missed])]
    longest = max(every)
    if limit is None:
        limit = longest
    if limit > longest and (not done or done[-1] < longest):
        raise ValueError(f"got a limit of {limit:g}: give one up to {longest:g}, the longest seen")
    heights, starts, hazards = [1.0], [0.0], [0.0]
    for time in sorted({one for one in done if one < limit}):
        risk = sum(one >= time for one in every)
        events = done.count(time)
        heights.append(heights[-1] * (1 - events / risk))
        starts.append(time)
        hazards.append(events / (risk * (risk - events)) if risk > events else 0.0)
    ends = [*starts[1:], limit]
    areas = [h * (end - start) for h, start, end in zip(heights, starts, ends, strict=True)]
    variance = sum(sum(areas[i:]) ** 2 * hazard for i, hazard in enumerate(hazards))
    return RestrictedMean(sum(areas), math.sqrt(variance), float(limit))
