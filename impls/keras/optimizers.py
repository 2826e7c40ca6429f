"""The optimizers of `OptimizerSpec` in TensorFlow operations, and those of Keras.

Keras's own follow other definitions: its Adam adds ε to √v instead of √v̂, its RMSprop adds ε inside
the root, its momentum buffer holds the learning rate, and its weight decay is decoupled everywhere.
No choice of their arguments gives PyTorch's definitions. Where all of a specification's forms are
Keras's, its own class does the work; else the update is written out.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from bench.contract import OptimizerName, OptimizerSpec
from impls.keras.stock import StockOptimizer, is_stock

_DESCENT = ("rate_in_momentum", "decoupled_decay")
FORMS: dict[OptimizerName, tuple[str, ...]] = {
    "sgd": _DESCENT,
    "rmsprop": ("epsilon_inside", *_DESCENT),
    "adam": ("epsilon_hat", "decoupled_decay"),
    "adamw": ("epsilon_hat",),
}


def make_optimizer(
    spec: OptimizerSpec, weights: Sequence[keras.Variable]
) -> Optimizer | StockOptimizer:
    """Keras's own optimizer where it is what the specification says, else a written one."""
    if is_stock(spec):
        return StockOptimizer(spec, weights)
    return Optimizer(spec, [weight.value for weight in weights])


class Optimizer:
    """Updates variables in place; one set of buffers, zero at first, for the given weights."""

    def __init__(self, spec: OptimizerSpec, weights: Sequence[tf.Variable]) -> None:
        self._spec = spec
        self._weights = weights
        adam = spec.name in ("adam", "adamw")
        self._first = _zeros_like(weights) if adam or spec.momentum else []
        self._second = _zeros_like(weights) if adam or spec.name == "rmsprop" else []
        self._steps = tf.Variable(0, dtype=tf.int64, trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """All that a step changes besides the weights."""
        return [*self._first, *self._second, self._steps]

    @property
    def steps(self) -> tf.Variable:
        """How many steps have been taken, int64 ()."""
        return self._steps

    @property
    def buffers(self) -> dict[str, list[tf.Variable]]:
        """The buffers by the contract's names, each in the order of the weights."""
        own = {"mean": self._first, "momentum": self._first, "square": self._second}
        return {name: own[name] for name in self._spec.buffers}

    def sign(self, buffer: str) -> float:
        """By what a buffer's values are to be multiplied to be the contract's."""
        return 1.0

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        """Take one step; the learning rate is a float32 scalar, given anew each time."""
        spec = self._spec
        if spec.weight_decay and (spec.decoupled_decay or spec.name == "adamw"):
            for p in self._weights:
                p.assign_sub(rate * spec.weight_decay * p)
        elif spec.weight_decay:
            pairs = zip(gradients, self._weights, strict=True)
            gradients = [g + spec.weight_decay * p for g, p in pairs]
        match spec.name:
            case "sgd":
                self._steps.assign_add(1)
                self._descend(gradients, rate)
            case "rmsprop":
                self._steps.assign_add(1)
                self._descend(self._scaled_by_root_mean_square(gradients), rate)
            case "adam" | "adamw":
                self._adam(gradients, rate)

    def _descend(self, directions: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        """Momentum and descent: b ← μb + d;  p ← p − ηb; or with the rate in the buffer."""
        if not self._first:
            for p, d in zip(self._weights, directions, strict=True):
                p.assign_sub(rate * d)
            return
        momentum, rate_inside = self._spec.momentum, self._spec.rate_in_momentum
        for p, b, d in zip(self._weights, self._first, directions, strict=True):
            if rate_inside:
                p.assign_sub(b.assign(momentum * b + rate * d))
            else:
                p.assign_sub(rate * b.assign(momentum * b + d))

    def _scaled_by_root_mean_square(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The mean of squares, s ← αs + (1 − α)g², and by its root g/(√s + ε) or g/√(s + ε)."""
        alpha, epsilon = self._spec.alpha, self._spec.epsilon
        inside = self._spec.epsilon_form == "inside"
        scaled = []
        for s, g in zip(self._second, gradients, strict=True):
            s.assign(alpha * s + (1 - alpha) * tf.square(g))
            scaled.append(g / (tf.sqrt(s + epsilon) if inside else tf.sqrt(s) + epsilon))
        return scaled

    def _adam(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        """The moments, and the step of their bias-corrected ratio."""
        spec = self._spec
        step = tf.cast(self._steps.assign_add(1), tf.float64)
        # In float64, since float32 has few digits of 1 − 0.999ᵗ.
        rate_t = tf.cast(tf.cast(rate, tf.float64) / (1 - spec.beta1**step), tf.float32)
        root_t = tf.cast(tf.sqrt(1 - spec.beta2**step), tf.float32)
        buffers = zip(self._weights, self._first, self._second, gradients, strict=True)
        for p, m, v, g in buffers:
            m.assign(spec.beta1 * m + (1 - spec.beta1) * g)
            v.assign(spec.beta2 * v + (1 - spec.beta2) * tf.square(g))
            if spec.epsilon_form == "hat":  # √v + ε, and the step size corrected
                p.assign_sub(rate_t * root_t * m / (tf.sqrt(v) + spec.epsilon))
            else:
                p.assign_sub(rate_t * m / (tf.sqrt(v) / root_t + spec.epsilon))


def _zeros_like(weights: Sequence[tf.Variable]) -> list[tf.Variable]:
    return [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in weights]
