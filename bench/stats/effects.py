"""How much one differs from the other: ratios, on the logarithmic scale, and differences.

Interval and p of an effect are of one test: the interval leaves out no effect just where p is at
most 1 - its level. In a family of comparisons both go by Holm's procedure; see `holm_divisors`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.stats.intervals import (
    LEVEL,
    Interval,
    Values,
    checked,
    exp,
    student_p,
    student_quantile,
    t_interval,
)
from bench.stats.signed_rank import decisive_pairs, hodges_lehmann, hodges_lehmann_p
from bench.stats.two_samples import can_tell, shift_interval, shift_p

FEWEST_FOR_RANKS = 10  # in each sample: of fewer, a test of ranks finds little after a correction


@dataclass(frozen=True, slots=True)
class Effect:
    """A ratio or a difference of two conditions' figures, over pairs or over two samples.

    counts          pairs, or values of each sample
    estimate  of pairs the centre of their ratios or differences; else that of the medians
    interval  None where there are too few
    p         two-sided, of no effect, by the test that `test` names; None where there are too few
    """

    counts: tuple[int, ...]
    estimate: float
    interval: Interval | None
    p: float | None
    test: str


def paired_ratio(
    values: Sequence[float],
    base: Sequence[float],
    *,
    comparisons: int = 1,
    divisor: int = 1,
    level: float = LEVEL,
) -> Effect:
    """values/base, pair by pair, from the log ratios: their centre, its interval, and p.

    Where so many pairs can be significant at all after Holm's correction over `comparisons`: Hodges
    and Lehmann's estimate and interval, and the exact signed-rank test. With fewer: the geometric
    mean, and Student's t, which assumes that log ratios are normal. Which of them depends on the
    counts alone, never on the data. The interval is at 1 - (1 - level)/divisor, where the divisor
    is at most `comparisons`; p is not corrected.
    """
    numerator, denominator = checked(values, positive=True), checked(base, positive=True)
    logs = np.log(numerator), np.log(denominator)
    return _exponential(_paired(*logs, comparisons, divisor, level))


def paired_difference(
    values: Sequence[float],
    base: Sequence[float],
    *,
    comparisons: int = 1,
    divisor: int = 1,
    level: float = LEVEL,
) -> Effect:
    """Values - base, pair by pair: the centre, its interval and p, as of `paired_ratio`."""
    return _paired(checked(values), checked(base), comparisons, divisor, level)


def unpaired_ratio(
    values: Sequence[float],
    base: Sequence[float],
    *,
    comparisons: int = 1,
    divisor: int = 1,
    level: float = LEVEL,
) -> Effect:
    """The ratio of the medians of two independent samples of positive values, its interval and p.

    All of it on logarithms: of an even number the median is the geometric mean of the middle two.

    From ten values in each sample on: Mann and Whitney's test and the interval of a shift that it
    does not reject. With fewer: Welch's t on the logarithms (Welch 1947). Neither interval nor p
    where a sample has a single value. Such an interval is about another centre than the ratio of
    the medians; it is widened where it does not hold that, and p is 1 where the two centres are on
    either side of no effect. `comparisons` and `divisor` are those of `paired_ratio`.
    """
    numerator, denominator = checked(values, positive=True), checked(base, positive=True)
    logs = np.log(numerator), np.log(denominator)
    return _exponential(_unpaired(*logs, comparisons, divisor, level))


def unpaired_difference(
    values: Sequence[float],
    base: Sequence[float],
    *,
    comparisons: int = 1,
    divisor: int = 1,
    level: float = LEVEL,
) -> Effect:
    """The difference of the medians of two samples; interval and p as of `unpaired_ratio`."""
    return _unpaired(checked(values), checked(base), comparisons, divisor, level)


def inverse(ratio: Effect) -> Effect:
    """The ratio of the base to the values, of the same test."""
    return _turned(ratio, _reciprocal)


def negated(difference: Effect) -> Effect:
    """The difference of the base from the values, of the same test."""
    return _turned(difference, lambda value: -value)


def _paired(values: Values, base: Values, comparisons: int, divisor: int, level: float) -> Effect:
    if len(values) != len(base):
        raise ValueError(f"got {len(values)} and {len(base)} values: give pairs")
    differences = values - base
    count, narrowed = len(differences), 1 - (1 - level) / divisor
    interval: Interval | None
    p: float | None
    if count >= decisive_pairs(comparisons, level=level):
        interval = hodges_lehmann(list(differences), level=narrowed)
        p, test = hodges_lehmann_p(list(differences)), "signed rank"
    elif count > 1:
        mean = float(differences.mean())
        interval = Interval(mean, *t_interval(differences, narrowed), narrowed, "t")
        p, test = _t_p(differences), "t"
    else:
        interval, p, test = None, None, "t"
    estimate = interval.estimate if interval else float(np.median(differences))
    return Effect((count,), estimate, interval, p, test)


def _unpaired(values: Values, base: Values, comparisons: int, divisor: int, level: float) -> Effect:
    counts, narrowed = (len(values), len(base)), 1 - (1 - level) / divisor
    estimate = float(np.median(values) - np.median(base))
    by_ranks = min(counts) >= FEWEST_FOR_RANKS
    by_ranks = by_ranks and can_tell(*counts, comparisons=comparisons, level=level)
    test = "Mann-Whitney" if by_ranks else "Welch's t"
    if min(counts) < 2:
        return Effect(counts, estimate, None, None, test)
    if by_ranks:
        (low, high), p = shift_interval(values, base, narrowed), shift_p(values, base)
        centre = float(np.median(np.subtract.outer(values, base)))
    else:
        low, high, p = _welch(values, base, narrowed)
        centre = float(values.mean() - base.mean())
    if centre * estimate <= 0 and (centre or estimate):
        p = 1.0  # else an interval that holds 0 only since it was widened would go with a small p
    interval = Interval(estimate, min(low, estimate), max(high, estimate), narrowed, test)
    return Effect(counts, estimate, interval, p, test)


def _welch(values: Values, base: Values, level: float) -> tuple[float, float, float]:
    """Welch's interval of the difference of the means, and his p."""
    difference = float(values.mean() - base.mean())
    errors = values.var(ddof=1) / len(values), base.var(ddof=1) / len(base)
    error = math.sqrt(sum(errors))
    if not error:
        return difference, difference, float(difference == 0)
    freedom = sum(errors) ** 2 / (
        errors[0] ** 2 / (len(values) - 1) + errors[1] ** 2 / (len(base) - 1)
    )
    half = student_quantile(level, freedom) * error
    return difference - half, difference + half, student_p(difference / error, freedom)


def _t_p(differences: Values) -> float:
    """Student's two-sided p of the mean 0 of two or more values."""
    error = differences.std(ddof=1) / math.sqrt(len(differences))
    if not error:
        return float(differences.mean() == 0)
    return student_p(differences.mean() / error, len(differences) - 1)


def _exponential(of: Effect) -> Effect:
    """The effect on logarithms as one on their values."""
    interval = of.interval and replace(
        of.interval,
        estimate=exp(of.interval.estimate),
        low=exp(of.interval.low),
        high=exp(of.interval.high),
    )
    return replace(of, estimate=exp(of.estimate), interval=interval)


def _turned(of: Effect, turn: Callable[[float], float]) -> Effect:
    interval = of.interval and replace(
        of.interval,
        estimate=turn(of.interval.estimate),
        low=turn(of.interval.high),
        high=turn(of.interval.low),
    )
    return replace(of, counts=of.counts[::-1], estimate=turn(of.estimate), interval=interval)


def _reciprocal(value: float) -> float:
    return 1 / value if value else exp(math.inf)  # e^-x is 0 where e^x would be no number
