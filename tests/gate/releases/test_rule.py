"""How often a search among releases is wrong, and how often it finds a change of 5 per cent."""

from __future__ import annotations

import math
import random

import pytest

from bench.gate.cases import Observation
from bench.gate.decision import Rule
from bench.gate.releases.decision import LOADED, Comparison, as_speed, judged, rule_of
from bench.stats import wilson_interval
from tests.gate import replay
from tests.gate.releases import simulation
from tests.gate.releases.simulation import CASE, CHANGE, QUIET, rates, scattered

LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("every", "searches"),
    [(False, 400), pytest.param(False, 4000, marks=LONG), pytest.param(True, 800, marks=LONG)],
    ids=["halves", "halves, many", "every"],
)
def test_among_equal_releases_at_most_one_search_of_a_hundred_names_one(every, searches):
    found = rates(0.0, scattered(QUIET), searches, every=every)
    assert wilson_interval(round(found.wrong * searches), searches).high <= 0.01
    assert found.right >= 0.99


@pytest.mark.parametrize("searches", [40, pytest.param(400, marks=LONG)], ids=["some", "many"])
@pytest.mark.parametrize("every", [False, True], ids=["halves", "every"])
def test_a_change_of_five_per_cent_is_found_in_nine_searches_of_ten(every, searches):
    found = rates(CHANGE, scattered(QUIET), searches, every=every)
    assert found.right >= 0.9
    assert found.wrong <= 0.01
    if searches >= 400:
        assert wilson_interval(round(found.right * searches), searches).low >= 0.9


def test_where_pairs_scatter_twice_as_much_it_says_less_and_nothing_wrong():
    found = rates(CHANGE, scattered(2 * QUIET), 20, every=False)
    assert found.wrong == 0.0
    assert found.right > 0.2


@pytest.mark.parametrize("case", replay.ONE_THREAD, ids=lambda case: case.framework)
def test_recorded_pairs_of_identical_code_name_no_release(case):
    """On a machine that other programs kept busy."""
    pool = [one.log_ratio for one in replay.pools(replay.read())[case]]
    found = rates(0.0, lambda chance: chance.choice(pool), 60, every=False)
    assert found.wrong <= 0.01


def test_the_simulation_would_show_a_rule_without_safeguards(monkeypatch):
    rash = Rule(0.025, pairs=1, alpha=1.1, early=0, blocks=1, confirmations=1)
    monkeypatch.setattr(simulation, "rule_of", lambda: rash)
    assert rates(0.0, scattered(QUIET), 20, every=True).wrong > 0.5


def _after(difference: float, *, taken: float = 0.0, noise: float = 0.005) -> Comparison:
    chance = random.Random(0)
    draws = (Observation(chance.gauss(difference, noise), taken) for _ in range(99))
    return judged(CASE, rule_of(), list(draws))


@pytest.mark.parametrize(
    ("difference", "outcome"), [(0.06, "slower"), (-0.06, "faster"), (0.0, "same")]
)
def test_directions(difference, outcome):
    verdict = _after(difference).verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (outcome, "")
    assert verdict.low < verdict.effect < verdict.high
    assert verdict.differs == (outcome != "same")
    assert verdict.pairs == (6 if outcome == "same" else 2 * rule_of().pairs)
    assert as_speed(verdict.effect) == pytest.approx(math.exp(-difference) - 1, abs=0.01)


@pytest.mark.parametrize("sign", [1, -1], ids=["later", "earlier"])
def test_a_load_that_follows_one_side_is_no_change(sign):
    """Half of what is seen, or more, could be the load's."""
    verdict = _after(sign * 0.1, taken=sign * 0.2).verdict
    assert (verdict.outcome, verdict.reason) == ("inconclusive", LOADED)


def test_what_is_at_the_threshold_is_left_undecided():
    verdict = _after(math.log1p(rule_of().threshold), noise=0.02).verdict
    assert (verdict.outcome, verdict.pairs) == ("inconclusive", 3 * rule_of().pairs)
    assert "threshold" in verdict.reason


def test_pairs_are_needed_until_something_is_found():
    empty = Comparison(CASE, rule_of())
    assert empty.is_open
    assert empty.verdict is None
