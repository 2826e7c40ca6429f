"""The oracle itself: against finite differences, numbers worked out by hand, and torch.optim."""

from __future__ import annotations

import numpy as np
import pytest

from bench.contract import Conv, EpochBatches, ModelSpec, OptimizerSpec, Pool
from bench.frameworks import missing, named
from bench.workload import random_inputs
from impls.reference import adapter
from impls.reference.adapter import ReferenceAdapter
from impls.reference.model import cross_entropy, forward, loss_and_gradients
from impls.reference.optimizers import Optimizer

from .compare import scale_error
from .problems import Problem, problem
from .selection import chosen
from .test_training import CASES

DELTA = 1e-6


@pytest.mark.parametrize("name", ["20x28x2", "uneven", "smooth"])
def test_gradients_against_finite_differences(name: str) -> None:
    """(f(p + δ) − f(p − δ)) / 2δ, in 12 places of every parameter.

    The rounding of f, 1e-16, over δ is 1e-10; the third derivative's share, δ², is less.
    """
    task = problem(name)
    parameters = {path: p.astype(np.float64) for path, p in task.parameters.items()}
    images, labels = task.images[:4].astype(np.float64), task.labels[:4]
    weights = np.array([0.1, 0.2, 0.3, 0.4])

    def loss() -> float:
        return cross_entropy(forward(task.model, parameters, images)[0], labels, weights)[0]

    _, gradients = loss_and_gradients(task.model, parameters, images, labels, weights)
    random = np.random.default_rng(3)
    for path, p in parameters.items():
        for place in random.choice(p.size, min(12, p.size), replace=False):
            where = np.unravel_index(place, p.shape)
            middle = p[where]
            p[where] = middle + DELTA
            above = loss()
            p[where] = middle - DELTA
            below = loss()
            p[where] = middle
            slope = (above - below) / (2 * DELTA)
            assert gradients[path][where] == pytest.approx(slope, abs=1e-8), f"{path}[{where}]"


def test_convolution_is_cross_correlation() -> None:
    """One 2×2 kernel on a 3×3 image, by hand: a true convolution would give 23 first."""
    model = ModelSpec("one", (3, 3, 1), 1, (Conv("conv", (2, 2), 1, 1, "none"),))
    image = np.arange(9.0).reshape(1, 3, 3, 1)  # 0 1 2 / 3 4 5 / 6 7 8
    kernel = np.array([1.0, 2.0, 3.0, 4.0]).reshape(2, 2, 1, 1)
    logits, _ = forward(model, {"conv/kernel": kernel, "conv/bias": np.array([0.5])}, image)
    # 0·1 + 1·2 + 3·3 + 4·4 = 27, and so on.
    np.testing.assert_array_equal(logits.ravel(), [27.5, 37.5, 57.5, 67.5])


def test_pooling_gives_the_gradient_to_the_first_of_equals() -> None:
    model = ModelSpec("pool", (2, 4, 1), 1, (Pool((2, 2)),))
    image = np.array([[1.0, 7.0, 5.0, 5.0], [7.0, 7.0, 5.0, 5.0]]).reshape(1, 2, 4, 1)
    pooled, (pullback,) = forward(model, {}, image)
    np.testing.assert_array_equal(pooled.ravel(), [7, 5])
    flowing, _ = pullback(np.array([3.0, 4.0]).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(flowing[0, :, :, 0], [[0, 3, 4, 0], [0, 0, 0, 0]])


def test_cross_entropy_of_large_logits() -> None:
    """log(1 + e⁻¹⁰⁰⁰) is 0 and −log of the other probability 1000: no overflow, no NaN."""
    logits, labels = np.array([[1000.0, 0.0]] * 2), np.array([0, 1], np.int32)
    loss, gradient = cross_entropy(logits, labels, np.array([0.5, 0.5]))
    assert loss == 500
    np.testing.assert_array_equal(gradient, [[0, 0], [0.5, -0.5]])


@pytest.mark.parametrize("name", ["uneven", "dropout"])
def test_slices_and_repeated_images_give_what_the_whole_batch_gives(name: str, monkeypatch) -> None:
    task = problem(name)
    oracle = ReferenceAdapter()
    task.start(oracle, OptimizerSpec("sgd"))
    rows = np.array([4, 1, 1, 3, 4, 4, 0], np.int32)
    step = EpochBatches(rows[np.newaxis], np.empty(0, np.int32))
    drawn = random_inputs.drawn(task.model, 7, 0, 0, step).draws
    draws = tuple(array[0] for array in drawn)
    loss, gradients = oracle.gradients64(rows, draws)
    monkeypatch.setattr(adapter, "SLICE", 3)
    of_slices, by_slice = oracle.gradients64(rows, draws)
    assert of_slices == pytest.approx(loss, rel=1e-14)
    for path, gradient in gradients.items():
        np.testing.assert_allclose(by_slice[path], gradient, rtol=0, atol=1e-13)
    if draws:
        return
    once, times = np.unique(rows, return_counts=True)
    of_counts, by_count = oracle.gradients64(once, times=times)
    assert of_counts == pytest.approx(loss, rel=1e-14)
    for path, gradient in gradients.items():
        np.testing.assert_allclose(by_count[path], gradient, rtol=0, atol=1e-13)


# Start 1, gradients 0.5 then −0.25, learning rates 0.1 then 0.2. Worked out by hand from the
# definitions, with constants chosen so that every term counts.
BY_HAND = [
    # v = .5 + .2 = .7, p = 1 − .07; then g = −.25 + .2·.93 = −.064, v = .35 − .064 = .286
    (OptimizerSpec("sgd", momentum=0.5, weight_decay=0.2), [0.93, 0.8728]),
    # s = .25·.25 = .0625, √s = .25, g/(√s + .25) = 1, p = 1 − .1; then s = .75·.0625 + .25·.0625
    # = .0625, −.25/.5 = −.5, b = .5·1 − .5 = 0
    (OptimizerSpec("rmsprop", momentum=0.5, alpha=0.75, epsilon=0.25), [0.9, 0.9]),
    # m̂ = .5, v̂ = .25, .5/(.5 + .5) = .5; then m = .5·.25 − .125 = 0
    (OptimizerSpec("adam", beta1=0.5, beta2=0.75, epsilon=0.5), [0.95, 0.95]),
    # as Adam, but before it p ← p·(1 − .1·.2), then p ← p·(1 − .2·.2)
    (
        OptimizerSpec("adamw", beta1=0.5, beta2=0.75, epsilon=0.5, weight_decay=0.2),
        [0.93, 0.8928],
    ),
]


@pytest.mark.parametrize(("spec", "expected"), BY_HAND, ids=[spec.name for spec, _ in BY_HAND])
def test_optimizers_by_hand(spec: OptimizerSpec, expected: list[float]) -> None:
    parameters = {"p": np.array([1.0])}
    optimizer = Optimizer(spec, parameters)
    for gradient, rate, value in zip((0.5, -0.25), (0.1, 0.2), expected, strict=True):
        optimizer.update(parameters, {"p": np.array([gradient])}, rate)
        assert parameters["p"][0] == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_optimizers_against_torch(name: str) -> None:
    """20 steps with random gradients, in float64, where both round alike: 1e-12 is generous."""
    if "torch" not in chosen():
        pytest.skip("the oracle is the same for each framework, and torch takes seconds to load")
    reason = missing(named("torch"))
    if reason:
        pytest.skip(reason)
    import torch

    from impls._torch.optimizers import make_optimizer

    spec, rate = CASES[name]
    random = np.random.default_rng(5)
    parameters = {"p": random.normal(size=(7, 11))}
    theirs = torch.nn.Parameter(torch.tensor(parameters["p"]))
    ours, optimizer = Optimizer(spec, parameters), make_optimizer(spec, [theirs])
    for step in range(20):
        gradient = random.normal(size=(7, 11)) * 10.0 ** random.integers(-9, 1, size=(7, 11))
        optimizer.param_groups[0]["lr"] = rate / (1 + step % 3)
        theirs.grad = torch.tensor(gradient)
        optimizer.step()
        ours.update(parameters, {"p": gradient}, rate / (1 + step % 3))
        assert scale_error(theirs.detach().numpy(), parameters["p"]) < 1e-12, f"step {step + 1}"


def test_float32_results_are_the_float64_ones_rounded(
    oracle: ReferenceAdapter, square: Problem
) -> None:
    square.start(oracle)
    images, indices = square.images[:3], np.arange(5, dtype=np.int32)
    np.testing.assert_array_equal(oracle.predict(images), np.float32(oracle.predict64(images)))
    (_, rounded), (_, exact) = oracle.gradients(indices), oracle.gradients64(indices)
    for path, gradient in exact.items():
        assert rounded[path].dtype == np.float32
        np.testing.assert_array_equal(rounded[path], np.float32(gradient))
