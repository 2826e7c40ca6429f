"""Every fault is caught, by the check that is meant for it; the healthy adapter passes."""

from __future__ import annotations

import itertools
from collections.abc import Collection

import pytest

from bench.contract import Adapter, ModelOptions, OptimizerSpec
from bench.results.certificate import Check
from bench.system import machine
from bench.workload.models import USUAL

from .examining import examining
from .faults import ADAM, FAULTS, MOMENTUM, Fault, Healthy
from .faults_of_options import OF_OPTIONS, RANDOM


def examined(
    adapter: Adapter,
    optimizer: OptimizerSpec,
    seed: int = 0,
    options: ModelOptions = USUAL,
    by: Collection[str] = (),
) -> list[Check]:
    """The checks of a whole examination; or of its parts with the checks named in `by`.

    Those end once each of the named has failed: that a fault is caught is known by then, and what
    else it would have failed is not asked.
    """
    checks, missing = [], set(by)
    fields = {"optimizers": (optimizer,), "seed": seed}
    for check in examining(adapter, *by, options=options, **fields):
        checks.append(check)
        if not check.passed:
            missing.discard(check.name)
        if by and not missing:
            break
    return checks


def _marks(fault: Fault) -> list[pytest.MarkDecorator]:
    """A thread too many is seen by the CPU time that it takes: nothing else may take any."""
    return [pytest.mark.alone] if "threads" in fault.caught_by else []


@pytest.mark.parametrize("fault", [pytest.param(f, id=str(f), marks=_marks(f)) for f in FAULTS])
def test_a_fault_is_caught_by_its_check(fault: Fault, caught: dict[str, list[Check]]) -> None:
    if "threads" in fault.caught_by:
        _skip_without_a_free_cpu()
    checks = examined(fault.adapter(), fault.optimizer, by=fault.caught_by)
    failed = [check for check in checks if not check.passed]
    caught[fault.name] = [check for check in failed if check.name in fault.caught_by]
    assert {check.name for check in failed} >= set(fault.caught_by), [*map(Check.describe, failed)]


@pytest.mark.parametrize("fault", OF_OPTIONS, ids=str)
def test_a_fault_of_what_was_chosen_is_caught_by_its_check(fault: Fault) -> None:
    checks = examined(fault.adapter(), fault.optimizer, options=fault.options, by=fault.caught_by)
    failed = {check.name for check in checks if not check.passed}
    assert failed >= set(fault.caught_by), sorted(failed)


CHOSEN = dict.fromkeys(fault.options for fault in OF_OPTIONS)
WITH_MOST = ("prelu", "rrelu")  # parameters of their own, and random numbers


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(one, marks=[] if one.activation in WITH_MOST else pytest.mark.long)
        for one in CHOSEN
    ],
    ids=repr,
)
def test_what_was_chosen_raises_no_alarm(options: ModelOptions) -> None:
    checks = examined(Healthy(), MOMENTUM, options=options)
    assert [check.describe() for check in checks if not check.passed] == []


def _skip_without_a_free_cpu() -> None:
    """A thread too many shows only where there is a CPU for it."""
    if len(machine.usable_cpus()) < 2:
        pytest.skip("one CPU only: no second thread can compute at the same time")
    if (busy := machine.busy_cpus()) > 0.5:
        pytest.skip(f"other programs keep {busy:.1f} CPUs busy: a second thread gets none")


def test_the_healthy_adapter_passes_and_a_part_is_part_of_the_whole() -> None:
    """What is left out changes nothing of what is made, down to the last bit of an error."""
    steps: list[set[int]] = []

    class Noting(Healthy):
        def train_epoch64(self, order, learning_rate):
            if [*order.sizes()] == [32]:
                steps.append({*order.batches.flat})
            return super().train_epoch64(order, learning_rate)

    checks = examined(Noting(), ADAM)
    assert len(steps) >= 20
    assert max(len(one & later) for one, later in itertools.pairwise(steps)) < 16  # new images
    assert [check.describe() for check in checks if not check.passed] == []
    assert len(checks) > 25
    for name in ("round trip", "loss", "optimizer", "batches gathered", "precision"):
        part = [check for check in examined(Healthy(), ADAM, by=(name,)) if check.name == name]
        assert part == [check for check in checks if check.name == name] != []


@pytest.mark.long
def test_each_part_is_part_of_the_whole() -> None:
    whole = examined(Healthy(), MOMENTUM, options=RANDOM)
    for name in {check.name for check in whole} - {"threads"}:  # which is measured
        part = examined(Healthy(), MOMENTUM, options=RANDOM, by=(name,))
        own = [check for check in part if check.name == name]
        assert own == [check for check in whole if check.name == name]
