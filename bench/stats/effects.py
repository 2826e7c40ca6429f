"""How much one differs from the other: ratios, on the logarithmic scale, and differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.stats.intervals import (
    LEVEL,
    Interval,
    Values,
    bootstrap_interval,
    checked,
    exp,
    student_p,
    student_quantile,
    t_interval,
)
from bench.stats.signed_rank import decisive_pairs, hodges_lehmann, signed_rank_p

FEWEST_FOR_BOOTSTRAP = 10


@dataclass(frozen=True, slots=True)
class Effect:
    """A ratio or a difference of two conditions' figures, over pairs or over two samples.

    counts          pairs, or values of each sample
    estimate  of pairs the centre of their ratios or differences; else that of the medians
    interval  None where there are too few
    p         two-sided, of no effect, by the test that `test` names; None of a single pair
    rank_p    by ranks, exact without ties: signed ranks of pairs, Mann and Whitney's of two samples
    """

    counts: tuple[int, ...]
    estimate: float
    interval: Interval | None
    p: float | None
    test: str
    rank_p: float


def paired_ratio(
    values: Sequence[float], base: Sequence[float], *, comparisons: int = 1, level: float = LEVEL
) -> Effect:
    """values/base, pair by pair, from the log ratios: their centre, its interval, and p.

    Where so many pairs can be significant at all after Holm's correction over `comparisons`: Hodges
    and Lehmann's estimate and interval, and the exact signed-rank test. With fewer: the geometric
    mean, and Student's t, which assumes that log ratios are normal. Which of them depends on the
    counts alone, never on the data. Interval and p are of one test, so that an interval at 95 %
    leaves 1 out where p, uncorrected, is 0.05 or less; ties of exact ranks apart.
    """
    numerator, denominator = checked(values, positive=True), checked(base, positive=True)
    if len(numerator) != len(denominator):
        raise ValueError(f"got {len(numerator)} and {len(denominator)} values: give pairs")
    return _exponential(_paired(np.log(numerator) - np.log(denominator), comparisons, level))


def paired_difference(
    values: Sequence[float], base: Sequence[float], *, comparisons: int = 1, level: float = LEVEL
) -> Effect:
    """Values - base, pair by pair: the centre, its interval and p, as of `paired_ratio`."""
    minuend, subtrahend = checked(values), checked(base)
    if len(minuend) != len(subtrahend):
        raise ValueError(f"got {len(minuend)} and {len(subtrahend)} values: give pairs")
    return _paired(minuend - subtrahend, comparisons, level)


def unpaired_ratio(
    values: Sequence[float], base: Sequence[float], *, level: float = LEVEL
) -> Effect:
    """The ratio of the medians of two independent samples of positive values, its interval and p.

    All of it on logarithms: of an even number the median is the geometric mean of the middle two.

    From ten values in each sample on: the percentile bootstrap of both medians, and Mann and
    Whitney's test. With fewer: Welch's t on the logarithms (Welch 1947), since the bootstrap of few
    is too narrow. Neither interval nor p where a sample has a single value.
    """
    numerator, denominator = checked(values, positive=True), checked(base, positive=True)
    return _exponential(_unpaired(np.log(numerator), np.log(denominator), level))


def unpaired_difference(
    values: Sequence[float], base: Sequence[float], *, level: float = LEVEL
) -> Effect:
    """The difference of the medians of two samples; interval and p as of `unpaired_ratio`."""
    return _unpaired(checked(values), checked(base), level)


def _paired(differences: Values, comparisons: int, level: float) -> Effect:
    count = len(differences)
    rank_p = signed_rank_p(list(differences))
    if count >= decisive_pairs(comparisons, level=level):
        interval, p, test = hodges_lehmann(list(differences), level=level), rank_p, "signed rank"
    elif count > 1:
        mean = float(differences.mean())
        interval = Interval(mean, *t_interval(differences, level), level, "t")
        p, test = _t_p(differences), "t"
    else:
        interval, p, test = None, None, "t"
    estimate = interval.estimate if interval else float(np.median(differences))
    return Effect((count,), estimate, interval, p, test, rank_p)


def _unpaired(values: Values, base: Values, level: float) -> Effect:
    from scipy import stats

    few = min(len(values), len(base)) < FEWEST_FOR_BOOTSTRAP
    rank_p = float(stats.mannwhitneyu(values, base).pvalue)
    interval: Interval | None
    p: float | None
    if few:
        interval, p = _welch(values, base, level)
    else:
        samples = list(values), list(base)
        interval, p = bootstrap_interval(samples, _difference_of_medians, level=level), rank_p
    return Effect(
        counts=(len(values), len(base)),
        estimate=float(np.median(values) - np.median(base)),
        interval=interval,
        p=p,
        test="Welch's t" if few else "Mann-Whitney",
        rank_p=rank_p,
    )


def _difference_of_medians(values: Values, base: Values, *, axis: int) -> Values:
    difference: Values = np.median(values, axis=axis) - np.median(base, axis=axis)
    return difference


def _welch(values: Values, base: Values, level: float) -> tuple[Interval | None, float | None]:
    """Welch's interval about the difference of the medians, widened to hold it; and his p."""
    if min(len(values), len(base)) < 2:
        return None, None
    estimate = float(np.median(values) - np.median(base))
    difference = float(values.mean() - base.mean())
    errors = values.var(ddof=1) / len(values), base.var(ddof=1) / len(base)
    error = math.sqrt(sum(errors))
    if not error:
        return Interval(estimate, estimate, estimate, level, "Welch's t"), float(difference == 0)
    freedom = sum(errors) ** 2 / (
        errors[0] ** 2 / (len(values) - 1) + errors[1] ** 2 / (len(base) - 1)
    )
    half = student_quantile(level, freedom) * error
    low, high = min(difference - half, estimate), max(difference + half, estimate)
    p = student_p(difference / error, freedom)
    return Interval(estimate, low, high, level, "Welch's t"), p


def _t_p(differences: Values) -> float:
    """Student's two-sided p of the mean 0 of two or more values."""
    error = differences.std(ddof=1) / math.sqrt(len(differences))
    if not error:
        return float(differences.mean() == 0)
    return student_p(differences.mean() / error, len(differences) - 1)


def _exponential(of: Effect) -> Effect:
    """The effect on logarithms as one on their values."""
    return replace(
        of,
        estimate=exp(of.estimate),
        interval=of.interval and _exponentials(of.interval),
    )


def _exponentials(of: Interval) -> Interval:
    return Interval(exp(of.estimate), exp(of.low), exp(of.high), of.level, of.method)
