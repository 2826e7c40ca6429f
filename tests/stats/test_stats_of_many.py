"""Ranks and intervals of hundreds and thousands of values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from bench import stats
from bench.stats import signed_rank


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("digits", [12, 1])  # without ties, and with many
def test_signed_ranks_of_many_are_those_of_scipy(digits, alternative):
    differences = np.random.default_rng(1).normal(0.05, 1, 1500).round(digits)
    expected = scipy.stats.wilcoxon(
        differences, alternative=alternative, method="approx", correction=True
    ).pvalue
    # With ties SciPy still corrects by half a rank, though sums lie half a rank apart.
    near = 1e-9 if digits > 1 else 1e-4
    assert stats.signed_rank_p(differences, alternative) == pytest.approx(expected, rel=near)


def test_many_signed_ranks_go_on_where_the_exact_ones_end(monkeypatch):
    differences = np.random.default_rng(2).normal(0.2, 1, signed_rank.MOST_EXACT)
    exact = stats.signed_rank_p(differences), stats.hodges_lehmann(differences)
    monkeypatch.setattr(signed_rank, "MOST_EXACT", 0)
    assert stats.signed_rank_p(differences) == pytest.approx(exact[0], rel=0.05)
    interval = stats.hodges_lehmann(differences)
    assert interval.estimate == exact[1].estimate
    assert interval.low == pytest.approx(exact[1].low, abs=2e-3)
    assert interval.high == pytest.approx(exact[1].high, abs=2e-3)
    assert interval.level == pytest.approx(0.95, abs=1e-4)


def test_intervals_of_thousands_of_values():
    """The median of n values of a density f is normal, with a deviation of 1 / (2 f √n)."""
    values = np.random.default_rng(3).normal(100, 1, 4000)
    interval = stats.centre_interval(values)
    assert interval.level == 0.95
    half = 1.96 * math.sqrt(2 * math.pi) / (2 * math.sqrt(len(values)))
    assert (interval.high - interval.low) / 2 == pytest.approx(half, rel=0.1)
    assert interval.low < 100 < interval.high
