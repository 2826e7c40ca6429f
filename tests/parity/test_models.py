"""Activations, poolings, paddings and the other networks, against the oracle."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from bench.choices import Activation
from bench.contract import (
    Adapter,
    Conv,
    Dense,
    EpochBatches,
    Flatten,
    ModelSpec,
    OptimizerSpec,
    Pool,
)
from bench.workload import random_inputs
from bench.workload.models import ACTIVATIONS
from bench.workload.order import initial_parameters
from impls.reference.adapter import ReferenceAdapter

from .compare import assert_close, assert_moved_alike, assert_trees_close, assert_trees_identical
from .problems import (
    BATCH,
    CHOICES,
    CLASSES,
    OTHERS,
    REMAINDER,
    THREADS,
    Problem,
    order,
    problem,
    rows,
)
from .selection import some
from .test_forward import GRADIENTS, LOGITS, LOSS
from .test_training import MOVED_OVER_KINKS

WITH_DECAY = OptimizerSpec("adam", weight_decay=5e-2)


NETWORKS = (*CHOICES, *OTHERS, "padded", "activations")


@pytest.fixture(params=some("network", NETWORKS))
def network(request: pytest.FixtureRequest) -> Problem:
    return problem(request.param)


def test_logits_loss_and_gradients(
    resting: Adapter, framework: str, oracle: ReferenceAdapter, network: Problem
) -> None:
    network.start(oracle)
    network.rest(resting)
    assert_trees_identical(framework, resting.export(), network.parameters, "weights in and out")
    logits = resting.predict(network.images[:50])
    assert_close("logits", framework, logits, oracle.predict64(network.images[:50]), LOGITS)
    loss, gradients = resting.gradients(rows(5, BATCH))
    expected_loss, expected = oracle.gradients64(rows(5, BATCH))
    assert_close("loss", framework, loss, expected_loss, LOSS)
    assert_trees_close("gradients", framework, gradients, expected, GRADIENTS)


@pytest.mark.parametrize("network", some("training of a network", NETWORKS), indirect=True)
def test_training(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, network: Problem
) -> None:
    """With a decay that is felt: slopes decay as all other parameters do."""
    for each in (oracle, adapter):
        network.start(each, WITH_DECAY)
    network.compile(adapter, 4, REMAINDER)
    losses = adapter.train_epoch(order(2, 4, REMAINDER), 1e-3)
    expected = oracle.train_epoch64(order(2, 4, REMAINDER), 1e-3)
    assert_close("losses of five steps", framework, losses, expected, 1e-5)
    got, want = adapter.export(), oracle.export64()
    check = f"five steps: {network.model.name}"
    start = network.parameters
    assert_moved_alike(check, framework, got, want, start, MOVED_OVER_KINKS[5])


@pytest.mark.parametrize("name", some("slopes", ["prelu", "padded"]))
def test_slopes_travel(adapter: Adapter, framework: str, name: str) -> None:
    """With their buffers, so that training goes on as if it had never stopped."""
    network = problem(name)
    network.start(adapter, WITH_DECAY)
    adapter.train_epoch(order(2, 3), 1e-3)
    weights, state = adapter.export(), adapter.export_optimizer()
    for path in (path for path in weights if path.endswith("/slope")):
        assert weights[path] != network.parameters[path], f"{framework}: {path} was not trained"
        assert state.buffers["mean"][path].any(), f"{framework}: {path} has no momentum"
    adapter.train_epoch(order(3, 2), 1e-3)
    gone_on = adapter.export()
    Problem(network.model, weights, network.images, network.labels).start(adapter, WITH_DECAY)
    adapter.restore_optimizer(state)
    adapter.train_epoch(order(3, 2), 1e-3)
    assert_trees_identical(framework, adapter.export(), gone_on, "training after a restart")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_is_exactly_zero_counts_as_negative(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, activation: str
) -> None:
    """Black images and no biases: every unit of the first layers is at the kink itself."""
    of = cast(Activation, activation)
    layers = (
        Conv("conv", (3, 3), 1, 3, of),
        Pool((2, 2), "average"),
        Flatten(3, 3, 3),
        Dense("dense1", 27, 16, of),
        Dense("dense2", 16, CLASSES, "none"),
    )
    model = ModelSpec("black", (8, 8, 1), CLASSES, layers)
    parameters = initial_parameters(7, model)
    for path in ("conv/bias", "dense1/bias"):
        parameters[path][:] = 0
    images = np.zeros((BATCH, 8, 8, 1), np.float32)
    task = Problem(model, parameters, images, (np.arange(BATCH) % 10).astype(np.int32))
    task.start(oracle)
    task.start(adapter)
    rows = np.arange(BATCH, dtype=np.int32)
    whole = random_inputs.drawn(
        model, 0, 0, 0, EpochBatches(rows[None], rows[:0])
    )  # for rrelu alone
    ((_, own),) = whole.each()
    got, want = adapter.gradients(rows, own)[1], oracle.gradients64(rows, own)[1]
    assert_trees_close(f"gradients at zero: {activation}", framework, got, want, GRADIENTS)


def test_an_activation_is_that_of_every_layer_but_the_last(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter
) -> None:
    """A slope of 0.25 that is moved in one layer alone changes the logits, in each of the four."""
    task = problem("prelu")
    task.start(adapter)
    usual = adapter.predict(task.images[:20])
    for layer in ("conv1", "conv2", "dense1", "dense2"):
        parameters = {**task.parameters, f"{layer}/slope": np.full(1, 0.5, np.float32)}
        moved = Problem(task.model, parameters, task.images, task.labels)
        moved.start(adapter)
        oracle.build(task.model, parameters, OptimizerSpec("sgd"), "cpu", THREADS)
        logits = adapter.predict(task.images[:20])
        assert np.abs(logits - usual).max() > 1e-3, f"{framework}: {layer}/slope does nothing"
        assert_close("logits", framework, logits, oracle.predict64(task.images[:20]), LOGITS)
