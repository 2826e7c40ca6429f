"""Statistics of benchmarks: pure functions of numbers, with the sources of their formulas.

The unit is the process: one figure from each. Windows within a process are not independent, and
pooling them would understate the error (Kalibera and Jones, Rigorous Benchmarking in Reasonable
Time, ISMM 2013).

intervals.py        how far a median or a share can be trusted
signed_rank.py      Wilcoxon's test and Hodges and Lehmann's estimate, exact
two_samples.py      Mann and Whitney's test and the interval that goes with it, exact
effects.py          how much faster one is than the other, paired or not
ranking.py          many comparisons at once: Holm's correction, and ranks that may be tied
random_effects.py   one effect on several hosts, each with its own
change_points.py    where a series of figures, one a run, changes its level
censored.py         times of which some are only known to exceed a budget

`Interval` carries what it claims to cover and how it was found. None stands for an interval that
the data cannot give, as of a single process.
"""

from __future__ import annotations

from bench.stats.censored import RestrictedMean, censored_median, restricted_mean
from bench.stats.change_points import ChangePoint, change_points
from bench.stats.effects import (
    Effect,
    inverse,
    negated,
    paired_difference,
    paired_ratio,
    unpaired_difference,
    unpaired_ratio,
)
from bench.stats.intervals import (
    LEVEL,
    Interval,
    centre_interval,
    coefficient_of_variation,
    mean_interval,
    median_interval,
    outliers,
    prediction_interval,
    wilson_interval,
)
from bench.stats.random_effects import RandomEffect, pooled_ratio
from bench.stats.ranking import holm, holm_divisors, tied_ranks
from bench.stats.signed_rank import (
    decisive_pairs,
    hodges_lehmann,
    hodges_lehmann_p,
    signed_rank_distribution,
    signed_rank_p,
)

__all__ = [
    "LEVEL",
    "ChangePoint",
    "Effect",
    "Interval",
    "RandomEffect",
    "RestrictedMean",
    "censored_median",
    "centre_interval",
    "change_points",
    "coefficient_of_variation",
    "decisive_pairs",
    "hodges_lehmann",
    "hodges_lehmann_p",
    "holm",
    "holm_divisors",
    "inverse",
    "mean_interval",
    "median_interval",
    "negated",
    "outliers",
    "paired_difference",
    "paired_ratio",
    "pooled_ratio",
    "prediction_interval",
    "restricted_mean",
    "signed_rank_distribution",
    "signed_rank_p",
    "tied_ranks",
    "unpaired_difference",
    "unpaired_ratio",
    "wilson_interval",
]
