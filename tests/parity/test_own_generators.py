"""Random layers that draw by themselves: what they draw, and from which seed.

What a layer did in a step of training is read off the weights after it. A batch of one image, SGD:
the last layer's kernel moves by h ⊗ δ and its bias by δ, so that their quotient is h, what came out
of the hidden layers. Where h is x · f with known x, the bias of x moves by f · δ, too: the way back
has to take the numbers of the way there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.contract import (
    RRELU_HIGHEST,
    RRELU_LOWEST,
    RRELU_MEAN,
    Adapter,
    Conv,
    Dense,
    Dropout,
    EpochBatches,
    Flatten,
    ModelSpec,
    Noise,
    OptimizerSpec,
)
from bench.frameworks import named
from bench.workload import random_inputs

from .compare import assert_trees_identical
from .problems import REMAINDER, THREADS, Problem, order, problem, random_order
from .selection import device, some

FEATURES = 4096
RATE, STD = 0.3, 0.2
SIGMAS = 5.0  # a figure of `FEATURES` numbers may be so far from what is expected
LEARNING_RATE = 1e3  # so that rounding of weights is small beside what they move
WEIGHT = 1e-4  # of the last layer's first class
NONE = np.empty(0, np.int32)
Values = NDArray[np.float64]
KINDS = ("dropout", "rrelu", "rrelu-conv", "noise")


@pytest.fixture(autouse=True)
def _has_one(framework: str) -> None:
    if not any(default.name == "generator" for default in named(framework).own):
        pytest.skip(f"{framework} has no regime native.generator")


@dataclass(frozen=True)
class Probe:
    """A network whose hidden layers yield x, (FEATURES,), for every image, before what is random.

    biased  the layer whose bias is x, and how many places share each value; None where x is 0
    """

    model: ModelSpec
    x: NDArray[np.float32]
    biased: str | None

    def build(self, adapter: Adapter, seed: int | None, weight: float = WEIGHT) -> None:
        model = replace(self.model, generator_seed=seed)
        shapes = model.parameter_shapes()
        parameters = {path: np.zeros(shape, np.float32) for path, shape in shapes.items()}
        parameters["last/kernel"][:, 0] = weight
        if self.biased:
            size = shapes[f"{self.biased}/bias"][0]
            parameters[f"{self.biased}/bias"] = self.x[:size].copy()
        adapter.build(model, parameters, OptimizerSpec("sgd"), device(), THREADS)
        adapter.load(np.zeros((2, *model.input_shape), np.float32), np.array([1, 0], np.int32))

    def step(self, adapter: Adapter, rows: list[int], rate: float, seed: int | None) -> None:
        """One step; with the harness's numbers where there is no seed."""
        plain = EpochBatches(np.array([rows], np.int32), NONE)
        model = replace(self.model, generator_seed=seed)
        adapter.train_epoch(random_inputs.drawn(model, 0, 0, 0, plain), rate)

    def read(self, adapter: Adapter, seed: int | None, *, after: int = 0) -> Values:
        """h, (FEATURES,), of the step after so many others; the way back is looked at, too."""
        self.build(adapter, seed)
        for _ in range(after):
            self.step(adapter, [0], 0.0, seed)
        before = adapter.export()
        self.step(adapter, [0], LEARNING_RATE, seed)
        moved = {path: value.astype(np.float64) - before[path] for path, value in
                 adapter.export().items()}  # fmt: skip
        delta = moved["last/bias"][0]
        h = moved["last/kernel"][:, 0] / delta
        if self.biased:
            factors = (h / self.x).reshape(-1, moved[f"{self.biased}/bias"].size).sum(axis=0)
            back = moved[f"{self.biased}/bias"] / (delta * WEIGHT)
            np.testing.assert_allclose(back, factors, rtol=1e-3, atol=1e-3 * np.abs(factors).max())
        return np.asarray(h)


def probe(kind: str) -> Probe:
    """A network with one random layer."""
    flat, last = Flatten(4, 4, 1), Dense("last", FEATURES, 2, "none")
    x = np.where(np.arange(FEATURES) % 2, 1, -1).astype(np.float32)
    if kind == "dropout":
        hidden = Dense("hidden", 16, FEATURES, "none")
        layers = (flat, hidden, Dropout("dropped", FEATURES, RATE), last)
        return Probe(ModelSpec(kind, (4, 4, 1), 2, layers), np.ones_like(x), "hidden")
    if kind == "rrelu":
        layers = (flat, Dense("hidden", 16, FEATURES, "rrelu"), last)
        return Probe(ModelSpec(kind, (4, 4, 1), 2, layers), x, "hidden")
    if kind == "rrelu-conv":
        layers = (Conv("hidden", (1, 1), 1, 4, "rrelu"), Flatten(32, 32, 4), last)
        return Probe(ModelSpec(kind, (32, 32, 1), 2, layers), x, "hidden")
    layers = (Noise(STD), Flatten(64, 64, 1), last)
    return Probe(ModelSpec(kind, (64, 64, 1), 2, layers), np.zeros_like(x), None)


def check(kind: str, of: Probe, h: Values) -> None:
    """AssertionError unless these are numbers as the layer has to draw them."""
    if kind == "dropout":
        kept = h > 0.5
        spread = np.sqrt(RATE * (1 - RATE) / h.size)
        assert abs(kept.mean() - (1 - RATE)) < SIGMAS * spread
        np.testing.assert_allclose(h, np.where(kept, 1 / (1 - RATE), 0), rtol=1e-4, atol=1e-4)
    elif kind == "noise":
        assert abs(h.mean()) < SIGMAS * STD / np.sqrt(h.size)
        assert abs(h.std() / STD - 1) < SIGMAS / np.sqrt(2 * h.size)
        within = np.mean(np.abs(h) < STD)  # of a normal distribution 0.683
        assert abs(within - 0.6827) < SIGMAS * np.sqrt(0.6827 * 0.3173 / h.size)
        assert abs(np.corrcoef(h[1:], h[:-1])[0, 1]) < SIGMAS / np.sqrt(h.size)
    else:
        np.testing.assert_allclose(h[of.x > 0], 1, rtol=1e-4)
        slopes = -h[of.x < 0]
        assert RRELU_LOWEST - 1e-4 < slopes.min() < RRELU_LOWEST + 5e-3
        assert RRELU_HIGHEST - 5e-3 < slopes.max() < RRELU_HIGHEST + 1e-4
        spread = (RRELU_HIGHEST - RRELU_LOWEST) / np.sqrt(12)
        assert abs(slopes.mean() - RRELU_MEAN) < SIGMAS * spread / np.sqrt(slopes.size)
        assert abs(slopes.std() / spread - 1) < 0.1


@pytest.mark.parametrize("kind", some("kind", KINDS))
def test_what_a_layer_draws(adapter: Adapter, kind: str) -> None:
    of = probe(kind)
    first, second = of.read(adapter, 3), of.read(adapter, 3, after=1)
    check(kind, of, first)
    check(kind, of, second)
    assert np.mean(np.abs(first - second) > 1e-3) > 0.2, "two steps have the same numbers"
    np.testing.assert_array_equal(of.read(adapter, 3), first)
    check(kind, of, other := of.read(adapter, 2**32 - 1))
    assert np.mean(np.abs(first - other) > 1e-3) > 0.2, "two seeds have the same numbers"


@pytest.mark.parametrize("kind", some("kind", KINDS))
def test_the_reading_reads_what_the_harness_gave(adapter: Adapter, kind: str) -> None:
    """The same probe with known numbers; and it tells another rate or noise from this."""
    of = probe(kind)
    (own,) = random_inputs.drawn(
        of.model, 0, 0, 0, EpochBatches(np.array([[0]], np.int32), NONE)
    ).draws
    given = own.reshape(FEATURES).astype(np.float64)
    expected = {"dropout": given / (1 - RATE), "noise": given}.get(
        kind, np.where(of.x > 0, 1, given * of.x)
    )
    h = of.read(adapter, None)
    np.testing.assert_allclose(h, expected, rtol=1e-4, atol=1e-4)
    check(kind, of, h)
    with pytest.raises(AssertionError):
        check(kind, of, 1.2 * h)


@pytest.mark.parametrize("kind", ["dropout", "noise"])
def test_two_images_have_numbers_of_their_own(adapter: Adapter, kind: str) -> None:
    """With exactly opposite gradients: what both images have alike cancels in the kernel."""
    of = probe(kind)
    of.build(adapter, 5, weight=0.0)
    of.step(adapter, [0, 1], LEARNING_RATE, 5)
    moved = adapter.export()["last/kernel"][:, 0] / LEARNING_RATE
    assert np.mean(np.abs(moved) > 1e-3) > 0.2


def test_two_layers_have_numbers_of_their_own(adapter: Adapter) -> None:
    of = probe("dropout")
    layers = list(of.model.layers)
    layers[-1:-1] = [Dropout("again", FEATURES, RATE)]
    twice = replace(of, model=replace(of.model, layers=tuple(layers)))
    twice.build(adapter, 5, weight=0.0)
    twice.step(adapter, [0], LEARNING_RATE, 5)
    kept = adapter.export()["last/kernel"][:, 0] != 0
    expected = (1 - RATE) ** 2
    spread = np.sqrt(expected * (1 - expected) / FEATURES)
    assert abs(kept.mean() - expected) < SIGMAS * spread


@pytest.fixture(params=some("own", ["all-random-small", "all-random"]))
def name(request: pytest.FixtureRequest) -> str:
    """A small network and LeNet-5, with all that is random."""
    return request.param


def own(name: str, seed: int) -> Problem:
    """The network with a generator of its own."""
    of = problem(name)
    return replace(of, model=replace(of.model, generator_seed=seed))


def trained(
    adapter: Adapter, name: str, seed: int, *, compiled: bool = False
) -> NDArray[np.float32]:
    """Losses of two epochs with a last, smaller batch; the orders are those of any seed."""
    own(name, seed).start(adapter)
    if compiled:
        own(name, seed).compile(adapter, 4, REMAINDER)
        assert_trees_identical("", adapter.export(), own(name, seed).parameters, "compiling")
    return np.concatenate(
        [adapter.train_epoch(order(number, 4, REMAINDER), 0.02) for number in (1, 2)]
    )


@pytest.mark.timeout(900)  # XLA takes its time for a generator within a scan
def test_the_seed_decides_the_losses(adapter: Adapter, name: str) -> None:
    """Whether or not something was compiled before, which must not move the generator on."""
    first = trained(adapter, name, 0)
    np.testing.assert_array_equal(trained(adapter, name, 0, compiled=True), first)
    assert np.all(np.abs(trained(adapter, name, 1) - first) > 1e-6)
    assert np.isfinite(first).all()


def test_each_step_draws_anew(adapter: Adapter, name: str) -> None:
    """At a rate of 0 nothing but the random numbers tells two steps on one batch apart."""
    own(name, 0).start(adapter)
    rows = order(1, 1).batches.repeat(6, axis=0)
    losses = adapter.train_epoch(EpochBatches(rows, NONE), 0.0)
    assert len(set(losses.tolist())) == 6
    assert np.ptp(losses) < 1


def test_what_is_not_training_draws_nothing(adapter: Adapter, framework: str, name: str) -> None:
    """Logits are those of the network with given numbers, and gradients are no step."""
    given, of = problem(name), own(name, 0)
    given.start(adapter)
    expected = adapter.predict(of.images[:50])
    of.start(adapter)
    logits = adapter.predict(of.images[:50])
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(adapter.predict(of.images[:50]), logits)
    first = adapter.train_epoch(order(1, 4), 0.02)
    of.start(adapter)
    losses = []
    for batch in order(1, 4).batches:
        losses.append(adapter.train_epoch(EpochBatches(batch[np.newaxis], NONE), 0.02))
        adapter.predict(of.images[:50])
        adapter.gradients(batch)
    np.testing.assert_array_equal(np.concatenate(losses), first), framework


def test_the_harness_has_no_numbers_for_it(framework: str, name: str) -> None:
    plain = order(1, 2, REMAINDER)
    assert own(name, 0).model.drawn == ()
    assert own(name, 0).model.random == problem(name).model.drawn != ()
    assert random_inputs.drawn(own(name, 0).model, 0, 0, 0, plain) is plain
    assert random_order(own(name, 0).model, 1, 2).draws == ()
