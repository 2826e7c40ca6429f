"""Who is better, and whether that can be told: frameworks within a run, or a run against another.

`PairwiseComparison` is one metric in one set-up. Within a run, cells of one block are pairs;
between runs there are none, and what differs may be the hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Literal

from bench import stats
from bench.results.record import Record
from report.analysis.aggregate import known
from report.analysis.comparison import Comparison, Row, reached
from report.analysis.configurations import Setup
from report.analysis.throughput import Block, by_block
from report.analysis.time_to_target import times_to_target

Metric = Literal["images_per_s", "time_to_target", "test_accuracy"]
METRICS: tuple[Metric, ...] = ("images_per_s", "time_to_target", "test_accuracy")


@dataclass(frozen=True, slots=True)
class Sample:
    """What one row of one run showed: a value a process, by block.

    missed   runs that did not get to the target; their times are not among the values
    of       the run, as it was given
    """

    metric: Metric
    of: str
    framework: str
    version: str | None
    values: Mapping[Block, float]
    missed: int
    restricted: stats.RestrictedMean | None

    @property
    def estimate(self) -> float | None:
        """The median; where runs missed the target, the restricted mean."""
        if self.missed and self.restricted:
            return self.restricted.mean
        return median(self.values.values()) if self.values else None

    @property
    def interval(self) -> stats.Interval | None:
        """Of the median; None of a single process, or where runs missed the target."""
        if self.missed or not self.values:
            return None
        values = list(self.values.values())
        if self.metric == "test_accuracy":
            return stats.centre_interval(values)
        return stats.median_interval(values)


@dataclass(frozen=True, slots=True)
class RankedSample:
    """A sample beside the base.

    effect  a ratio to the base, of accuracies the difference; None for the base itself and where a
            run missed the target
    p       of the effect, by Holm's correction over the contest
    rank    from 1; None where nobody can be told apart, and where a run missed the target
    tied    whether another has the same rank
    """

    sample: Sample
    effect: stats.Effect | None
    p: float | None
    rank: int | None
    tied: bool


@dataclass(frozen=True, slots=True)
class PairwiseComparison:
    """One metric of several samples in one set-up, best first; `base` is what they are held to.

    pairs_for_a_rank  blocks from which on signed ranks could rank this many frameworks
    """

    setup: Setup
    metric: Metric
    base: Sample
    standings: tuple[RankedSample, ...]
    is_between_runs: bool
    pairs_for_a_rank: int


def samples(comparison: Comparison, metric: Metric, of: str) -> list[Sample]:
    """Every row that has the metric, best first."""
    rows = [(row, comparison.of(row)) for row in comparison.rows if row.runs_ok]
    found = [_sample(row, records, metric, of) for row, records in rows]
    having = [one for one in found if one.estimate is not None]
    sign = 1 if metric == "time_to_target" else -1
    return sorted(having, key=lambda one: sign * (one.estimate or 0.0))


def within(
    setup: Setup, metric: Metric, found: Sequence[Sample], base: Sample
) -> PairwiseComparison:
    """All samples of one run against the base, paired by block, with ranks."""
    others = [one for one in found if one is not base]
    effects = [effect(one, base, metric, len(others)) for one in others]
    corrected = iter(stats.holm([one.p for one in effects if one and one.p is not None]))
    p_of = {
        id(other): next(corrected) if one and one.p is not None else None
        for other, one in zip(others, effects, strict=True)
    }
    effect_of = {id(other): one for other, one in zip(others, effects, strict=True)}
    ranks = _ranks(found, metric)
    return PairwiseComparison(
        setup=setup,
        metric=metric,
        base=base,
        standings=tuple(
            RankedSample(
                sample=one,
                effect=effect_of.get(id(one)),
                p=p_of.get(id(one)),
                rank=ranks.get(id(one)),
                tied=list(ranks.values()).count(ranks.get(id(one), 0)) > 1,
            )
            for one in found
        ),
        is_between_runs=False,
        pairs_for_a_rank=stats.decisive_pairs(_pairs(len(found))),
    )


def between(
    setup: Setup, metric: Metric, pairs: Sequence[tuple[Sample, Sample]]
) -> list[PairwiseComparison]:
    """Each framework's later sample against its first; p by Holm's correction over all pairs."""
    effects = [effect(later, first, metric, len(pairs), paired=False) for first, later in pairs]
    corrected = iter(stats.holm([one.p for one in effects if one and one.p is not None]))
    return [
        PairwiseComparison(
            setup=setup,
            metric=metric,
            base=first,
            standings=(
                RankedSample(first, None, None, None, False),
                RankedSample(
                    later, one, next(corrected) if one and one.p is not None else None, None, False
                ),
            ),
            is_between_runs=True,
            pairs_for_a_rank=0,
        )
        for (first, later), one in zip(pairs, effects, strict=True)
    ]


def effect(
    sample: Sample, base: Sample, metric: Metric, comparisons: int, *, paired: bool = True
) -> stats.Effect | None:
    """The sample to the base: a ratio, of accuracies the difference; None where a run missed."""
    if sample.missed or base.missed or not sample.values or not base.values:
        return None
    blocks = sorted(sample.values.keys() & base.values.keys()) if paired else []
    if blocks:
        own = [sample.values[block] for block in blocks]
        other = [base.values[block] for block in blocks]
        of_pairs = stats.paired_difference if metric == "test_accuracy" else stats.paired_ratio
        return of_pairs(own, other, comparisons=max(1, comparisons))
    of_samples = stats.unpaired_difference if metric == "test_accuracy" else stats.unpaired_ratio
    return of_samples(list(sample.values.values()), list(base.values.values()))


def overlap(first: Sample, later: Sample) -> bool | None:
    """Whether the intervals of both have a value in common; None where one has no interval."""
    one, other = first.interval, later.interval
    if one is None or other is None:
        return None
    return one.low <= other.high and other.low <= one.high


def _ranks(found: Sequence[Sample], metric: Metric) -> dict[int, int]:
    """Ranks of the samples that can be compared, by id; none where nobody can be told apart.

    `found` stands best first. A pair whose own effect runs against that order tells nothing.
    """
    whole = [one for one in found if one.values and not one.missed]
    better_is = -1 if metric == "time_to_target" else 1
    none = 0.0 if metric == "test_accuracy" else 1.0
    p_values: dict[tuple[int, int], float] = {}
    for i, j in combinations(range(len(whole)), 2):
        one = effect(whole[i], whole[j], metric, _pairs(len(whole)))
        if one and one.p is not None and (one.estimate - none) * better_is > 0:
            p_values[i, j] = one.p
    ranks = stats.tied_ranks([float(-place) for place in range(len(whole))], p_values)
    if len(set(ranks)) < 2:
        return {}
    return {id(one): rank for one, rank in zip(whole, ranks, strict=True)}


def _pairs(count: int) -> int:
    return max(1, count * (count - 1) // 2)


def _sample(row: Row, records: Sequence[Record], metric: Metric, of: str) -> Sample:
    values: dict[Block, float]
    missed, restricted = 0, None
    ok = [record for record in records if record.status == "ok"]
    if metric == "images_per_s":
        values = by_block(ok)
    elif metric == "test_accuracy":
        values = _by_block(ok, {id(one): one.test_accuracy for one in ok})
    else:
        values = _by_block(ok, {id(one): one.time_to_target_s for one in ok if reached(one)})
        arrived, budgets = times_to_target(records) if row.target_runs else ([], [])
        missed = row.target_runs - row.target_reached
        if arrived or budgets:
            restricted = stats.restricted_mean(arrived, budgets)
    return Sample(metric, of, row.framework, row.framework_version, values, missed, restricted)


def _by_block(
    records: Sequence[Record], value_of: Mapping[int, float | None]
) -> dict[Block, float]:
    found: dict[Block, list[float]] = {}
    for record in records:
        block = (record.run, record.seed, record.repeat)
        found.setdefault(block, []).extend(known([value_of.get(id(record))]))
    return {block: median(values) for block, values in found.items() if values}
