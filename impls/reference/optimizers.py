"""The four optimizers of `OptimizerSpec`, line by line as its docstring writes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.contract import OptimizerSpec

Array = NDArray[np.float64]
Tree = dict[str, Array]


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
            "adamw": self._adamw,
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
        g = g + self._spec.weight_decay * p
        self._first[path] = v = self._spec.momentum * self._first[path] + g
        return p - rate * v

    def _rmsprop(self, path: str, p: Array, g: Array, rate: float) -> Array:
        alpha = self._spec.alpha
        g = g + self._spec.weight_decay * p
        self._second[path] = s = alpha * self._second[path] + (1 - alpha) * g**2
        scaled = g / (np.sqrt(s) + self._spec.epsilon)
        self._first[path] = b = self._spec.momentum * self._first[path] + scaled
        return p - rate * b

    def _adam(self, path: str, p: Array, g: Array, rate: float) -> Array:
        return self._adam_step(path, p, g + self._spec.weight_decay * p, rate)

    def _adamw(self, path: str, p: Array, g: Array, rate: float) -> Array:
        return self._adam_step(path, p - rate * self._spec.weight_decay * p, g, rate)

    def _adam_step(self, path: str, p: Array, g: Array, rate: float) -> Array:
        beta1, beta2 = self._spec.beta1, self._spec.beta2
        self._first[path] = m = beta1 * self._first[path] + (1 - beta1) * g
        self._second[path] = v = beta2 * self._second[path] + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**self.steps), v / (1 - beta2**self.steps)
        return p - rate * m_hat / (np.sqrt(v_hat) + self._spec.epsilon)
