"""The four optimizers of `OptimizerSpec`, line by line as its docstring writes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.contract import OptimizerName, OptimizerSpec

Array = NDArray[np.float64]
Tree = dict[str, Array]


_DESCENT = ("rate_in_momentum", "decoupled_decay")
FORMS: dict[OptimizerName, tuple[str, ...]] = {
    "sgd": _DESCENT,
    "rmsprop": ("epsilon_inside", *_DESCENT),
    "adam": ("epsilon_hat", "decoupled_decay"),
    "adamw": ("epsilon_hat",),
}


class Optimizer:
    """One optimizer and its buffers; every buffer starts at zero."""

    def __init__(self, spec: OptimizerSpec, parameters: Mapping[str, Array]) -> None:
        """`parameters` gives the shapes of the buffers."""
        self._spec = spec
        self._first = {path: np.zeros_like(value) for path, value in parameters.items()}
        self._second = {path: np.zeros_like(value) for path, value in parameters.items()}
        self.steps = 0
        rules = {
            "sgd": self._sgd,
            "rmsprop": self._rmsprop,
            "adam": self._adam,
            "adamw": self._adam,
        }
        self._rule = rules[spec.name]

    @property
    def buffers(self) -> dict[str, Tree]:
        """The buffers in use by the contract's names; not copies."""
        own = {"mean": self._first, "momentum": self._first, "square": self._second}
        return {name: own[name] for name in self._spec.buffers}

    def update(self, parameters: Tree, gradients: Mapping[str, Array], rate: float) -> None:
        """Replace every parameter by its value after one step at the learning rate `rate`."""
        self.steps += 1
        for path, p in parameters.items():
            parameters[path] = self._rule(path, p, gradients[path], rate)

    def _sgd(self, path: str, p: Array, g: Array, rate: float) -> Array:
        p, g = self._decayed(p, g, rate)
        return self._descended(path, p, g, rate)

    def _rmsprop(self, path: str, p: Array, g: Array, rate: float) -> Array:
        alpha, epsilon = self._spec.alpha, self._spec.epsilon
        p, g = self._decayed(p, g, rate)
        self._second[path] = s = alpha * self._second[path] + (1 - alpha) * g**2
        inside = self._spec.epsilon_form == "inside"
        root: Array = np.sqrt(s + epsilon) if inside else np.sqrt(s) + epsilon
        return self._descended(path, p, g / root, rate)

    def _adam(self, path: str, p: Array, g: Array, rate: float) -> Array:
        p, g = self._decayed(p, g, rate)
        return self._adam_step(path, p, g, rate)

    def _adam_step(self, path: str, p: Array, g: Array, rate: float) -> Array:
        beta1, beta2 = self._spec.beta1, self._spec.beta2
        self._first[path] = m = beta1 * self._first[path] + (1 - beta1) * g
        self._second[path] = v = beta2 * self._second[path] + (1 - beta2) * g**2
        corrected1, corrected2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        if self._spec.epsilon_form == "hat":
            rate_t = rate * np.sqrt(corrected2) / corrected1
            return np.asarray(p - rate_t * m / (np.sqrt(v) + self._spec.epsilon))
        m_hat, v_hat = m / corrected1, v / corrected2
        return p - rate * m_hat / (np.sqrt(v_hat) + self._spec.epsilon)

    def _decayed(self, p: Array, g: Array, rate: float) -> tuple[Array, Array]:
        """Weight decay, of the weights or by the gradient."""
        decay = self._spec.weight_decay
        if self._spec.decoupled_decay or self._spec.name == "adamw":
            return p - rate * decay * p, g
        return p, g + decay * p

    def _descended(self, path: str, p: Array, d: Array, rate: float) -> Array:
        """Momentum and descent, the learning rate outside of the buffer or within."""
        if self._spec.rate_in_momentum:
            self._first[path] = v = self._spec.momentum * self._first[path] + rate * d
            return p - v
        self._first[path] = v = self._spec.momentum * self._first[path] + d
        return p - rate * v
