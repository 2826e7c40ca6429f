"""One effect seen on several hosts, each of which has an effect of its own: a random effect.

What is asked is what a host like these would show. So the host is the unit: each of them counts
alike, however many blocks it measured, and the interval is Student's of their means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats.intervals import LEVEL, Interval, checked, exp, student_p, t_interval


@dataclass(frozen=True, slots=True)
class RandomEffect:
    """A ratio over hosts.

    hosts      each host's own ratio: the geometric mean over its blocks
    estimate   their geometric mean
    interval   None of a single host
    p          two-sided, of a ratio of 1, as the interval has it; None of a single host
    i_squared  the share of the hosts' variance that is more than their blocks' scatter explains,
               in [0, 1]; None where no host has two blocks, or there is one host
    """

    hosts: tuple[float, ...]
    estimate: float
    interval: Interval | None
    p: float | None
    i_squared: float | None


def pooled_ratio(
    values: Sequence[Sequence[float]],
    base: Sequence[Sequence[float]],
    *,
    divisor: int = 1,
    level: float = LEVEL,
) -> RandomEffect:
    """values/base over hosts, from the ratios within their blocks.

    The interval is Student's of the hosts' mean log ratios, with one degree of freedom less than
    hosts. With equal weights that is the interval of Hartung and Knapp (On tests of the overall
    treatment effect in meta-analysis with normally distributed responses, Statistics in Medicine
    2001). Weights by each host's own scatter were left out: of two to five blocks a scatter is
    hardly known, and tests/stats/test_random_effects.py shows what that costs in coverage.

    Args:
        values: for each host those of its blocks, greater than 0.
        base: the same of what it is compared with, pair by pair.
        divisor: the interval is at 1 - (1 - level)/divisor; see `bench.stats.holm_divisors`.
        level: of the interval, where there is one comparison.

    Raises:
        ValueError: there is no host, or a host has no pairs.
    """
    logs = [
        np.log(checked(one, positive=True)) - np.log(checked(other, positive=True))
        for one, other in zip(values, base, strict=True)
    ]
    means = checked([float(own.mean()) for own in logs])
    estimate, narrowed = float(means.mean()), 1 - (1 - level) / divisor
    interval, p = None, None
    if len(means) > 1:
        low, high = t_interval(means, narrowed)
        interval = Interval(exp(estimate), exp(low), exp(high), narrowed, "t over hosts")
        error = float(means.std(ddof=1)) / math.sqrt(len(means))
        p = student_p(estimate / error, len(means) - 1) if error else float(estimate == 0)
    hosts = tuple(exp(float(one)) for one in means)
    return RandomEffect(hosts, exp(estimate), interval, p, _i_squared(logs, means))


def _i_squared(logs: Sequence[np.ndarray], means: np.ndarray) -> float | None:
    """Higgins' and Thompson's I² = max(0, 1 - (k - 1)/Q), Q being Cochran's.

    Quantifying heterogeneity in a meta-analysis, Statistics in Medicine 2002. Q's weights are the
    hosts' counts over one variance within hosts, since that of each alone is hardly known.
    """
    counts = np.array([len(own) for own in logs])
    freedom = int((counts - 1).sum())
    if len(means) < 2 or not freedom:
        return None
    within = sum(float(((own - own.mean()) ** 2).sum()) for own in logs) / freedom
    centre = float((counts * means).sum() / counts.sum())
    between = float((counts * (means - centre) ** 2).sum())
    if not within:
        return float(between > 0)
    if not between:
        return 0.0
    return max(0.0, 1 - (len(means) - 1) * within / between)
