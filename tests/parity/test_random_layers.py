"""Dropout, RReLU and noise, with given random numbers, against the oracle."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from bench.contract import Adapter, EpochBatches, OptimizerSpec
from impls.reference.adapter import ReferenceAdapter

from .compare import assert_close, assert_moved_alike, assert_trees_close, assert_trees_identical
from .problems import RANDOM, REMAINDER, Problem, problem, random_order
from .selection import some
from .test_forward import GRADIENTS, LOGITS, LOSS
from .test_training import MOVED_OVER_KINKS

WITH_DECAY = OptimizerSpec("adam", weight_decay=5e-2)
NONE = np.empty(0, np.int32)


NETWORKS = (*RANDOM, "noisy-convnet")


@pytest.fixture(params=some("random evaluation", NETWORKS))
def network(request: pytest.FixtureRequest) -> Problem:
    return problem(request.param)


@pytest.mark.parametrize(
    ("network", "step"), some("random network", product(NETWORKS, (0, 1))), indirect=["network"]
)
def test_loss_and_gradients(
    resting: Adapter, framework: str, oracle: ReferenceAdapter, network: Problem, step: int
) -> None:
    """Of a full batch, and in step 1 of a partial one."""
    network.start(oracle)
    network.rest(resting)
    rows, draws = list(random_order(network.model, 5, 1, REMAINDER).each())[step]
    loss, gradients = resting.gradients(rows, draws)
    expected_loss, expected = oracle.gradients64(rows, draws)
    assert_close("loss", framework, loss, expected_loss, LOSS)
    assert_trees_close("gradients", framework, gradients, expected, GRADIENTS)
    _, others = list(random_order(network.model, 6, 1, REMAINDER).each())[step]
    other_loss, _ = resting.gradients(rows, others)
    assert abs(other_loss - loss) > 1e-5, f"{framework}: other draws change nothing"


def test_evaluation_is_not_random(
    resting: Adapter, framework: str, oracle: ReferenceAdapter, network: Problem
) -> None:
    network.start(oracle)
    network.rest(resting)
    images = network.images[:50]
    logits = resting.predict(images)
    assert_close("logits", framework, logits, oracle.predict64(images), LOGITS)
    np.testing.assert_array_equal(resting.predict(images), logits)


@pytest.mark.parametrize("network", some("training of a random network", NETWORKS), indirect=True)
def test_training(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, network: Problem
) -> None:
    """Each step of an epoch has draws of its own, the last, smaller one too."""
    for each in (oracle, adapter):
        network.start(each, WITH_DECAY)
    network.compile(adapter, 4, REMAINDER)
    assert_trees_identical(framework, adapter.export(), network.parameters, "compiling")
    epoch = random_order(network.model, 2, 4, REMAINDER)
    losses = adapter.train_epoch(epoch, 1e-3)
    assert_close("losses of five steps", framework, losses, oracle.train_epoch64(epoch, 1e-3), 1e-5)
    got, want, start = adapter.export(), oracle.export64(), network.parameters
    check = f"five steps: {network.model.label}"
    assert_moved_alike(check, framework, got, want, start, MOVED_OVER_KINKS[5])


def test_an_epoch_cut_in_two_is_the_same(adapter: Adapter, framework: str) -> None:
    network = problem("all-random")
    whole = random_order(network.model, 2, 4, REMAINDER)
    network.start(adapter)
    adapter.train_epoch(whole, 0.05)
    expected = adapter.export()
    network.start(adapter)
    halves = (
        EpochBatches(whole.batches[:3], NONE, tuple(draw[:3] for draw in whole.draws)),
        replace(whole, batches=whole.batches[3:], draws=tuple(draw[3:] for draw in whole.draws)),
    )
    for half in halves:
        adapter.train_epoch(half, 0.05)
    assert_trees_identical(framework, adapter.export(), expected, "an epoch in two parts")


def test_steps_do_not_share_their_draws(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter
) -> None:
    """The first step's numbers in the second one's place would show."""
    network = problem("all-random")
    epoch = random_order(network.model, 2, 2)
    again = replace(epoch, draws=tuple(draw[[0, 0]] for draw in epoch.draws))
    network.start(adapter)
    network.start(oracle)
    losses, others = adapter.train_epoch(epoch, 0.05), oracle.train_epoch64(again, 0.05)
    assert abs(losses[0] - others[0]) < 1e-5 < 1e-4 < abs(losses[1] - others[1]), framework


def test_draws_are_demanded(adapter: Adapter) -> None:
    network = problem("all-random")
    network.start(adapter)
    epoch = random_order(network.model, 2, 2, REMAINDER)
    with pytest.raises(ValueError, match="draws in training, and got 0"):
        adapter.train_epoch(EpochBatches(epoch.batches, NONE), 0.05)
    with pytest.raises(ValueError, match="draws in training, and got 0"):
        adapter.gradients(epoch.batches[0])
