"""Mistakes made on purpose: what the checks of this folder must not let pass.

Each is one that a framework's default would make; the oracle plays the faulty framework.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bench.contract import Dense, OptimizerSpec
from impls.reference.adapter import ReferenceAdapter
from impls.reference.optimizers import Array, Optimizer

from .compare import assert_close, assert_moved_alike, assert_trees_close, assert_trees_identical
from .problems import Problem, problem, rows, schedule
from .test_forward import GRADIENTS, LOGITS
from .test_training import CASES, MOVED


def _flipped(path: str, p: np.ndarray) -> np.ndarray:
    """A true convolution instead of a cross-correlation."""
    return p[::-1, ::-1] if path.startswith("conv") and path.endswith("kernel") else p


def _turned(path: str, p: np.ndarray) -> np.ndarray:
    """Height and width exchanged in a kernel."""
    return p.transpose(1, 0, 2, 3) if path == "conv1/kernel" else p


def _channels_first(path: str, p: np.ndarray) -> np.ndarray:
    """The rows of the first dense kernel in the order C, H, W instead of H, W, C."""
    if path != "dense1/kernel":
        return p
    return p.reshape(2, 4, 16, -1).transpose(2, 0, 1, 3).reshape(p.shape)


@pytest.mark.parametrize("mistake", [_flipped, _turned, _channels_first])
def test_layout(mistake: Callable[[str, np.ndarray], np.ndarray], oracle: ReferenceAdapter) -> None:
    task = problem("20x28x2")
    assert next(x for x in task.model.layers if isinstance(x, Dense)).in_features == 2 * 4 * 16
    wrong = {path: mistake(path, p) for path, p in task.parameters.items()}
    faulty = ReferenceAdapter()
    task.start(oracle)
    Problem(task.model, wrong, task.images, task.labels).start(faulty)
    with pytest.raises(AssertionError, match="logits: above"):
        assert_close(
            "logits", "x", faulty.predict(task.images), oracle.predict64(task.images), LOGITS
        )
    got, want = faulty.gradients(rows(1, 16))[1], oracle.gradients64(rows(1, 16))[1]
    with pytest.raises(AssertionError, match="conv1/kernel error"):
        assert_trees_close("gradients", "x", got, want, GRADIENTS)
    with pytest.raises(AssertionError, match="not bit-identical"):
        assert_trees_identical("x", faulty.export(), task.parameters, "build")


class EpsilonHat(Optimizer):
    """Keras: ε beside √v instead of √v̂."""

    def _adam_step(self, path: str, p: Array, g: Array, rate: float) -> Array:
        beta1, beta2 = self._spec.beta1, self._spec.beta2
        self._first[path] = m = beta1 * self._first[path] + (1 - beta1) * g
        self._second[path] = v = beta2 * self._second[path] + (1 - beta2) * g**2
        rate *= np.sqrt(1 - beta2**self._step) / (1 - beta1**self._step)
        return p - rate * m / (np.sqrt(v) + self._spec.epsilon)


class EpsilonInside(Optimizer):
    """optax by default: ε under RMSprop's root, here squared, so that its size is right."""

    def _rmsprop(self, path: str, p: Array, g: Array, rate: float) -> Array:
        alpha = self._spec.alpha
        self._second[path] = s = alpha * self._second[path] + (1 - alpha) * g**2
        return p - rate * g / np.sqrt(s + self._spec.epsilon**2)


class RateInside(Optimizer):
    """Keras and Flux: the learning rate within SGD's momentum buffer."""

    def _sgd(self, path: str, p: Array, g: Array, rate: float) -> Array:
        g = g + self._spec.weight_decay * p
        self._first[path] = v = self._spec.momentum * self._first[path] + rate * g
        return p - v


class Nesterov(Optimizer):
    """The momentum looks ahead."""

    def _sgd(self, path: str, p: Array, g: Array, rate: float) -> Array:
        g = g + self._spec.weight_decay * p
        self._first[path] = v = self._spec.momentum * self._first[path] + g
        return p - rate * (g + self._spec.momentum * v)


MISTAKES: list[tuple[str, type[Optimizer], dict[str, float | str]]] = [
    ("adam", EpsilonHat, {}),
    ("adam", Optimizer, {"epsilon": 1e-7}),  # Keras's default
    ("adam-decay", Optimizer, {"weight_decay": 0.0}),
    ("adam-decay", Optimizer, {"name": "adamw"}),
    ("adamw", Optimizer, {"weight_decay": 0.0}),
    ("adamw", Optimizer, {"name": "adam"}),
    ("rmsprop", EpsilonInside, {}),
    ("rmsprop", Optimizer, {"alpha": 0.9}),  # the default of all but PyTorch
    ("rmsprop", Optimizer, {"epsilon": 1e-7}),
    ("sgd-momentum-decay", RateInside, {}),
    ("sgd-momentum-decay", Nesterov, {}),
    ("sgd-momentum-decay", Optimizer, {"weight_decay": 0.0}),
]


@pytest.mark.parametrize(("name", "kind", "changes"), MISTAKES)
def test_optimizer(
    name: str, kind: type[Optimizer], changes: dict[str, float | str], oracle: ReferenceAdapter
) -> None:
    task, (spec, rate) = problem("smooth"), CASES[name]
    wrong: OptimizerSpec = replace(spec, **changes)  # type: ignore[arg-type]
    faulty = ReferenceAdapter()
    task.start(oracle, spec)
    task.start(faulty, wrong)
    faulty._optimizer = kind(wrong, faulty.export64())

    def train_and_compare() -> None:
        for stage in schedule(rate):
            for each in (oracle, faulty):
                each.train_epoch(stage.order, stage.learning_rate)
            got, want = faulty.export64(), oracle.export64()
            bound = MOVED[stage.steps_after]
            assert_moved_alike("weights", "x", got, want, task.parameters, bound)

    with pytest.raises(AssertionError, match=r"weights: above .*\n  \S+/kernel error"):
        train_and_compare()
