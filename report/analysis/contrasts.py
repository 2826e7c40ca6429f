"""Who is better, and whether that can be told: one family of contrasts for each metric.

A contrast is the effect of one sample against another: a ratio or a difference, its interval, p and
verdict. Whatever the report, the headline or `bench compare` says of two frameworks is read from
here, so that no two places can say different things of them.

The family of a comparison and a metric is every pair of its rows that can be compared: both have a
figure, and for the time to a target no run of either missed it. It is the same whatever the
baseline, which only chooses the pairs that are shown. Runs against another run are a family of
their own: each framework's later sample against its first.

All p of a family are corrected by Holm. The interval of a contrast is at the level at which Holm's
procedure decides on it (`bench.stats.holm_divisors`): 95 % or more, and it leaves out no effect
just where the corrected p is at most 0.05. The verdict is told from the interval. A pair that
cannot be tested, as of one process each, counts in the correction with p = 1.

Pairs are cells of one block. Where two rows have no block in common, and between runs, there are
none, and what differs may be the hour.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Literal, TypeVar

from bench import stats
from report.analysis.comparison import KEPT, Comparison
from report.analysis.configurations import Setup
from report.analysis.samples import METRICS, Metric, Sample, samples

Verdict = Literal["faster", "slower", "more accurate", "less accurate", "cannot be told apart"]
UNTOLD: Verdict = "cannot be told apart"
# Above no effect, below it, and whether above is better.
VERDICTS: Mapping[Metric, tuple[Verdict, Verdict, bool]] = {
    "images_per_s": ("faster", "slower", True),
    "time_to_target": ("slower", "faster", False),
    "test_accuracy": ("more accurate", "less accurate", True),
}

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One sample against another.

    effect    the ratio to the other, of accuracies the difference; its p is not corrected
    p         by Holm's correction over the family; None where the pair cannot be tested
    accepted  whether it rests on measurements that others disturbed
    """

    metric: Metric
    effect: stats.Effect
    p: float | None
    accepted: bool = False

    @property
    def pairs(self) -> int:
        """Blocks that the effect is over; 0 where it is of two samples that share none."""
        return self.effect.counts[0] if len(self.effect.counts) == 1 else 0

    @property
    def verdict(self) -> Verdict:
        """What the first is to the other, as far as the interval tells."""
        above, below, _ = VERDICTS[self.metric]
        none = 0.0 if self.metric == "test_accuracy" else 1.0
        interval = self.effect.interval
        if interval is None or interval.low <= none <= interval.high:
            return UNTOLD
        return above if interval.low > none else below

    @property
    def is_better(self) -> bool:
        """Whether the first can be told to be the better one."""
        above, below, above_is_better = VERDICTS[self.metric]
        return self.verdict == (above if above_is_better else below)

    def turned(self) -> Contrast:
        """The other against the first: the same test, read from the other side."""
        turn = stats.negated if self.metric == "test_accuracy" else stats.inverse
        return replace(self, effect=turn(self.effect))


@dataclass(frozen=True, slots=True)
class Front:
    """Where the best of a family stands against each of the others, in places.

    level   those that it cannot be told apart from
    behind  those that it is better than
    ahead   those that are better than it pair by pair, though its figure is the best
    is_one  whether best and level cannot be told apart from each other either, and each of them is
            better than all behind
    """

    best: int
    level: tuple[int, ...]
    behind: tuple[int, ...]
    ahead: tuple[int, ...]
    is_one: bool

    @property
    def first(self) -> tuple[int, ...]:
        """The best and those that it cannot be told apart from."""
        return (self.best, *self.level)


@dataclass(frozen=True, slots=True)
class Family:
    """All contrasts of one metric in one comparison.

    samples       best first; those that cannot be compared are among them
    contrasts     by places (i, j), i < j, of each pair that can be compared: i against j
    ranks         by place, from 1; None for all where no line can be drawn, and for those that
                  cannot be compared. One stands behind another only where every pair across that
                  line is told apart
    """

    setup: Setup
    metric: Metric
    samples: tuple[Sample, ...]
    contrasts: Mapping[tuple[int, int], Contrast]
    ranks: tuple[int | None, ...]

    @property
    def pairs_needed(self) -> int:
        """Blocks from which on signed ranks could tell a pair of this family apart."""
        return stats.decisive_pairs(max(1, len(self.contrasts)))

    def contrast(self, place: int, base: int) -> Contrast | None:
        """One against another; None for itself and where the two cannot be compared."""
        if place < base:
            return self.contrasts.get((place, base))
        found = self.contrasts.get((base, place))
        return found and found.turned()

    def among(self, places: Sequence[int]) -> Family:
        """Of some of its samples alone; p and intervals stay those of the whole family."""
        of = {old: new for new, old in enumerate(places)}
        kept = {
            (of[i], of[j]): one for (i, j), one in self.contrasts.items() if i in of and j in of
        }
        found = tuple(self.samples[place] for place in places)
        whole = [place for place, one in enumerate(found) if one.can_be_compared]
        return replace(self, samples=found, contrasts=kept, ranks=_ranks(len(found), whole, kept))

    def place(self, framework: str, version: str | None) -> int | None:
        """Where the sample of a row stands; None where it has none."""
        named = ((one.framework, one.version) for one in self.samples)
        return next((at for at, name in enumerate(named) if name == (framework, version)), None)

    @property
    def front(self) -> Front | None:
        """None where fewer than two can be compared."""
        if not self.contrasts:
            return None
        best = min(self.contrasts)[0]
        of_best = {j: one for (i, j), one in self.contrasts.items() if i == best}
        level = tuple(j for j, one in of_best.items() if one.verdict == UNTOLD)
        behind = tuple(j for j, one in of_best.items() if one.is_better)
        first = (best, *level)
        return Front(
            best,
            level,
            behind,
            tuple(j for j in of_best if j not in (*level, *behind)),
            all(self.contrasts[pair].verdict == UNTOLD for pair in combinations(first, 2))
            and all(self._is_better(i, j) for i in first for j in behind),
        )

    def _is_better(self, place: int, other: int) -> bool:
        found = self.contrast(place, other)
        return found is not None and found.is_better


@dataclass(frozen=True, slots=True)
class RankedSample:
    """A sample beside the base.

    contrast  to the base; None for the base itself and where the two cannot be compared
    rank      from 1; None where no line can be drawn, and where a run missed the target
    tied      whether another has the same rank
    """

    sample: Sample
    contrast: Contrast | None
    rank: int | None
    tied: bool


@dataclass(frozen=True, slots=True)
class PairwiseComparison:
    """One metric of several samples in one set-up, best first; `base` is what they are held to.

    comparisons   how many contrasts the family has
    pairs_needed  see `Family`; 0 between runs, where there are no pairs
    """

    setup: Setup
    metric: Metric
    base: Sample
    standings: tuple[RankedSample, ...]
    is_between_runs: bool
    comparisons: int
    pairs_needed: int


@lru_cache(maxsize=len(METRICS) * KEPT)  # verdict, tables and JSON ask for the same
def family(comparison: Comparison, metric: Metric, of: str = "") -> Family:
    """The contrasts of all rows that have the metric; `of` is the name of the run."""
    found = tuple(samples(comparison, metric, of))
    whole = [place for place, one in enumerate(found) if one.can_be_compared]
    pairs = {(i, j): (found[i], found[j]) for i, j in combinations(whole, 2)}
    contrasts = _contrasts(pairs, metric, paired=True)
    return Family(comparison.setup, metric, found, contrasts, _ranks(len(found), whole, contrasts))


def base_place(found: Family, baseline: str | None) -> int:
    """Where the one stands that all are held to: the baseline, or the best where it is not there.

    Of several versions of the baseline the first.
    """
    named = (place for place, one in enumerate(found.samples) if one.framework == baseline)
    return next(named, 0)


def within(found: Family, base: Sample) -> PairwiseComparison:
    """All samples of one run against one of them."""
    to = found.samples.index(base)
    return PairwiseComparison(
        setup=found.setup,
        metric=found.metric,
        base=base,
        standings=tuple(
            RankedSample(
                sample=one,
                contrast=found.contrast(place, to),
                rank=rank,
                tied=rank is not None and found.ranks.count(rank) > 1,
            )
            for place, (one, rank) in enumerate(zip(found.samples, found.ranks, strict=True))
        ),
        is_between_runs=False,
        comparisons=len(found.contrasts),
        pairs_needed=found.pairs_needed,
    )


def between(
    setup: Setup, metric: Metric, pairs: Sequence[tuple[Sample, Sample]]
) -> list[PairwiseComparison]:
    """Each framework's later sample against its first; the family is all of them."""
    whole = {
        place: (later, first)
        for place, (first, later) in enumerate(pairs)
        if first.can_be_compared and later.can_be_compared
    }
    contrasts = _contrasts(whole, metric, paired=False)
    return [
        PairwiseComparison(
            setup=setup,
            metric=metric,
            base=first,
            standings=(
                RankedSample(first, None, None, False),
                RankedSample(later, contrasts.get(place), None, False),
            ),
            is_between_runs=True,
            comparisons=len(contrasts),
            pairs_needed=0,
        )
        for place, (first, later) in enumerate(pairs)
    ]


def _contrasts(
    pairs: Mapping[Key, tuple[Sample, Sample]], metric: Metric, *, paired: bool
) -> dict[Key, Contrast]:
    """The contrasts of a family: each effect with the interval of the level that Holm tests at."""
    alone = [_effect(one, base, metric, len(pairs), 1, paired) for one, base in pairs.values()]
    p = [1.0 if one.p is None else one.p for one in alone]
    return {
        key: Contrast(
            metric,
            _effect(*pairs[key], metric, len(pairs), divisor, paired),
            None if one.p is None else corrected,
            accepted=any(sample.accepted for sample in pairs[key]),
        )
        for key, one, corrected, divisor in zip(
            pairs, alone, stats.holm(p), stats.holm_divisors(p), strict=True
        )
    }


def _effect(
    sample: Sample, base: Sample, metric: Metric, comparisons: int, divisor: int, paired: bool
) -> stats.Effect:
    """The sample to the base: a ratio, of accuracies the difference."""
    blocks = sorted(sample.values.keys() & base.values.keys()) if paired else []
    test: Callable[..., stats.Effect]
    if blocks:
        values = (
            [sample.values[block] for block in blocks],
            [base.values[block] for block in blocks],
        )
        test = stats.paired_difference if metric == "test_accuracy" else stats.paired_ratio
    else:
        values = list(sample.values.values()), list(base.values.values())
        test = stats.unpaired_difference if metric == "test_accuracy" else stats.unpaired_ratio
    return test(*values, comparisons=comparisons, divisor=divisor)


def _ranks(
    count: int, whole: Sequence[int], contrasts: Mapping[tuple[int, int], Contrast]
) -> tuple[int | None, ...]:
    """Ranks of those that can be compared, by place, from the contrasts alone.

    A pair whose effect runs against the order of the samples draws no line.
    """
    apart = [(whole.index(i), whole.index(j)) for (i, j), one in contrasts.items() if one.is_better]
    ranks = stats.tied_ranks([float(-at) for at in range(len(whole))], apart)
    if len(set(ranks)) < 2:
        return (None,) * count
    of = dict(zip(whole, ranks, strict=True))
    return tuple(of.get(place) for place in range(count))
