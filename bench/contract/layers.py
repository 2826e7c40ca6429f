"""The description of a network, from which every implementation builds its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.choices import Activation, Pooling
from bench.contract.random_inputs import Drawn

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


@dataclass(frozen=True, slots=True)
class Dropout:
    """In training, x / (1 − rate) where a mask keeps it, else 0; otherwise x.

    After a layer of `features`; each element is dropped with probability `rate`, 0 < rate < 1.
    Source: Srivastava et al., J. Mach. Learn. Res. 15 (2014), in the form that scales in training.
    """

    name: str
    features: int
    rate: float

    @property
    def scale(self) -> float:
        """What the kept elements are multiplied with."""
        return 1 / (1 - self.rate)


@dataclass(frozen=True, slots=True)
class Noise:
    """In training, images (B, H, W, C) plus normal noise of this standard deviation, above 0.

    In the unit of the normalised images, which stay as they are otherwise.
    """

    std: float


Layer = Conv | Pool | Flatten | Dense | Dropout | Noise
Weighted = Conv | Dense


def parts(layer: Weighted) -> dict[str, Shape]:
    """The shapes of a layer's parameters by the last part of their paths, in canonical order."""
    own = {"kernel": layer.kernel_shape, "bias": layer.bias_shape}
    return own | {"slope": (1,)} if layer.activation == "prelu" else own


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What a person may choose of a network, where the network leaves it open.

    `activation` is that of every layer but the last, `dropout` the rate after hidden dense layers,
    `noise` the standard deviation of what is added to the images; 0 stands for none.
    """

    activation: Activation = "relu"
    pooling: Pooling = "max"
    dropout: float = 0.0
    noise: float = 0.0

    @property
    def label(self) -> str:
        """What is not as usual, such as `selu, average pooling`; empty where all is."""
        unusual = {
            self.activation: self.activation != "relu",
            "average pooling": self.pooling != "max",
            f"dropout {self.dropout:g}": self.dropout,
            f"noise {self.noise:g}": self.noise,
        }
        return ", ".join(words for words, is_so in unusual.items() if is_so)

    def of(self, model: str) -> str:
        """The model with what is not as usual: `lenet5`, or `lenet5 (selu, average pooling)`."""
        return f"{model} ({self.label})" if self.label else model


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A network, layer by layer; each implementation builds its own from this description.

    `input_shape` is (height, width, channels); the last layer yields logits (B, classes).
    `options` are those that it was built with, and are all in `layers` too.

    generator_seed  None: the random numbers of training are given, see `drawn`. Else the framework
                    draws them by itself, by the layers and the generator that its users take,
                    which begins from this seed in `Adapter.build`; 0 ≤ generator_seed < 2³²
    """

    name: str
    input_shape: ImageShape
    classes: int
    layers: tuple[Layer, ...]
    options: ModelOptions = ModelOptions()
    generator_seed: int | None = None

    @property
    def label(self) -> str:
        """Its name, with what was chosen of it."""
        return self.options.of(self.name)

    @property
    def weighted_layers(self) -> tuple[Weighted, ...]:
        """The layers that have a kernel and a bias, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv | Dense))

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """What a training step is given of random numbers, in the order in which layers take it.

        Nothing where the framework draws by itself.
        """
        return self.random if self.generator_seed is None else ()

    @property
    def random(self) -> tuple[Drawn, ...]:
        """What is random in a training step, whoever draws it, in the order of the layers."""
        found: list[Drawn] = []
        for layer, shape in zip(self.layers, self.output_shapes(), strict=True):
            match layer:
                case Noise(std=std):
                    found.append(Drawn("noise", "noise", shape, std))
                case Dropout(name=name, rate=rate):
                    found.append(Drawn(name, "mask", shape, rate))
                case Conv(activation="rrelu") | Dense(activation="rrelu"):
                    found.append(Drawn(layer.name, "slope", shape))
        return tuple(found)

    def output_shapes(self) -> tuple[Shape, ...]:
        """What each layer makes of one image: (height, width, channels), or (features,)."""
        shape: Shape = self.input_shape
        found: list[Shape] = []
        for layer in self.layers:
            match layer:
                case Conv():
                    shape = layer.output_shape(shape[0], shape[1])
                case Pool():
                    shape = layer.output_shape(shape[0], shape[1], shape[2])
                case Flatten():
                    shape = (layer.features,)
                case Dense():
                    shape = (layer.out_features,)
                case Dropout() | Noise():
                    pass
            found.append(shape)
        return tuple(found)

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
