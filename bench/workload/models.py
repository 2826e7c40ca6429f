"""The networks, each described once for all implementations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast, get_args

from bench.choices import Activation, Pooling
from bench.contract import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    ImageShape,
    Layer,
    ModelOptions,
    ModelSpec,
    Noise,
    Pool,
)
from bench.errors import UnknownNameError, UsageError

USUAL = ModelOptions()
# What a network can be given; `none` would make one linear map of it.
ACTIVATIONS: tuple[Activation, ...] = tuple(a for a in get_args(Activation) if a != "none")
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


def lenet5(shape: ImageShape, classes: int, options: ModelOptions = USUAL) -> ModelSpec:
    """LeNet-5: 61,706 parameters at 32×32×1, 62,006 at 32×32×3; by default ReLU and max pooling.

    After Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86 (1998), in the form that is taught today. PReLU brings a
    parameter for each of its four activations; dropout follows the first two dense layers.
    """
    trunk = _trunk(shape[-1], 6, 16, options)
    flat = _flattened("lenet5", shape, trunk, at_least=16)
    head = _head(flat.features, (120, 84, classes), options.activation, options.dropout)
    return ModelSpec("lenet5", shape, classes, (*trunk, flat, *head), options)


def lenet5_28(shape: ImageShape, classes: int, options: ModelOptions = USUAL) -> ModelSpec:
    """LeNet-5 of MNIST's images as they are, without a border: 44,426 parameters at 28×28×1."""
    return replace(lenet5(shape, classes, options), name="lenet5-28")


def lenet5_c5conv(shape: ImageShape, classes: int, options: ModelOptions = USUAL) -> ModelSpec:
    """LeNet-5 with its layer C5 as a convolution 5×5, 16→120, as the paper of 1998 has it.

    Of images 32×32 it leaves 1×1, so that it has as many parameters as `lenet5`: 61,706.
    """
    activation = options.activation
    trunk = (*_trunk(shape[-1], 6, 16, options), Conv("conv3", (5, 5), 16, 120, activation))
    flat = _flattened("lenet5-c5conv", shape, trunk, at_least=32)
    head = _head(flat.features, (84, classes), activation)
    return ModelSpec("lenet5-c5conv", shape, classes, (*trunk, flat, *head), options)


def lenet5_wide(shape: ImageShape, classes: int, options: ModelOptions = USUAL) -> ModelSpec:
    """LeNet-5 with every width times the channels of the images: 548,878 parameters at 32×32×3.

    Of one channel it is LeNet-5 itself.
    """
    channels = shape[-1]
    trunk = _trunk(channels, 6 * channels, 16 * channels, options)
    flat = _flattened("lenet5-wide", shape, trunk, at_least=16)
    widths = (120 * channels, 84 * channels, classes)
    head = _head(flat.features, widths, options.activation)
    return ModelSpec("lenet5-wide", shape, classes, (*trunk, flat, *head), options)


def convnet(shape: ImageShape, classes: int, options: ModelOptions = USUAL) -> ModelSpec:
    """Three convolutions 3×3 with padding, each with a pooling: 16,938 parameters at 28×28×1.

    Source: the former ConvNet of the Flux model zoo for MNIST, as it is explained layer by layer at
    https://webpages.csus.edu/fitzgerald/julia-convolutional-neural-network-MNIST-explained/
    """
    layers: list[Layer] = []
    before = shape[-1]
    for number, channels in enumerate((16, 32, 32), start=1):
        layers += [
            Conv(f"conv{number}", (3, 3), before, channels, options.activation, padding=(1, 1)),
            Pool((2, 2), options.pooling),
        ]
        before = channels
    flat = _flattened("convnet", shape, layers, at_least=8)
    dense = Dense("dense1", flat.features, classes, "none")
    return ModelSpec("convnet", shape, classes, (*layers, flat, dense), options)


def _trunk(
    channels: int, first: int, second: int, options: ModelOptions
) -> tuple[Conv, Pool, Conv, Pool]:
    """Two convolutions 5×5, each with a pooling."""
    pool = Pool((2, 2), options.pooling)
    return (
        Conv("conv1", (5, 5), channels, first, options.activation),
        pool,
        Conv("conv2", (5, 5), first, second, options.activation),
        pool,
    )


def _head(
    features: int, widths: Sequence[int], activation: Activation, dropout: float = 0.0
) -> tuple[Dense | Dropout, ...]:
    """Dense layers of these widths, the last one without activation and without dropout."""
    layers: list[Dense | Dropout] = []
    for number, (before, after) in enumerate(pairwise((features, *widths)), start=1):
        is_last = number == len(widths)
        layers.append(Dense(f"dense{number}", before, after, "none" if is_last else activation))
        if dropout and not is_last:
            layers.append(Dropout(f"dropout{number}", after, dropout))
    return tuple(layers)


def _flattened(name: str, shape: ImageShape, layers: Iterable[Layer], at_least: int) -> Flatten:
    """What flattens the output of convolutions and poolings.

    Raises UsageError for images with a side below `at_least`, of which nothing would be left.
    """
    height, width, channels = shape
    if min(height, width) < at_least:
        raise UsageError(
            f"{name} needs images of at least {at_least}×{at_least}, got {height}×{width}"
        )
    for layer in layers:
        if isinstance(layer, Conv):
            height, width, channels = layer.output_shape(height, width)
        elif isinstance(layer, Pool):
            height, width, channels = layer.output_shape(height, width, channels)
    return Flatten(height, width, channels)


@dataclass(frozen=True, slots=True)
class Entry:
    """A network of the catalogue.

    describe  (shape of the images, classes, options) → its description
    size      (height, width) that a run brings images to
    choices   the fields of `ModelOptions` that it leaves open
    """

    describe: Callable[[ImageShape, int, ModelOptions], ModelSpec]
    size: tuple[int, int]
    choices: tuple[str, ...] = ()


CATALOGUE: dict[str, Entry] = {
    "lenet5": Entry(lenet5, (32, 32), choices=("activation", "pooling", "dropout")),
    "lenet5-c5conv": Entry(lenet5_c5conv, (32, 32)),
    "lenet5-wide": Entry(lenet5_wide, (32, 32)),
    "convnet": Entry(convnet, (28, 28)),
    "lenet5-28": Entry(lenet5_28, (28, 28)),
}


def named(name: str) -> Entry:
    """The network's entry; UnknownNameError where there is none of that name."""
    if name not in CATALOGUE:
        raise UnknownNameError("model", name, CATALOGUE)
    return CATALOGUE[name]


def every() -> list[tuple[str, ModelOptions]]:
    """Each network with each activation and pooling that it leaves open; the usual ones first.

    Then each with all that can be random.
    """
    plain = [
        (name, ModelOptions(activation, pooling))
        for name, entry in CATALOGUE.items()
        for activation in (ACTIVATIONS if "activation" in entry.choices else (USUAL.activation,))
        for pooling in (POOLINGS if "pooling" in entry.choices else (USUAL.pooling,))
    ]
    random = [
        (name, ModelOptions(dropout=0.5 if "dropout" in entry.choices else 0.0, noise=0.1))
        for name, entry in CATALOGUE.items()
    ]
    return plain + random


def build(
    name: str, input_shape: ImageShape, classes: int, options: ModelOptions = USUAL
) -> ModelSpec:
    """The named network for images (height, width, channels) of so many classes.

    Raises:
        UnknownNameError: there is no such network, or no such activation or pooling.
        UsageError: the network does not leave an option open, or the images are too small.
    """
    entry = named(name)
    chosen = choose(name, options.activation, options.pooling, options.dropout, options.noise)
    spec = entry.describe(input_shape, classes, chosen)
    if chosen.noise:
        spec = replace(spec, layers=(Noise(chosen.noise), *spec.layers))
    return spec


def choose(
    name: str,
    activation: str | None,
    pooling: str | None,
    dropout: float | None = None,
    noise: float | None = None,
) -> ModelOptions:
    """The options by their names; None, or what is usual anyway, fits every network, as noise does.

    Raises:
        UnknownNameError: there is no such network, or no such activation or pooling.
        UsageError: the network does not leave the option open, or there is no such rate or noise.
    """
    open_to_choice = named(name).choices
    if rate("--dropout", dropout or 0.0) and "dropout" not in open_to_choice:
        raise UsageError(
            f"--dropout {dropout:g} does not apply to {name}, which has none: leave it out, or "
            f"take --model {_having('dropout')}"
        )
    allowed = {"activation": ACTIVATIONS, "pooling": POOLINGS}
    for option, given in (("activation", activation), ("pooling", pooling)):
        if given is not None and given not in allowed[option]:
            raise UnknownNameError(option, given, allowed[option])
        if given not in (None, getattr(USUAL, option)) and option not in open_to_choice:
            raise UsageError(
                f"--{option} {given} does not apply to {name}, whose {option} is "
                f"{getattr(USUAL, option)}: leave it out, or take --model {_having(option)}"
            )
    return ModelOptions(
        cast(Activation, activation or USUAL.activation),
        cast(Pooling, pooling or USUAL.pooling),
        float(dropout or 0.0),
        float(deviation("--noise", noise or 0.0)),
    )


def rate(option: str, value: float) -> float:
    """A rate of dropout; UsageError where it is none."""
    if not 0 <= value < 1:
        raise UsageError(f"{option} {value:g} is not a rate: give 0 or more, below 1")
    return value


def deviation(option: str, value: float) -> float:
    """A standard deviation of noise; UsageError where it is none."""
    if not 0 <= value < math.inf:
        raise UsageError(f"{option} {value:g} is not a standard deviation: give 0 or more, finite")
    return value


def _having(option: str) -> str:
    """The networks that leave an option open, with commas between."""
    return ", ".join(name for name, entry in CATALOGUE.items() if option in entry.choices)
