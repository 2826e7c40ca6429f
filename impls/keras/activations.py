"""The activations of the contract in Keras: its own, but for what they compute otherwise at 0.

Keras's PReLU has a slope for each place of an image, and passes no gradient at 0. TensorFlow's
gradient of SELU takes what is exactly 0, or rounds to it, for positive, where PyTorch, JAX and Flux
take it for negative: the derivative is 1.05 in place of 1.76. Putting that right costs 3 % of a
training step of LeNet-5 at batch 64, as CPU time in one process, interleaved.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from bench.contract import LEAKY_SLOPE, Activation

Function = Callable[[tf.Tensor], tf.Tensor]

BELOW_ZERO = 2.0**-100  # moves no activation but 0 to the other side


def _selu(z: tf.Tensor) -> tuple[tf.Tensor, Function]:
    """TensorFlow's operation and its gradient, which is given what is 0 as if it were negative."""
    y = tf.nn.selu(z)

    def gradient(dy: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.SeluGrad(gradients=dy, outputs=y - BELOW_ZERO)

    return y, gradient


selu: Function = tf.custom_gradient(_selu)


def function(activation: Activation) -> str | Function:
    """What a layer takes as its `activation`; prelu and rrelu are layers of their own."""
    functions: dict[Activation, str | Function] = {
        "relu": "relu",
        "leakyrelu": partial(keras.activations.leaky_relu, negative_slope=LEAKY_SLOPE),
        "prelu": "linear",
        "elu": "elu",
        "selu": selu,
        "rrelu": "linear",
        "tanh": "tanh",
        "none": "linear",
    }
    return functions[activation]


def _prelu(z: tf.Tensor, slope: tf.Tensor) -> tuple[tf.Tensor, Function]:
    """As PyTorch's `prelu`, and a gradient that takes a third of the time of `tf.where`'s own."""

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        above = tf.raw_ops.ReluGrad(gradients=dy, features=z)  # dy where z > 0, else 0
        below = dy - above
        return above + slope * below, tf.reshape(tf.reduce_sum(below * z), slope.shape)

    return tf.where(z > 0, z, slope * z), gradient


prelu: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = tf.custom_gradient(_prelu)


class PReLU(keras.layers.Layer):  # type: ignore[misc]
    """z where z > 0, else slope · z, with one slope (1,)."""

    slope: keras.Variable

    def build(self, input_shape: Any) -> None:
        """Makes the slope, which is 0 until it is assigned."""
        self.slope = self.add_weight(shape=(1,), initializer="zeros", dtype="float32", name="slope")

    def call(self, z: tf.Tensor) -> tf.Tensor:
        """Of any shape."""
        return prelu(z, tf.convert_to_tensor(self.slope))
