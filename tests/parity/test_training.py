"""Every optimizer, step by step, against the oracle."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

from bench.contract import Adapter, EpochBatches, OptimizerSpec
from impls.reference.adapter import ReferenceAdapter

from .compare import assert_close, assert_moved_alike, assert_trees_identical
from .problems import BATCH, LENETS, REMAINDER, Problem, order, problem, rows, schedule
from .selection import device, some


class Case(NamedTuple):
    spec: OptimizerSpec
    learning_rate: float


# RMSprop's first step is 1/√(1 − α) = 10 learning rates long, with momentum up to 100: at Adam's
# rates, training explodes and takes every rounding error with it.
CASES = {
    "sgd": Case(OptimizerSpec("sgd"), 0.05),
    "sgd-momentum-decay": Case(OptimizerSpec("sgd", momentum=0.9, weight_decay=5e-4), 0.05),
    "rmsprop": Case(OptimizerSpec("rmsprop"), 3e-5),
    "rmsprop-momentum": Case(OptimizerSpec("rmsprop", momentum=0.9), 1e-5),
    "rmsprop-momentum-decay": Case(OptimizerSpec("rmsprop", momentum=0.9, weight_decay=5e-4), 1e-5),
    "rmsprop-alpha-epsilon": Case(OptimizerSpec("rmsprop", alpha=0.9, epsilon=1e-5), 3e-5),
    "adam": Case(OptimizerSpec("adam"), 1e-3),
    "adam-decay": Case(OptimizerSpec("adam", weight_decay=5e-4), 1e-3),
    "adam-betas-epsilon": Case(OptimizerSpec("adam", beta1=0.8, beta2=0.99, epsilon=1e-5), 1e-3),
    "adamw": Case(OptimizerSpec("adamw", weight_decay=1e-2), 1e-3),
}

# Part of the way gone, see `move_error`. The slowest tensor goes some 1e-4 in the first steps of
# RMSprop and SGD; float32 rounds a weight of 0.2 by up to 7e-9.
MOVED = dict.fromkeys((1, 5, 20), 5e-4)
# With ReLU and pooling, rounding now and then tips a unit at a kink, see `smooth`: rare in 5 steps,
# frequent in 20. What was tipped is one of the few thousand contributions to a gradient.
MOVED_OVER_KINKS = {1: 2e-3, 5: 5e-3, 20: 2e-2}
# A mean over a batch's logarithms. It follows the weights, whose errors at kinks it hardly feels.
LOSSES = {1: 1e-6, 5: 1e-6, 20: 1e-4}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.mark.parametrize("case", some("optimizer", CASES), indirect=True)
def test_optimizer(adapter: Adapter, framework: str, oracle: ReferenceAdapter, case: Case) -> None:
    _train_and_compare(adapter, framework, oracle, problem("smooth"), case, MOVED)


@pytest.mark.parametrize(
    ("name", "case"), some("training of LeNet", product(LENETS, CASES)), indirect=["case"]
)
def test_training_of_lenet(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, name: str, case: Case
) -> None:
    _train_and_compare(adapter, framework, oracle, problem(name), case, MOVED_OVER_KINKS)


def _train_and_compare(
    adapter: Adapter,
    framework: str,
    oracle: ReferenceAdapter,
    task: Problem,
    case: Case,
    bounds: dict[int, float],
) -> None:
    task.start(oracle, case.spec)
    task.start(adapter, case.spec)
    for stage in schedule(case.learning_rate):
        losses = adapter.train_epoch(stage.order, stage.learning_rate)
        expected = oracle.train_epoch64(stage.order, stage.learning_rate)
        after = f"{task.model.name}, {case.spec.name}, step {stage.steps_after}"
        assert losses.dtype == np.float32
        assert_close(f"losses: {after}", framework, losses, expected, LOSSES[stage.steps_after])
        got, want = adapter.export(), oracle.export64()
        bound = bounds[stage.steps_after]
        assert_moved_alike(f"weights: {after}", framework, got, want, task.parameters, bound)


def test_a_partial_batch_alone(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, square: Problem
) -> None:
    """An epoch of fewer images than a batch."""
    epoch = EpochBatches(np.empty((0, BATCH), np.int32), rows(1, REMAINDER))
    for each in (oracle, adapter):
        square.start(each)
    losses = adapter.train_epoch(epoch, 0.05)
    assert_close(
        "loss of a partial batch", framework, losses, oracle.train_epoch64(epoch, 0.05), 2e-6
    )
    got, want = adapter.export(), oracle.export64()
    assert_moved_alike("a partial batch", framework, got, want, square.parameters, MOVED[1])


def test_losses_are_those_before_each_update(
    adapter: Adapter, framework: str, square: Problem
) -> None:
    epoch = order(2, 3, REMAINDER)
    square.start(adapter)
    expected = []
    for batch in (*epoch.batches, epoch.remainder):
        expected.append(adapter.gradients(batch)[0])
        adapter.train_epoch(EpochBatches(batch[None], rows(0, 0)), 0.05)
    square.start(adapter)
    losses = adapter.train_epoch(epoch, 0.05)
    assert losses.shape == (epoch.steps,)
    # The same arithmetic in another order, where an epoch is compiled as a whole.
    assert_close("losses within an epoch", framework, losses, expected, 2e-6)


@pytest.mark.parametrize("case", some("a rate of zero", CASES), indirect=True)
def test_a_learning_rate_of_zero_stands_still(
    adapter: Adapter, framework: str, square: Problem, case: Case
) -> None:
    square.start(adapter, case.spec)
    adapter.train_epoch(order(1, 2, REMAINDER), 0.0)
    assert_trees_identical(framework, adapter.export(), square.parameters, "a rate of 0")


def test_read_only_order_is_accepted(adapter: Adapter, square: Problem) -> None:
    epoch = order(1, 2, REMAINDER)
    epoch.batches.flags.writeable = epoch.remainder.flags.writeable = False
    square.start(adapter)
    assert np.isfinite(adapter.train_epoch(epoch, 0.05)).all()


@pytest.mark.parametrize(
    "name", some("compile", ["sgd", "sgd-momentum-decay", "rmsprop-momentum-decay", "adam"])
)
def test_compile_changes_nothing(
    adapter: Adapter, framework: str, square: Problem, name: str
) -> None:
    """Neither the weights nor, as later steps tell, the optimizer's buffers and step count."""
    spec, rate = CASES[name]
    first, second = order(1, 2, REMAINDER), order(2, 3, REMAINDER)
    trained = []
    for compiled in (False, True):
        square.start(adapter, spec)
        for epoch in (first, second):
            before = adapter.export()
            if compiled:
                square.compile(adapter, len(epoch.batches), REMAINDER)
                assert_trees_identical(framework, adapter.export(), before, "compile()")
            adapter.train_epoch(epoch, rate)
        trained.append(adapter.export())
    _assert_same_training(framework, trained, square, "training after compile()")


@pytest.mark.parametrize(
    ("steps", "remainder"), some("kind of epoch", product((0, 2), (0, REMAINDER)))
)
def test_compile_of_every_kind_of_epoch(
    adapter: Adapter, framework: str, square: Problem, steps: int, remainder: int
) -> None:
    square.start(adapter)
    square.compile(adapter, steps, remainder)
    assert_trees_identical(framework, adapter.export(), square.parameters, "compile()")


@pytest.mark.parametrize("name", some("build", ["sgd-momentum-decay", "adam"]))
def test_build_begins_anew(adapter: Adapter, framework: str, square: Problem, name: str) -> None:
    """Nothing of an earlier training is left, in the weights or in the optimizer."""
    spec, rate = CASES[name]
    trained = []
    for _ in range(2):
        square.start(adapter, spec)
        assert_trees_identical(framework, adapter.export(), square.parameters, "build()")
        adapter.train_epoch(order(1, 3, REMAINDER), rate)
        trained.append(adapter.export())
        problem("uneven").start(adapter, OptimizerSpec("rmsprop"))
        adapter.train_epoch(order(4, 2), 1e-4)
    _assert_same_training(framework, trained, square, "training after build()")


def _assert_same_training(
    framework: str, trained: list[dict[str, np.ndarray]], task: Problem, when: str
) -> None:
    """Bit for bit on the CPU; on a GPU sums are made in an order that changes from run to run."""
    if device() == "cpu":
        assert_trees_identical(framework, trained[1], trained[0], when)
    else:
        assert_moved_alike(when, framework, trained[1], trained[0], task.parameters, MOVED[1])
