"""The rule: what it takes to fail, to pass, and to be left undecided."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.gate.budget import Budget, OutOfTimeError
from bench.gate.cases import Case, Observation, Pair, Windows
from bench.gate.decision import EXIT_CODES, Judge, Rule, estimate, fewest_pairs
from bench.gate.pairs import Measuring, Shape
from bench.gate.schedule import Run, require_budget

TORCH, FLAX, KERAS = (Case(framework=name) for name in ("torch", "flax", "keras"))
RULE = Rule(threshold=0.05, pairs=8)


def noisy(slowdown: float, spread: float = 0.01, seed: int = 0, taken: float = 0.0):
    """An endless stream of observations around a true slowdown."""
    chance = random.Random(seed)
    while True:
        ratio = math.log1p(slowdown) + chance.gauss(0, spread)
        yield Observation(ratio, taken + chance.gauss(0, 0.02))


def judged(streams, rule=RULE):
    judge = Judge(list(streams), rule)
    while judge.open:
        for case in judge.open:
            judge.add(case, next(streams[case]))
        judge.look()
    return judge


def test_identical_code_passes_after_the_first_look():
    cell = judged({TORCH: noisy(0.0)}).cells[TORCH]
    assert (cell.outcome, len(cell.observations), cell.p_values) == ("pass", 6, [])


def test_nothing_is_decided_before_there_is_a_pair():
    assert Judge([TORCH], RULE).outcome == "inconclusive"


def test_a_slowdown_must_be_found_in_two_blocks():
    judge = judged({TORCH: noisy(0.10)})
    cell = judge.cells[TORCH]
    assert (judge.outcome, cell.failed, len(cell.observations)) == ("regression", 2, 16)
    assert cell.p_values == [2**-8, 2**-8]


def test_one_slow_block_is_no_regression():
    def once():
        yield from (Observation(0.2 + i / 100) for i in range(8))
        yield from noisy(0.0)

    cell = judged({TORCH: once()}).cells[TORCH]
    assert (cell.outcome, cell.failed) == ("inconclusive", 1)


def test_a_certain_slowdown_below_the_threshold_is_no_regression():
    judge = judged({TORCH: noisy(0.03, spread=0.002)})
    assert judge.outcome == "pass"


def test_a_speed_up_passes():
    assert judged({TORCH: noisy(-0.3)}).outcome == "pass"


def test_too_much_noise_is_inconclusive_and_not_a_pass():
    wild = [0.4, -0.4, 0.3, -0.3, 0.2, -0.2, 0.5, -0.5] * 3
    cell = judged({TORCH: iter(map(Observation, wild))}).cells[TORCH]
    assert (cell.outcome, len(cell.observations)) == ("inconclusive", 24)
    assert "noisy" in cell.reason


def test_the_interval_must_end_below_the_threshold():
    just_over = [math.log1p(0.051)] + [0.0] * 5
    judge = Judge([TORCH], RULE)
    for ratio in just_over:
        judge.add(TORCH, Observation(ratio))
        judge.look()
    assert judge.open == (TORCH,)
    judge = Judge([TORCH], RULE)
    for ratio in [math.log1p(0.049)] + [0.0] * 5:
        judge.add(TORCH, Observation(ratio))
        judge.look()
    assert judge.outcome == "pass"


def test_holm_counts_the_cells_that_had_passed_early():
    """p of 8 pairs is 2^-8: significant for one cell, not for the first of three."""
    alone = judged({TORCH: noisy(0.2)}).cells[TORCH]
    assert alone.p_values[0] == 2**-8
    three = judged({TORCH: noisy(0.2), FLAX: noisy(0.0, seed=1), KERAS: noisy(0.0, seed=2)})
    assert three.cells[FLAX].outcome == three.cells[KERAS].outcome == "pass"
    assert three.cells[TORCH].p_values == [3 * 2**-8, 2**-8, 2**-8]  # the first above 0.01
    assert three.cells[TORCH].failed == 2


@pytest.mark.parametrize("cells", [1, 2, 3, 4, 7, 20])
def test_the_fewest_pairs_can_fail_and_fewer_cannot(cells):
    cases = [Case(framework=f"f{i}") for i in range(cells)]
    for pairs, expected in ((fewest_pairs(cells), True), (fewest_pairs(cells) - 1, False)):
        judge = Judge(cases, Rule(0.05, pairs))
        for _ in range(pairs):
            for case in judge.open:
                judge.add(case, Observation(0.3))
            judge.look()
        assert all((cell.failed == 1) is expected for cell in judge.cells.values())


def test_one_slow_cell_decides_for_the_gate():
    judge = judged({TORCH: noisy(0.0), FLAX: noisy(0.15, seed=3)}, Rule.of(0.05, 2))
    assert judge.outcome == "regression"
    assert judge.cells[TORCH].outcome == "pass"


@pytest.mark.parametrize(
    ("slowdown", "taken", "outcome"),
    [
        (0.2, 0.4, "inconclusive"),  # head is slower, and others were busier then
        (0.2, 0.1, "inconclusive"),  # they explain most of it; what they cost is not known better
        (0.2, 0.04, "regression"),  # they explain less than half
        (0.2, -0.4, "regression"),  # head is slower even so
        (0.4, 0.1, "regression"),  # others explain a part that does not matter
        (0.0, -0.4, "inconclusive"),  # head is no slower, but base was hindered
        (0.0, 0.4, "pass"),  # head is no slower even so
    ],
)
def test_a_load_that_follows_one_side_is_no_evidence(slowdown, taken, outcome):
    cell = judged({TORCH: noisy(slowdown, taken=taken)}).cells[TORCH]
    assert cell.outcome == outcome
    assert ("other processes were busier" in cell.reason) == (outcome == "inconclusive")


def test_a_load_that_stays_with_head_is_not_waited_for():
    cell = judged({TORCH: noisy(0.2, taken=0.4)}).cells[TORCH]
    assert (cell.failed, cell.hindered, len(cell.observations)) == (0, 2, 16)


def test_a_regression_keeps_no_excuse_of_an_earlier_look():
    """At the first look base was hindered; two blocks after that nobody was, and head is slower."""

    def later():
        hindered, slow = noisy(0.0, taken=-0.4), noisy(0.3)
        yield from (next(hindered) for _ in range(RULE.pairs))
        yield from slow

    judge, streams = Judge([TORCH], RULE), later()
    cell, excuses = judge.cells[TORCH], set()
    while judge.open:
        judge.add(TORCH, next(streams))
        judge.look()
        excuses.add(cell.reason)
    assert excuses == {
        "other processes were busier while base was measured than while head was",
        "",
    }
    assert (cell.outcome, cell.failed, cell.reason) == ("regression", 2, "")


def test_what_time_left_open_has_the_reason_of_the_last_look():
    judge, hindered = Judge([TORCH], RULE), noisy(0.0, taken=-0.4)
    for _ in range(RULE.early):
        judge.add(TORCH, next(hindered))
    judge.look()
    assert "base was measured" in judge.cells[TORCH].reason
    for _, clean in zip(range(40), noisy(0.1, taken=0.4), strict=False):
        judge.add(TORCH, clean)
    judge.end("the time was up")
    assert judge.cells[TORCH].reason == "the time was up"


def test_a_load_on_both_sides_does_not_matter():
    chance = random.Random(0)
    loads = iter([chance.gauss(0, 0.5) for _ in range(99)])
    streams = {TORCH: (Observation(one.log_ratio, next(loads)) for one in noisy(0.2))}
    assert judged(streams).outcome == "regression"


def test_when_time_is_up_only_what_is_clear_passes():
    judge = Judge([TORCH, FLAX], Rule.of(0.05, 2))
    for count, (case, stream) in enumerate([(TORCH, noisy(0.0)), (FLAX, noisy(0.0))]):
        for _ in range(7 if count == 0 else 4):
            judge.add(case, next(stream))
    judge.end("the time was up")
    assert judge.cells[TORCH].outcome == "pass"
    assert judge.cells[FLAX].outcome == "inconclusive"
    assert judge.cells[FLAX].reason == "the time was up"


def test_a_failed_block_without_time_for_another_is_inconclusive():
    judge = Judge([TORCH], RULE)
    for one, _ in zip(noisy(0.3), range(8), strict=False):
        judge.add(TORCH, one)
        judge.look()
    judge.end("the time was up")
    assert judge.outcome == "inconclusive"
    assert "not confirmed" in judge.cells[TORCH].reason


def test_exit_codes():
    assert EXIT_CODES == {"pass": 0, "regression": 1, "error": 2, "inconclusive": 3}


def test_the_estimate_is_the_median_of_walsh_averages():
    assert estimate([1.0, 2.0, 10.0]) == 3.75  # of 1, 1.5, 2, 5.5, 6, 10


# A pair's figures


def pair(case: Case, slowdown: float = 0.0, took_s: float = 10.0) -> Pair:
    base = Windows(seconds=(0.1,) * 4, own_cpus=(0.5,) * 4, other_cpus=(0.0,) * 4)
    head = Windows(seconds=(0.1 * (1 + slowdown),) * 4, own_cpus=(0.5,) * 4, other_cpus=(0.01,) * 4)
    return Pair(case=case, first="base", steps=8, base=base, head=head, took_s=took_s)


def test_a_linear_drift_of_the_machine_cancels():
    """A B B A at 1, 2, 3, 4 per cent more: both sides have a mean of 2.5."""
    windows = [math.exp(drift) for drift in (0.01, 0.02, 0.03, 0.04)]
    base = Windows(seconds=(windows[0], windows[3]), own_cpus=(1, 1), other_cpus=(0, 0))
    head = Windows(seconds=(windows[1], windows[2]), own_cpus=(1, 1), other_cpus=(0, 0))
    found = Pair(case=TORCH, first="base", steps=1, base=base, head=head, took_s=1.0)
    assert found.observation.log_ratio == pytest.approx(0.0, abs=1e-12)


def test_what_a_pair_tells():
    found = pair(TORCH, 0.25).observation
    assert found.log_ratio == pytest.approx(math.log(1.25))
    assert found.taken == pytest.approx(0.02)


# The schedule, with pairs that take no time


def run(tmp_path: Path, seconds: float, cases, slowdown: float, took_s: float = 10.0) -> Run:
    """A gate whose clock goes on by what each pair takes."""
    now = [0.0]
    budget = Budget(seconds, lambda: now[0])

    def measure(with_, case, number, first, steps):
        with_.budget.check()
        now[0] += took_s
        return pair(case, slowdown, took_s)

    judge = Judge(cases, Rule.of(0.05, len(cases)))
    with_ = Measuring({}, Shape(), tmp_path, budget)
    made = Run(with_, judge, random.Random(0), lambda pair: None, measure)
    made.go()
    assert budget.spent_s <= seconds
    return made


def test_a_gate_that_has_time_ends_early_on_a_pass(tmp_path):
    done = run(tmp_path, 900, [TORCH, FLAX, KERAS], 0.0)
    assert done.judge.outcome == "pass"
    assert len(done.pairs) == 18


def test_every_round_has_one_pair_of_each_open_cell(tmp_path):
    done = run(tmp_path, 900, [TORCH, FLAX, KERAS], 0.2)
    assert done.judge.outcome == "regression"
    for start in range(0, len(done.pairs), 3):
        assert {p.case for p in done.pairs[start : start + 3]} == {TORCH, FLAX, KERAS}
    assert len({tuple(p.case for p in done.pairs[i : i + 3]) for i in range(0, 30, 3)}) > 1


def test_a_budget_that_proves_too_short_ends_it_at_once(tmp_path):
    done = run(tmp_path, 100, [TORCH, FLAX, KERAS], 0.2)
    assert done.judge.outcome == "inconclusive"
    assert len(done.pairs) == 3
    assert "--budget" in done.judge.cells[TORCH].reason
    assert "180s" in done.judge.cells[TORCH].reason


def test_no_second_block_is_begun_without_the_time_for_it(tmp_path):
    done = run(tmp_path, 120, [TORCH], 0.2)
    assert (len(done.pairs), done.judge.outcome) == (8, "inconclusive")


def test_a_budget_is_refused_with_the_number_that_would_do():
    with pytest.raises(UsageError, match=r"--budget 60s is too short.*at least 97s"):
        require_budget(60, 3, 6, Shape())
    require_budget(120, 3, 6, Shape())


def test_a_spent_budget():
    spent = Budget(0.0)
    with pytest.raises(OutOfTimeError):
        spent.check()
    assert Budget(100.0).after(5.0).seconds == 5.0
    assert Budget(3.0).after(5.0).seconds <= 3.0
