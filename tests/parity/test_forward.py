"""Logits, loss and gradients against the oracle."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bench.contract import (
    Adapter,
    Conv,
    Dense,
    Flatten,
    Indices,
    ModelSpec,
    OptimizerSpec,
    Pool,
)
from bench.verification.problems import CLEAR
from bench.workload.order import initial_parameters
from impls.reference.adapter import ReferenceAdapter

from .compare import assert_close, assert_trees_close, assert_trees_identical
from .problems import BATCH, REMAINDER, TASKS, THREADS, Problem, order, rows
from .selection import some

# Parts of a tensor's largest element. Float32 has 6e-8 at each operation; a sum of some hundred
# terms in any order, layer upon layer, comes to a few 1e-7.
LOGITS = 2e-6
LOSS = 1e-6
# A kernel's gradient sums over batch and image, thousands of terms of both signs that cancel.
GRADIENTS = 2e-5


@pytest.mark.parametrize("n", [1, 257])
def test_logits(
    resting: Adapter, framework: str, oracle: ReferenceAdapter, task: Problem, n: int
) -> None:
    task.start(oracle)
    task.rest(resting)
    # Of images that were not loaded: another order, another contrast.
    images = np.ascontiguousarray(task.images[::-1][:n] * np.float32(0.7))
    images.flags.writeable = False
    logits = resting.predict(images)
    assert logits.dtype == np.float32
    assert logits.shape == (n, task.model.classes)
    assert_close("logits", framework, logits, oracle.predict64(images), LOGITS)


@pytest.mark.parametrize(
    ("task", "count"),
    some("batch", product(TASKS, (BATCH, REMAINDER, 1))),
    indirect=["task"],
)
def test_loss_and_gradients(
    resting: Adapter, framework: str, oracle: ReferenceAdapter, task: Problem, count: int
) -> None:
    indices = rows(5, count)
    indices.flags.writeable = False
    task.start(oracle)
    task.rest(resting)
    _compare_gradients(resting, framework, oracle, indices)


@pytest.mark.parametrize("task", some("gradients after training", TASKS), indirect=True)
def test_gradients_after_training(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, task: Problem
) -> None:
    """Where the initial weights hide an error: biases and kernels have left their places."""
    epoch = order(6, 10)
    for each in (oracle, adapter):
        task.start(each)
        each.train_epoch(epoch, 0.05)
    # From the very same weights: the gradients are compared, not the training.
    oracle.build(task.model, adapter.export(), OptimizerSpec("sgd"), "cpu", THREADS)
    # Where a CPU's rounding leads the training decides which images lie at a kink of the network,
    # where one correct gradient is as good as another.
    some = rows(5, 2 * BATCH)
    clear = some[oracle.margins64(some) > CLEAR][:BATCH]
    assert len(clear) > BATCH // 2
    _compare_gradients(adapter, framework, oracle, clear)


def _compare_gradients(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, indices: Indices
) -> None:
    loss, gradients = adapter.gradients(indices)
    expected_loss, expected = oracle.gradients64(indices)
    assert isinstance(loss, float)
    assert {g.dtype for g in gradients.values()} == {np.dtype(np.float32)}
    assert_close("loss", framework, loss, expected_loss, LOSS)
    assert_trees_close("gradients", framework, gradients, expected, GRADIENTS)


def test_gradients_change_nothing(adapter: Adapter, framework: str, square: Problem) -> None:
    """Neither the weights nor the optimizer's buffers, nor what is added to next."""
    adam = OptimizerSpec("adam")
    trained = []
    for look in (False, True):
        square.start(adapter, adam)
        adapter.train_epoch(order(1, 2), 1e-3)
        before = adapter.export()
        if look:
            first = adapter.gradients(rows(5, BATCH))[1]
            second = adapter.gradients(rows(5, BATCH))[1]
            assert_trees_identical(framework, second, first, "gradients asked for twice")
            assert_trees_identical(framework, adapter.export(), before, "weights after gradients()")
        adapter.train_epoch(order(2, 2), 1e-3)
        trained.append(adapter.export())
    assert_trees_identical(framework, trained[1], trained[0], "training after gradients()")


def test_a_gradient_goes_to_the_maximum_and_not_to_what_is_nearly_it(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter
) -> None:
    """In each window the first value is smaller than the last, by a ten-thousandth of it."""
    layers = (
        Conv("conv", (1, 1), 1, 1, "none"),
        Pool((2, 2)),
        Flatten(4, 4, 1),
        Dense("dense", 16, 10, "none"),
    )
    model = ModelSpec("ties", (8, 8, 1), 10, layers)
    draw = np.random.default_rng(3)
    images = draw.uniform(0, 0.5, (BATCH, 8, 8, 1)).astype(np.float32)
    images[:, 1::2, 1::2] = draw.uniform(1, 2, (BATCH, 4, 4, 1))
    images[:, ::2, ::2] = images[:, 1::2, 1::2] * np.float32(1 - 1e-4)
    parameters = initial_parameters(7, model)
    parameters["conv/kernel"][:] = 1
    task = Problem(model, parameters, images, (np.arange(BATCH) % 10).astype(np.int32))
    task.start(oracle)
    task.start(adapter)
    _compare_gradients(adapter, framework, oracle, np.arange(BATCH, dtype=np.int32))


def test_no_gradient_flows_where_relu_is_flat(
    adapter: Adapter, framework: str, square: Problem
) -> None:
    """A layer whose units are all below zero stops every gradient below it, exactly."""
    parameters = {path: p.copy() for path, p in square.parameters.items()}
    parameters["dense1/bias"] -= np.float32(1e3)
    Problem(square.model, parameters, square.images, square.labels).start(adapter)
    _, gradients = adapter.gradients(rows(5, BATCH))
    for path in ("conv1/kernel", "conv1/bias", "conv2/kernel", "conv2/bias", "dense1/kernel"):
        assert not gradients[path].any(), f"{framework}: {path}"
