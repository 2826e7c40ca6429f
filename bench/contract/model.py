"""The description of a network, from which every implementation builds its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bench.contract.activation import Activation

Pooling = Literal["max", "average"]
Shape = tuple[int, ...]
ImageShape = tuple[int, int, int]  # (height, width, channels)


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with stride 1 and bias, then the activation.

    `padding` is how many rows and columns of zeros the input gets on every side before.
    """

    name: str
    kernel: tuple[int, int]
    in_channels: int
    out_channels: int
    activation: Activation
    padding: tuple[int, int] = (0, 0)

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

    def output_shape(self, height: int, width: int) -> ImageShape:
        """What comes of an input of this size."""
        rows = height + 2 * self.padding[0] - self.kernel[0] + 1
        columns = width + 2 * self.padding[1] - self.kernel[1] + 1
        return rows, columns, self.out_channels


@dataclass(frozen=True, slots=True)
class Pool:
    """The maximum or the average of each window; no padding, and the stride is the window.

    What does not fill a window at the lower and right edge is left out. The gradient of a maximum
    goes to its first place in row-major order.
    """

    window: tuple[int, int]
    kind: Pooling = "max"

    def output_shape(self, height: int, width: int, channels: int) -> ImageShape:
        """What comes of an input of this shape."""
        return height // self.window[0], width // self.window[1], channels


@dataclass(frozen=True, slots=True)
class Flatten:
    """(B, height, width, channels) → (B, height · width · channels), in the order H, W, C."""

    height: int
    width: int
    channels: int

    @property
    def features(self) -> int:
        """How many numbers an image has afterwards."""
        return self.height * self.width * self.channels


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


Layer = Conv | Pool | Flatten | Dense
Weighted = Conv | Dense


def parts(layer: Weighted) -> dict[str, Shape]:
    """The shapes of a layer's parameters by the last part of their paths, in canonical order."""
    own = {"kernel": layer.kernel_shape, "bias": layer.bias_shape}
    return own | {"slope": (1,)} if layer.activation == "prelu" else own


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What a person may choose of a network, where the network leaves it open.

    `activation` is that of every layer but the last.
    """

    activation: Activation = "relu"
    pooling: Pooling = "max"

    @property
    def label(self) -> str:
        """What is not as usual, such as `selu, average pooling`; empty where all is."""
        activation = [] if self.activation == "relu" else [self.activation]
        return ", ".join(activation + ([] if self.pooling == "max" else ["average pooling"]))

    def of(self, model: str) -> str:
        """The model with what is not as usual: `lenet5`, or `lenet5 (selu, average pooling)`."""
        return f"{model} ({self.label})" if self.label else model


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A network, layer by layer; each implementation builds its own from this description.

    `input_shape` is (height, width, channels); the last layer yields logits (B, classes).
    `options` are those that it was built with, and are all in `layers` too.
    """

    name: str
    input_shape: ImageShape
    classes: int
    layers: tuple[Layer, ...]
    options: ModelOptions = ModelOptions()

    @property
    def label(self) -> str:
        """Its name, with what was chosen of it."""
        return self.options.of(self.name)

    @property
    def weighted_layers(self) -> tuple[Weighted, ...]:
        """The layers that have a kernel and a bias, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv | Dense))

    def parameter_shapes(self) -> dict[str, Shape]:
        """The shape of every canonical parameter: kernel, bias, slope if any, layer by layer."""
        return {
            f"{layer.name}/{part}": shape
            for layer in self.weighted_layers
            for part, shape in parts(layer).items()
        }

    def parameter_count(self) -> int:
        """How many trainable numbers the network has."""
        return sum(math.prod(shape) for shape in self.parameter_shapes().values())
