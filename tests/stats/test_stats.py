"""Intervals, ranks and censored times against published numbers, SciPy and their definitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench import stats

# Freireich et al. 1963, Blood 21: weeks of remission under 6-MP; + are children still in remission.
SIX_MP = [6, 6, 6, 7, 10, 13, 16, 22, 23]
SIX_MP_STILL = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]

speeds = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=30)
small = st.lists(st.integers(-5, 5), min_size=1, max_size=9)


def test_wilson_intervals_are_those_of_newcombe():
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3."""
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0000, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for counts, bounds in published.items():
        found = stats.wilson_interval(*counts)
        assert (found.low, found.high) == pytest.approx(bounds, abs=5e-5)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_intervals_are_those_of_scipy(counts):
    found = stats.wilson_interval(*counts)
    expected = scipy.stats.binomtest(*counts).proportion_ci(0.95, "wilson")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert 0 <= found.low <= found.estimate <= found.high <= 1


@pytest.mark.parametrize("counts", [(1, 0), (-1, 3), (4, 3)])
def test_wilson_refuses_what_is_no_share(counts):
    with pytest.raises(ValueError, match="0 ≤ successes ≤ trials"):
        stats.wilson_interval(*counts)


def test_a_single_process_has_no_interval():
    assert stats.median_interval([3.0]) is None
    assert stats.coefficient_of_variation([3.0]) is None


def test_few_values_get_students_interval_of_their_logarithms():
    values = [100.0, 110.0, 125.0]
    logs = np.log(values)
    expected = scipy.stats.t.interval(0.95, 2, logs.mean(), scipy.stats.sem(logs))
    found = stats.median_interval(values)
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(expected)), rel=1e-12)
    assert found.estimate == 110.0
    assert found.method == "t on logarithms"


def test_more_values_get_interpolated_order_statistics():
    """Ten values: k = 2 covers 1 - 2·11/1024 = 97.85 %, k = 3 1 - 2·56/1024 = 89.06 %."""
    share = (1 - 22 / 1024 - 0.95) / (90 / 1024)
    weight = 8 * share / (2 + 6 * share)
    found = stats.median_interval([float(value) for value in range(1, 11)])
    assert found.low == pytest.approx(2 + weight)
    assert found.high == pytest.approx(9 - weight)
    assert found.estimate == 5.5


def test_the_level_told_is_that_reached():
    """Six values reach 96.9 % from least to greatest, never 99 %."""
    found = stats.median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], level=0.99)
    assert (found.low, found.high, found.level) == (1.0, 6.0, 0.96875)


@given(speeds)
def test_an_interval_holds_its_estimate_and_scales_with_the_unit(values):
    found = stats.median_interval(values)
    assert found.low <= found.estimate * (1 + 1e-12)
    assert found.estimate <= found.high * (1 + 1e-12)
    assert found.estimate == pytest.approx(np.median(values))
    scaled = stats.median_interval([1000 * value for value in values])
    assert scaled.relative_half_width == pytest.approx(found.relative_half_width, rel=1e-9)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [1.0, math.inf], [1.0, 0.0]])
def test_what_is_no_speed_is_refused(values):
    with pytest.raises(ValueError, match="give"):
        stats.median_interval(values)


def test_far_values_are_flagged_and_near_ones_are_not():
    assert stats.outliers([100, 101, 99, 100.5, 60]) == (4,)
    assert stats.outliers([100, 101, 99, 100.5, 96]) == ()
    assert stats.outliers([100.0, 100.0, 50.0]) == ()
    assert stats.outliers([0.1 + 0.2, 0.3, 0.3, 0.3]) == ()


def test_the_coefficient_of_variation():
    assert stats.coefficient_of_variation([9.0, 10.0, 11.0]) == pytest.approx(0.1)


def test_holms_correction_is_the_textbooks():
    """Wikipedia, Holm-Bonferroni method: at 0.05 the first and the last of these hold."""
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([]) == []
    with pytest.raises(ValueError, match="probabilities"):
        stats.holm([0.5, 1.5])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_step_by_step(p_values):
    """The definition: the kth least is held to α/(m - k + 1), until the first that fails."""
    corrected = stats.holm(p_values)
    for alpha in (0.01, 0.05, 0.3):
        rejected: set[int] = set()
        for place in sorted(range(len(p_values)), key=lambda i: p_values[i]):
            if p_values[place] * (len(p_values) - len(rejected)) > alpha:
                break
            rejected.add(place)
        assert {i for i, p in enumerate(corrected) if p <= alpha} == rejected


def test_divisors_are_those_of_the_textbooks_example():
    """The second and the third fail at 0.05/2, where the procedure ends."""
    assert stats.holm_divisors([0.01, 0.04, 0.03, 0.005]) == [3, 2, 2, 4]
    assert stats.holm_divisors([0.01, 0.01, 0.01]) == [3, 3, 3]  # equals are tested alike
    assert stats.holm_divisors([0.02, 0.02, 0.02]) == [3, 3, 3]
    assert stats.holm_divisors([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_a_p_times_its_divisor_decides_as_holm_does(p_values):
    corrected, divisors = stats.holm(p_values), stats.holm_divisors(p_values)
    for p, held, divisor in zip(p_values, corrected, divisors, strict=True):
        assert 1 <= divisor <= len(p_values)
        assume(abs(held - 0.05) > 1e-9)
        assert (p * divisor <= 0.05) == (held <= 0.05)


def test_ranks_are_tied_where_pairs_are_not_apart():
    apart = {(0, 1), (0, 2)}
    assert stats.tied_ranks([30.0, 20.0, 10.0], apart) == [1, 2, 2]
    assert stats.tied_ranks([10.0, 20.0, 30.0], apart, greatest_first=False) == [1, 2, 2]
    # The outer two are apart, but the one between them is apart from neither.
    assert stats.tied_ranks([30.0, 20.0, 10.0], {(0, 2)}) == [1, 1, 1]
    assert stats.tied_ranks([3.0, 2.0, 1.0], {*apart, (1, 2)}) == [1, 2, 3]
    with pytest.raises(ValueError, match="pairs"):
        stats.tied_ranks([1.0, 2.0], {(1, 0)})


def test_the_restricted_mean_is_that_of_klein_and_moeschberger():
    """Survival Analysis, second edition, example 4.1: 23.29 weeks up to 35, error 2.83."""
    found = stats.restricted_mean(SIX_MP, SIX_MP_STILL)
    assert (found.mean, found.error, found.limit) == (
        pytest.approx(23.29, abs=0.005),
        pytest.approx(2.83, abs=0.005),
        35,
    )


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.lists(st.just(10), min_size=0, max_size=4),
)
def test_with_one_budget_it_is_the_mean_of_the_lesser_of_time_and_budget(reached, missed):
    capped = [*reached, *missed]
    found = stats.restricted_mean(reached, missed, limit=10 if missed else None)
    assert found.mean == pytest.approx(np.mean(capped))
    assert found.error == pytest.approx(np.std(capped) / math.sqrt(len(capped)), abs=1e-9)


def test_it_is_not_told_beyond_what_was_seen():
    assert stats.restricted_mean([2.0], [3.0], limit=1.0).mean == 1.0
    with pytest.raises(ValueError, match="up to 3"):
        stats.restricted_mean([2.0], [3.0], limit=4.0)


def test_the_median_is_a_bound_where_over_half_missed():
    assert stats.censored_median([5.0, 6.0, 7.0], [9.0]) == (6.5, False)
    assert stats.censored_median([5.0], [9.0, 9.0]) == (9.0, True)
    assert stats.censored_median([5.0, 8.0], [6.0]) == (6.0, True)
    assert stats.censored_median([], []) == (None, False)


@given(small)
@settings(max_examples=50)
def test_signed_ranks_are_exact_with_ties_and_zeros(differences):
    """Against all 2ⁿ signs of the same midranks, zeros left out."""
    sizes = np.abs([one for one in differences if one])
    ranks = scipy.stats.rankdata(sizes)
    observed = sum(
        rank for rank, one in zip(ranks, filter(None, differences), strict=True) if one > 0
    )
    sums = [sum(itertools.compress(ranks, signs)) for signs in _signs(len(ranks))]
    greater = np.mean([total >= observed - 1e-9 for total in sums])
    less = np.mean([total <= observed + 1e-9 for total in sums])
    assert stats.signed_rank_p(differences, "greater") == pytest.approx(greater)
    assert stats.signed_rank_p(differences, "less") == pytest.approx(less)
    assert stats.signed_rank_p(differences) == pytest.approx(min(1, 2 * min(greater, less)))


def _signs(count):
    return itertools.product((False, True), repeat=count)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("count", [1, 4, 9, 30])
def test_signed_ranks_are_those_of_scipy(count, alternative):
    differences = np.random.default_rng(count).normal(0.3, 1, count)
    expected = scipy.stats.wilcoxon(differences, alternative=alternative, method="exact").pvalue
    assert stats.signed_rank_p(differences, alternative) == pytest.approx(expected, rel=1e-9)


def test_the_table_of_signed_ranks():
    """Wilcoxon 1945 and every table since: two-sided 5 % is W ≤ 0, 2, 3, 5, 8 of 6 to 10 pairs."""
    for count, critical in zip(range(6, 11), (0, 2, 3, 5, 8), strict=True):
        chances = stats.signed_rank_distribution(count)
        assert chances.sum() == pytest.approx(1)
        assert 2 * chances[: critical + 1].sum() <= 0.05 < 2 * chances[: critical + 2].sum()


def test_how_many_pairs_it_takes():
    for comparisons, pairs in ((1, 6), (3, 7), (6, 8)):
        assert stats.decisive_pairs(comparisons) == pairs
        assert comparisons * stats.signed_rank_p([1.0] * pairs) <= 0.05
        assert comparisons * stats.signed_rank_p([1.0] * (pairs - 1)) > 0.05


# Hollander, Wolfe and Chicken 2014, table 3.1: a factor of Hamilton's depression scale at the first
# and at the second visit, as in the examples of R's wilcox.test.
FIRST = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
SECOND = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]


def test_the_estimate_of_hodges_and_lehmann():
    """Their examples 3.1 to 3.4: p = 0.0195 (greater), 0.46, and 0.010 to 0.786 at 96.1 %."""
    differences = [a - b for a, b in zip(FIRST, SECOND, strict=True)]
    assert stats.signed_rank_p(differences, "greater") == pytest.approx(0.01953125)
    found = stats.hodges_lehmann(differences)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.46, 0.010, 0.786))
    assert found.level == pytest.approx(0.961, abs=5e-4)


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=15), st.floats(-2, 2))
def test_the_interval_of_hodges_and_lehmann_is_the_test_turned_round(values, shift):
    """A shift inside the interval is one that the test does not reject."""
    values = list(np.asarray(values) + np.linspace(0, 1e-3, len(values)) ** 2)  # no ties
    found = stats.hodges_lehmann(values)
    p = stats.signed_rank_p([value - shift for value in values])
    if found.low < shift < found.high:
        assert p > 0.05 - 1e-9 or len({abs(v - shift) for v in values}) < len(values)
    elif not found.low <= shift <= found.high:
        assert p <= 0.05 + 1e-9 or len({abs(v - shift) for v in values}) < len(values)


def test_under_six_pairs_it_has_no_interval():
    assert stats.hodges_lehmann([1.0, 2.0, 3.0, 4.0, 5.0]) is None


def test_a_paired_ratio_sees_what_an_unpaired_one_does_not():
    """The machine's speed halves between blocks; the frameworks differ by 4 to 6 %."""
    base = [100.0, 50.0, 80.0, 40.0, 120.0, 60.0, 90.0, 70.0]
    values = [
        b * r for b, r in zip(base, (1.04, 1.05, 1.06, 1.05, 1.04, 1.05, 1.06, 1.05), strict=True)
    ]
    paired, unpaired = stats.paired_ratio(values, base), stats.unpaired_ratio(values, base)
    assert paired.estimate == pytest.approx(1.05)
    assert 1.0399 <= paired.interval.low < paired.interval.high <= 1.0601
    assert paired.p == pytest.approx(2 / 2**8)
    assert paired.test == "signed rank"
    assert unpaired.interval.low < 1 < unpaired.interval.high
    assert unpaired.p > 0.5


def test_few_pairs_get_students_test():
    values, base = [103.0, 104.0, 105.5], [100.0, 100.0, 100.0]
    found = stats.paired_ratio(values, base)
    expected = scipy.stats.ttest_1samp(np.log(values) - np.log(base), 0).pvalue
    assert found.p == pytest.approx(expected)
    assert found.test == "t"
    assert found.interval.method == "t"


of_a_family = st.sampled_from([(1, 1), (3, 1), (3, 3), (6, 2), (6, 6)])


def _agree(found, divisor):
    """Either both find a difference or neither: else a reader could choose the one to believe."""
    assume(abs(found.p * divisor - 0.05) > 1e-6)
    assert (found.p * divisor < 0.05) == (not found.interval.low <= 0 <= found.interval.high)
    assert found.interval.low <= found.estimate <= found.interval.high
    assert found.interval.level >= 1 - 0.05 / divisor - 1e-12


@given(
    st.integers(2, 12).flatmap(
        lambda n: st.lists(st.floats(-1, 1) | st.integers(-3, 3), min_size=n, max_size=n)
    ),
    of_a_family,
)
def test_interval_and_p_of_pairs_agree(differences, family):
    """Also where differences are 0 or equal: whole numbers are both."""
    assume(np.ptp(differences) > 1e-6 or not any(differences))  # else no error but rounding
    comparisons, divisor = family
    none = [0.0] * len(differences)
    found = stats.paired_difference(differences, none, comparisons=comparisons, divisor=divisor)
    _agree(found, divisor)


@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=14),
    st.lists(st.integers(-5, 5), min_size=2, max_size=14),
    of_a_family,
)
def test_interval_and_p_of_two_samples_agree(values, base, family):
    comparisons, divisor = family
    found = stats.unpaired_difference(values, base, comparisons=comparisons, divisor=divisor)
    _agree(found, divisor)


@given(small)
def test_p_of_hodges_and_lehmann_is_the_signed_ranks_without_ties(differences):
    found, exact = stats.hodges_lehmann_p(differences), stats.signed_rank_p(differences)
    if len({abs(one) for one in differences} - {0}) == len(differences):
        assert found == pytest.approx(exact)
    assert 0 < found <= 1


@pytest.mark.parametrize("sizes", [(10, 10), (12, 30), (60, 70)])
def test_two_samples_are_those_of_scipy(sizes):
    """Exact up to 2,500 pairs of values, by the normal distribution above."""
    random = np.random.default_rng(sizes[0])
    values, base = random.normal(0.5, 1, sizes[0]), random.normal(0, 1, sizes[1])
    method = "exact" if sizes[0] * sizes[1] <= 2500 else "asymptotic"
    expected = scipy.stats.mannwhitneyu(values, base, method=method).pvalue
    found = stats.unpaired_difference(values, base)
    assert found.p == pytest.approx(expected)
    # The interval ends where the test, of what is left of the difference, begins to reject.
    for end, inwards in ((found.interval.low, 1e-9), (found.interval.high, -1e-9)):
        inside = stats.unpaired_difference(values - end - inwards, base).p
        beyond = stats.unpaired_difference(values - end + inwards, base).p
        assert beyond <= 0.05 < inside


def test_an_effect_turned_round_is_of_the_same_test():
    values, base = [103.0, 104.0, 105.5, 99.0], [100.0, 101.0, 100.0]
    there, back = stats.unpaired_ratio(values, base), stats.unpaired_ratio(base, values)
    turned = stats.inverse(there)
    assert (turned.counts, turned.test, turned.p) == (back.counts, back.test, back.p)
    ends = [(one.interval.low, one.interval.high, one.estimate) for one in (turned, back)]
    assert ends[0] == pytest.approx(ends[1])
    difference = stats.unpaired_difference(values, base)
    assert stats.negated(stats.negated(difference)) == difference
    wild = stats.paired_ratio([1e300, 1e-300], [1e-300, 1e300])
    assert stats.inverse(wild).interval.high > 1e300  # its inverse is no number


def test_one_pair_tells_a_ratio_and_no_more():
    found = stats.paired_ratio([3.0], [2.0])
    assert (found.estimate, found.interval, found.p) == (pytest.approx(1.5), None, None)
    assert stats.unpaired_ratio([3.0], [2.0]).p is None


@given(st.integers(2, 14).flatmap(lambda n: st.tuples(*[_speeds(n), _speeds(n)])))
def test_a_ratio_turned_round_is_its_inverse(samples):
    there, back = stats.paired_ratio(*samples), stats.paired_ratio(*reversed(samples))
    assert there.estimate * back.estimate == pytest.approx(1)
    assert there.p == pytest.approx(back.p, abs=1e-9)


def _speeds(count):
    return st.lists(st.floats(1, 1e4), min_size=count, max_size=count)


def test_differences_are_those_of_shifted_values():
    base = [0.97, 0.98, 0.96, 0.975, 0.97, 0.965, 0.98]
    values = [value + shift for value, shift in zip(base, (1, 2, 3, 4, 5, 6, 7), strict=True)]
    paired = stats.paired_difference(values, base)
    assert paired.estimate == pytest.approx(4)
    assert paired.p == pytest.approx(2 / 2**7)
    assert 1 < paired.interval.low < 4 < paired.interval.high < 7
    unpaired = stats.unpaired_difference(values, base)
    assert unpaired.p == pytest.approx(scipy.stats.ttest_ind(values, base, equal_var=False).pvalue)
    with pytest.raises(ValueError, match="give pairs"):
        stats.paired_difference(values, base[1:])


def test_pairs_must_be_pairs():
    with pytest.raises(ValueError, match="give pairs"):
        stats.paired_ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize("count", [4, 12])
def test_unpaired_ratios_are_those_of_scipy(count):
    random = np.random.default_rng(count)
    values, base = random.lognormal(0.2, 0.1, count), random.lognormal(0, 0.1, count + 1)
    found = stats.unpaired_ratio(list(values), list(base))
    if count < 10:
        welch = scipy.stats.ttest_ind(np.log(values), np.log(base), equal_var=False)
        interval = np.exp(welch.confidence_interval())
        assert found.p == pytest.approx(welch.pvalue)
        assert (found.interval.low, found.interval.high) == pytest.approx(tuple(interval))
    else:
        exact = scipy.stats.mannwhitneyu(values, base, method="exact").pvalue
        assert found.p == pytest.approx(exact)
        assert found.interval.method == found.test == "Mann-Whitney"
