"""A ratio over hosts: what it is of known numbers, and how often its interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as of_scipy

from bench import stats

# Scatter of a block's log ratio on a host, and how many blocks it has: unlike in both.
UNLIKE = ((0.02, 5), (0.10, 3), (0.04, 8), (0.02, 2), (0.15, 4), (0.03, 6), (0.05, 3), (0.08, 5))
BETWEEN = 0.15  # of the hosts' own log ratios


def drawn(random, hosts):
    """Ratios of blocks on hosts whose own effects are scattered about ln 1.5."""
    of_hosts = np.log(1.5) + BETWEEN * random.standard_normal(hosts)
    return [
        np.exp(effect + scatter * random.standard_normal(count))
        for effect, (scatter, count) in zip(of_hosts, UNLIKE, strict=False)
    ]


@pytest.mark.parametrize(
    "hosts", [2, 8, *(pytest.param(hosts, marks=pytest.mark.long) for hosts in range(3, 8))]
)
def test_an_interval_of_95_percent_holds_the_ratio_in_94_to_96_of_100(hosts):
    random = np.random.default_rng(hosts)
    trials, held = 4_000, 0
    for _ in range(trials):
        ratios = drawn(random, hosts)
        found = stats.pooled_ratio(ratios, [np.ones(len(one)) for one in ratios])
        held += found.interval.low <= 1.5 <= found.interval.high
    assert 0.94 <= held / trials <= 0.96


def test_weights_by_the_scatter_within_hosts_hold_it_less_often():
    """Why hosts count alike: inverse variances, known from few blocks, with the same Student's t.

    DerSimonian's and Laird's variance between hosts and Hartung's and Knapp's of the mean.
    """
    random, held, trials = np.random.default_rng(2), {"alike": 0, "weighted": 0}, 2_000
    quantile = of_scipy.t.ppf(0.975, 1)
    for _ in range(trials):
        logs = [np.log(one) for one in drawn(random, 2)]
        means = np.array([one.mean() for one in logs])
        within = np.array([one.var(ddof=1) / len(one) for one in logs])
        fixed = 1 / within
        q = (fixed * (means - (fixed * means).sum() / fixed.sum()) ** 2).sum()
        between = max(0.0, (q - 1) / (fixed.sum() - (fixed**2).sum() / fixed.sum()))
        for name, weights in {"alike": np.ones(2), "weighted": 1 / (within + between)}.items():
            centre = (weights * means).sum() / weights.sum()
            error = np.sqrt((weights * (means - centre) ** 2).sum() / weights.sum())
            held[name] += abs(centre - np.log(1.5)) <= quantile * error
    assert held["weighted"] < held["alike"]


def test_it_is_students_interval_of_the_hosts_logarithms():
    base = [[100.0, 110.0], [200.0, 210.0, 190.0], [50.0]]
    values = [[150.0, 160.0], [280.0, 300.0, 270.0], [90.0]]
    found = stats.pooled_ratio(values, base)
    means = [
        np.log(np.array(one) / np.array(other)).mean()
        for one, other in zip(values, base, strict=True)
    ]
    result = of_scipy.ttest_1samp(means, 0.0)
    assert found.estimate == pytest.approx(np.exp(np.mean(means)))
    assert found.p == pytest.approx(result.pvalue)
    interval = result.confidence_interval(0.95)
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (np.exp(interval.low), np.exp(interval.high))
    )
    assert found.hosts == pytest.approx(np.exp(means))


def test_heterogeneity_is_what_scatter_of_blocks_does_not_explain():
    alike = [[1.0, 1.1, 0.9], [1.02, 0.95, 1.06]]
    unlike = [[1.0, 1.1, 0.9], [2.02, 1.95, 2.06]]
    ones = [[1.0] * 3] * 2
    assert stats.pooled_ratio(alike, ones).i_squared == 0
    assert stats.pooled_ratio(unlike, ones).i_squared > 0.95
    assert stats.pooled_ratio([[1.0], [2.0]], [[1.0], [1.0]]).i_squared is None
    assert stats.pooled_ratio([[1.0, 1.0], [2.0, 2.0]], [[1.0] * 2] * 2).i_squared == 1
    assert stats.pooled_ratio([[1.0, 1.0]] * 2, [[1.0] * 2] * 2).i_squared == 0


def test_of_one_host_nothing_is_said_of_others():
    found = stats.pooled_ratio([[1.5, 1.6]], [[1.0, 1.0]])
    assert (found.interval, found.p, found.i_squared) == (None, None, None)
    assert found.hosts == (found.estimate,)


@pytest.mark.parametrize("values", [[], [[]], [[1.0], [0.0]], [[float("nan")]]])
def test_what_is_no_ratio_is_refused(values):
    with pytest.raises(ValueError, match="give"):
        stats.pooled_ratio(values, [[1.0] * len(one) for one in values])
