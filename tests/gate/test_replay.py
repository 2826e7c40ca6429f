"""The error rates of the gate, from recorded comparisons of identical code.

They were recorded on two CPUs that other programs kept busy; see `record.py` and docs/gate.md.
"""

from __future__ import annotations

from statistics import fmean

import pytest

from bench.gate.decision import THRESHOLD, Rule
from bench.stats import wilson_interval
from tests.gate import replay

# For every change fewer gates, for which the same must hold.
GATES = (400, pytest.param(1000, marks=pytest.mark.long))
CELLS = {"one thread": replay.ONE_THREAD, "two threads": replay.TWO_THREADS}


@pytest.fixture(params=GATES)
def gates(request: pytest.FixtureRequest) -> int:
    """How many are decided."""
    return request.param


@pytest.fixture(scope="module")
def recorded() -> replay.Pools:
    return replay.pools(replay.read())


def rule(cells) -> Rule:
    return Rule.of(THRESHOLD, len(cells))


def test_there_are_enough_recordings_and_the_machine_was_noisy():
    pairs = replay.read()
    assert len(pairs) >= 300
    assert {pair.case.framework for pair in pairs} == {"torch", "keras", "flax"}
    assert {pair.case.threads for pair in pairs} == {1, 2}
    assert fmean(c for pair in pairs for c in pair.base.other_cpus) > 0.5
    assert len({pair.base.seconds for pair in pairs}) == len(pairs)
    assert replay.FIXTURE.stat().st_size < 500_000


@pytest.mark.parametrize("in_runs", [False, True], ids=["drawn", "in runs"])
@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
def test_identical_code_fails_in_at_most_one_gate_of_a_hundred(recorded, gates, cells, in_runs):
    found = replay.rates(recorded, cells, 0.0, rule(cells), 2 * gates, in_runs=in_runs)
    assert found.regression <= 0.01
    failures = round(found.regression * 2 * gates)
    assert wilson_interval(failures, 2 * gates).high <= 0.01  # and not by luck
    if cells == replay.ONE_THREAD:
        assert found.passed >= 0.9  # a gate that says nothing is no gate


@pytest.mark.parametrize(
    ("cells", "slowdown", "least"),
    [
        (replay.ONE_THREAD, 0.10, 0.8),
        (replay.ONE_THREAD, 0.20, 0.9),
        (replay.ONE_THREAD, 0.40, 0.99),
    ],
    ids=["10", "20", "40"],
)
def test_a_slowdown_is_found(recorded, gates, cells, slowdown, least):
    for in_runs in (False, True):
        found = replay.rates(recorded, cells, slowdown, rule(cells), gates // 2, in_runs=in_runs)
        assert found.regression >= least


def test_power_grows_with_the_slowdown(recorded, gates):
    cells = replay.ONE_THREAD
    found = [
        replay.rates(recorded, cells, slowdown, rule(cells), gates // 2).regression
        for slowdown in (0.0, 0.02, 0.05, 0.10)
    ]
    assert found == sorted(found)
    assert found[1] < 0.2 < found[2]


def test_a_slowdown_of_twice_the_threshold_hardly_ever_passes(recorded, gates):
    """Nor where threads on all CPUs compete with other programs: what is not found is undecided."""
    for cells in CELLS.values():
        assert replay.rates(recorded, cells, 2 * THRESHOLD, rule(cells), gates).passed <= 0.01


def test_the_replay_would_show_a_gate_without_its_safeguards(recorded, gates):
    """One pair against the threshold, as most gates are: it cries wolf, and the replay says so."""
    found = replay.rates(recorded, replay.ONE_THREAD, 0.0, replay.RASH, gates)
    assert found.regression > 0.05
