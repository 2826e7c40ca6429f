"""How much faster one is than the other: ratios, on the logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats.intervals import (
    LEVEL,
    Interval,
    Values,
    bootstrap_interval,
    checked,
    exp,
    median_interval,
)
from bench.stats.signed_rank import decisive_pairs, hodges_lehmann, signed_rank_p

FEWEST_FOR_BOOTSTRAP = 10


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two conditions' figures, over pairs or over two samples.

    counts          pairs, or values of each sample
    estimate        exp(median of log ratios), or the ratio of the medians
    interval        None where there are too few
    hodges_lehmann  of paired log ratios, with its exact interval; None under six pairs
    p               two-sided, of the ratio 1, by the test that `test` names; None of a single pair
    rank_p          by ranks, exact without ties: signed ranks of pairs, Mann and Whitney's of two
                    samples
    """

    counts: tuple[int, ...]
    estimate: float
    interval: Interval | None
    hodges_lehmann: Interval | None
    p: float | None
    test: str
    rank_p: float


def paired_ratio(
    values: Sequence[float], base: Sequence[float], *, comparisons: int = 1, level: float = LEVEL
) -> Ratio:
    """values/base, pair by pair: exp(median of log ratios), its interval (`median_interval`), p.

    p is the exact signed-rank test's where so many pairs can be significant at all after Holm's
    correction over `comparisons`; with fewer it is that of Student's t on the log ratios, which
    assumes that these are normal. Which of them depends on the counts alone, never on the data.
    """
    numerator, denominator = checked(values, positive=True), checked(base, positive=True)
    if len(numerator) != len(denominator):
        raise ValueError(f"got {len(numerator)} and {len(denominator)} values: give pairs")
    logs = np.log(numerator) - np.log(denominator)
    by_ranks = signed_rank_p(list(logs))
    few = len(logs) < decisive_pairs(comparisons, level=level)
    shift = hodges_lehmann(list(logs), level=level)
    estimate = exp(float(np.median(logs)))
    found = median_interval(list(np.exp(logs)), level=level)
    return Ratio(
        counts=(len(logs),),
        estimate=estimate,
        interval=found and Interval(estimate, found.low, found.high, found.level, found.method),
        hodges_lehmann=shift and _exponentials(shift),
        p=None if len(logs) == 1 else _t_p(logs) if few else by_ranks,
        test="t" if few else "signed rank",
        rank_p=by_ranks,
    )


def unpaired_ratio(
    values: Sequence[float], base: Sequence[float], *, level: float = LEVEL
) -> Ratio:
    """median(values)/median(base) of two independent samples, its interval and p.

    From ten values in each sample on: the percentile bootstrap of both, and Mann and Whitney's
    test. With fewer: Welch's t on the logarithms (Welch 1947), since the bootstrap of few is too
    narrow. None of both where a sample has a single value.
    """
    from scipy import stats

    numerator, denominator = checked(values, positive=True), checked(base, positive=True)
    few = min(len(numerator), len(denominator)) < FEWEST_FOR_BOOTSTRAP
    estimate = float(np.median(numerator) / np.median(denominator))
    rank_p = float(stats.mannwhitneyu(numerator, denominator).pvalue)
    interval: Interval | None
    p: float | None
    if few:
        interval, p = _welch(np.log(numerator), np.log(denominator), estimate, level)
    else:
        interval = bootstrap_interval([values, base], _median_ratio, level=level)
        p = rank_p
    return Ratio(
        counts=(len(numerator), len(denominator)),
        estimate=estimate,
        interval=interval,
        hodges_lehmann=None,
        p=p,
        test="Welch's t" if few else "Mann-Whitney",
        rank_p=rank_p,
    )


def _median_ratio(values: Values, base: Values, *, axis: int) -> Values:
    ratio: Values = np.median(values, axis=axis) / np.median(base, axis=axis)
    return ratio


def _welch(
    logs: Values, base: Values, estimate: float, level: float
) -> tuple[Interval | None, float | None]:
    from scipy import stats

    if min(len(logs), len(base)) < 2:
        return None, None
    difference = float(logs.mean() - base.mean())
    errors = logs.var(ddof=1) / len(logs), base.var(ddof=1) / len(base)
    error = math.sqrt(sum(errors))
    if not error:
        return Interval(estimate, estimate, estimate, level, "Welch's t"), float(difference == 0)
    freedom = sum(errors) ** 2 / (
        errors[0] ** 2 / (len(logs) - 1) + errors[1] ** 2 / (len(base) - 1)
    )
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(difference) / error, freedom))
    low, high = exp(difference - half), exp(difference + half)
    return Interval(estimate, min(low, estimate), max(high, estimate), level, "Welch's t"), p


def _t_p(logs: Values) -> float:
    """Student's two-sided p of the mean 0 of two or more values."""
    from scipy import stats

    error = logs.std(ddof=1) / math.sqrt(len(logs))
    if not error:
        return float(logs.mean() == 0)
    return float(2 * stats.t.sf(abs(logs.mean()) / error, len(logs) - 1))


def _exponentials(of: Interval) -> Interval:
    return Interval(exp(of.estimate), exp(of.low), exp(of.high), of.level, of.method)
