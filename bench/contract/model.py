"""The description of a network, from which every implementation builds its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Activation = Literal["relu", "none"]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution without padding, stride 1, with bias, then the activation."""

    name: str
    kernel: tuple[int, int]
    in_channels: int
    out_channels: int
    activation: Activation

    @property
    def kernel_shape(self) -> Shape:
        """(kernel_h, kernel_w, in_channels, out_channels)."""
        return (*self.kernel, self.in_channels, self.out_channels)

    @property
    def bias_shape(self) -> Shape:
        """(out_channels,)."""
        return (self.out_channels,)

    @property
    def fan_in(self) -> int:
        """How many inputs each output sums over."""
        return math.prod(self.kernel) * self.in_channels


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Max pooling without padding; the stride equals the window."""

    window: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Flatten:
    """(B, height, width, channels) → (B, height · width · channels), in the order H, W, C."""

    height: int
    width: int
    channels: int


@dataclass(frozen=True, slots=True)
class Dense:
    """x · kernel + bias, then the activation."""

    name: str
    in_features: int
    out_features: int
    activation: Activation

    @property
    def kernel_shape(self) -> Shape:
        """(in_features, out_features)."""
        return (self.in_features, self.out_features)

    @property
    def bias_shape(self) -> Shape:
        """(out_features,)."""
        return (self.out_features,)

    @property
    def fan_in(self) -> int:
        """How many inputs each output sums over."""
        return self.in_features


Layer = Conv | MaxPool | Flatten | Dense


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A network, layer by layer; each implementation builds its own from this description.

    `input_shape` is (height, width, channels); the last layer yields logits (B, classes).
    """

    name: str
    input_shape: tuple[int, int, int]
    classes: int
    layers: tuple[Layer, ...]

    @property
    def weighted_layers(self) -> tuple[Conv | Dense, ...]:
        """The layers that have a kernel and a bias, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv | Dense))

    def parameter_shapes(self) -> dict[str, Shape]:
        """The shape of every canonical parameter, in order: kernel, then bias, of each layer."""
        shapes: dict[str, Shape] = {}
        for layer in self.weighted_layers:
            shapes[f"{layer.name}/kernel"] = layer.kernel_shape
            shapes[f"{layer.name}/bias"] = layer.bias_shape
        return shapes

    def parameter_count(self) -> int:
        """How many trainable numbers the network has."""
        return sum(math.prod(shape) for shape in self.parameter_shapes().values())
