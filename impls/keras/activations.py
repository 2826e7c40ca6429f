"""The activations of the contract in Keras, and what a backend has to compute otherwise.

Keras's PReLU has a slope for each place of an image, and passes no gradient at 0 on TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras

from bench.contract import LEAKY_SLOPE, Activation

Tensor = Any  # of the backend
Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Functions:
    """What a network takes of a backend, where Keras's own differs from the contract or is slow.

    prelu        z of any shape and one slope (1,): z where z > 0, else slope · z
    activations  in place of Keras's
    max_pool     (B, H, W, C) and a window; None: Keras's layer
    """

    prelu: Callable[[Tensor, Tensor], Tensor]
    activations: Mapping[Activation, Function] = field(default_factory=dict)
    max_pool: Callable[[Tensor, tuple[int, int]], Tensor] | None = None

    def activation(self, name: Activation) -> str | Function:
        """What a layer takes as its `activation`; prelu and rrelu are layers of their own."""
        return self.activations.get(name) or KERAS[name]


KERAS: dict[Activation, str | Function] = {
    "relu": "relu",
    "leakyrelu": partial(keras.activations.leaky_relu, negative_slope=LEAKY_SLOPE),
    "prelu": "linear",
    "elu": "elu",
    "selu": "selu",
    "rrelu": "linear",
    "tanh": "tanh",
    "none": "linear",
}


class PReLU(keras.layers.Layer):  # type: ignore[misc]
    """z where z > 0, else slope · z, with one slope (1,)."""

    slope: keras.Variable

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], **keywords: Any) -> None:
        super().__init__(dtype="float32", **keywords)
        self._function = function

    def build(self, input_shape: Any) -> None:
        """Makes the slope, which is 0 until it is assigned."""
        self.slope = self.add_weight(shape=(1,), initializer="zeros", dtype="float32", name="slope")

    def call(self, z: Tensor) -> Tensor:
        """Of any shape."""
        return self._function(z, keras.ops.convert_to_tensor(self.slope))


class MaxPooling(keras.layers.Layer):  # type: ignore[misc]
    """The maximum of each window, by a function of the backend's; the stride is the window."""

    def __init__(
        self, function: Callable[[Tensor, tuple[int, int]], Tensor], window: tuple[int, int]
    ) -> None:
        super().__init__(dtype="float32")
        self._function, self._window = function, window

    def call(self, x: Tensor) -> Tensor:
        """(B, H, W, C) → (B, H // window_h, W // window_w, C)."""
        return self._function(x, self._window)
