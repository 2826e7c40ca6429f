"""What the intervals claim to cover, by simulation: seeded, so that a run repeats itself.

2,000 samples give a share of 0.95 to 0.5 points (one standard error), so that bounds two points
away from it are four errors off.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench import stats

SAMPLES = 2000


def _those(fast, slow):
    """Parameters of a test, of which those of every change are `fast`."""
    return [*fast, *(pytest.param(*one, marks=pytest.mark.long) for one in slow)]


def _spreads(name, random, shape):
    """Logarithms of speeds with median 0."""
    normal = random.standard_normal(shape)
    match name:
        case "normal":
            return normal
        case "heavy tails":
            return random.standard_t(3, shape)
        case "disturbed":
            return normal * np.where(random.random(shape) < 0.1, 5, 1)
        case "skewed":
            return np.log(2) - random.exponential(1, shape)
        case "log-normal":
            return np.exp(normal / 2) - 1
    raise AssertionError(name)


KINDS = ("normal", "heavy tails", "disturbed", "skewed", "log-normal")


def _coverage(kind, count, interval):
    random = np.random.default_rng(count)
    samples = np.exp(0.05 * _spreads(kind, random, (SAMPLES, count)))
    found = [interval(list(sample)) for sample in samples]
    return np.mean([one.low <= 1 <= one.high for one in found])


# Student's t of fewer than six, order statistics of more: some of each for every change.
@pytest.mark.parametrize("count", _those([3, 6, 12], [(2,), (5,), (7,), (8,), (20,)]))
@pytest.mark.parametrize("kind", KINDS)
def test_the_medians_interval_covers_what_it_claims(kind, count):
    assert 0.915 <= _coverage(kind, count, stats.median_interval) <= 0.98


@pytest.mark.parametrize(("count", "most"), _those([(5, 0.945), (8, 0.93)], [(3, 0.80), (7, 0.90)]))
def test_the_percentile_bootstrap_of_few_does_not(count, most):
    """The reason for not taking it; on normal numbers. Its draws are the test's own, for speed."""
    draws = np.random.default_rng(0).integers(0, count, (1000, count))

    def percentile(sample):
        low, high = np.quantile(np.median(np.asarray(sample)[draws], axis=1), [0.025, 0.975])
        return stats.Interval(1.0, low, high, 0.95, "percentile bootstrap")

    assert _coverage("normal", count, percentile) <= most


def _ratios(count, effect, pairs):
    """Ratios of `pairs` pairs, in which the machine's speed of the block cancels."""
    random = np.random.default_rng(count)
    for _ in range(count):
        block = random.lognormal(0, 0.3, pairs)
        noise = random.normal(0, 0.03, (2, pairs))
        yield list(block * effect * np.exp(noise[0])), list(block * np.exp(noise[1]))


@pytest.mark.parametrize("pairs", [3, 5, 8, 12])
def test_paired_ratios_cover_and_do_not_cry_wolf(pairs):
    found = [stats.paired_ratio(*one) for one in _ratios(1000, 1.0, pairs)]
    covered = np.mean([one.interval.low <= 1 <= one.interval.high for one in found])
    assert 0.92 <= covered <= 0.98
    assert np.mean([one.p <= 0.05 for one in found]) <= 0.07


def test_a_tenth_is_found_with_eight_pairs_and_not_without_pairing():
    """A test that cannot find a difference would pass all others above."""
    samples = list(_ratios(300, 1.1, 8))
    assert np.mean([stats.paired_ratio(*one).p <= 0.05 for one in samples]) >= 0.98
    assert np.mean([stats.unpaired_ratio(*one).p <= 0.05 for one in samples]) <= 0.3


@pytest.mark.parametrize(("first", "second"), [(3, 3), (4, 8), (12, 12)])
def test_unpaired_ratios_cover(first, second):
    random = np.random.default_rng(first)
    found = [
        stats.unpaired_ratio(
            list(random.lognormal(0, 0.05, first)), list(random.lognormal(0, 0.05, second))
        )
        for _ in range(400)
    ]
    assert np.mean([one.interval.low <= 1 <= one.interval.high for one in found]) >= 0.92
    assert np.mean([one.p <= 0.05 for one in found]) <= 0.08


def _ranks(ratios, random, blocks):
    speed = random.lognormal(0, 0.2, blocks)
    values = [speed * ratio * np.exp(random.normal(0, 0.03, blocks)) for ratio in ratios]
    order = sorted(range(len(values)), key=lambda i: -np.median(values[i]))
    pairs = len(values) * (len(values) - 1) // 2
    p_values, better = {}, set()
    for i, j in itertools.combinations(range(len(values)), 2):
        first, second = list(values[order[i]]), list(values[order[j]])
        found = stats.paired_ratio(first, second, comparisons=pairs)
        p_values[i, j] = found.p
        better |= {(i, j)} if found.estimate > 1 else set()
    corrected = zip(p_values, stats.holm(list(p_values.values())), strict=True)
    apart = {pair for pair, p in corrected if p <= 0.05} & better
    ranks = stats.tied_ranks([float(-i) for i in range(len(values))], apart)
    return dict(zip(order, ranks, strict=True))


def test_equals_are_not_ranked_and_others_are():
    random = np.random.default_rng(6)
    equals = [_ranks([1.0] * 4, random, blocks) for blocks in (3, 5, 8) for _ in range(150)]
    assert np.mean([len(set(ranks.values())) > 1 for ranks in equals]) <= 0.02
    apart = [_ranks([1.331, 1.21, 1.1, 1.0], random, 8) for _ in range(150)]
    assert np.mean([ranks == {0: 1, 1: 2, 2: 3, 3: 4} for ranks in apart]) >= 0.95


def test_exact_intervals_of_hodges_and_lehmann_cover():
    random = np.random.default_rng(9)
    found = [stats.hodges_lehmann(list(random.normal(0, 1, 9))) for _ in range(SAMPLES)]
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert covered == pytest.approx(found[0].level, abs=0.02)
    assert found[0].level == pytest.approx(0.9609375)


def test_restricted_means_cover():
    """Exponential times of mean 1 up to 1.5: 1 - e^-1.5; budgets differ from run to run."""
    random = np.random.default_rng(4)
    inside = []
    for _ in range(SAMPLES):
        times, budgets = random.exponential(1, 60), random.uniform(1.5, 3, 60)
        done = times <= budgets
        found = stats.restricted_mean(list(times[done]), list(budgets[~done]), limit=1.5)
        inside.append(abs(found.mean - (1 - np.exp(-1.5))) <= 1.96 * found.error)
    assert 0.93 <= np.mean(inside) <= 0.97
