"""The written updates on TensorFlow's variables, and those of Keras, behind one interface."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from bench.contract import OptimizerSpec
from impls._written.updates import Buffers, updated
from impls.keras.stock import StockOptimizer, is_stock


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
        self._buffers = Buffers.of({name: _zeros_like(weights) for name in spec.buffers})
        self._steps = tf.Variable(0, dtype=tf.int64, trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """All that a step changes besides the weights."""
        return [*self._buffers.first, *self._buffers.second, self._steps]

    @property
    def steps(self) -> tf.Variable:
        """How many steps have been taken, int64 ()."""
        return self._steps

    @property
    def buffers(self) -> dict[str, Sequence[tf.Variable]]:
        """The buffers by the contract's names, each in the order of the weights."""
        return self._buffers.named(self._spec)

    def sign(self, buffer: str) -> float:
        """By what a buffer's values are to be multiplied to be the contract's."""
        return 1.0

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        """Take one step; the learning rate is a float32 scalar, given anew each time."""
        step = tf.cast(self._steps.assign_add(1), tf.float32)
        weights, buffers = updated(
            *(keras.ops, self._spec, self._weights, gradients, self._buffers, step, rate)
        )
        own = (*self._weights, *self._buffers.first, *self._buffers.second)
        for variable, value in zip(own, (*weights, *buffers.first, *buffers.second), strict=True):
            variable.assign(value)


def _zeros_like(weights: Sequence[tf.Variable]) -> list[tf.Variable]:
    return [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in weights]
