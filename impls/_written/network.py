"""A network layer by layer from its description, in the operations of any library.

For a library that a network is written out in, and whose own activations and pooling follow other
definitions: SELU with constants of six digits, gradients of a maximum that equal values share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.contract import (
    LEAKY_SLOPE,
    RRELU_MEAN,
    SELU_ALPHA,
    SELU_SCALE,
    Conv,
    Dense,
    Dropout,
    Flatten,
    ModelSpec,
    Noise,
    Pool,
    Weighted,
    zip_layers_with_draws,
)
from impls._written.pooling import pooled

Tensor = Any  # of the library
Array = NDArray[np.float32]
Axes = Mapping[int, tuple[int, ...]]  # how arrays of so many axes are transposed


class Operations(Protocol):
    """A library's, on images with their axes as it wants them.

    axis  the first of an image's two axes; the next one is the other
    """

    axis: int

    def where(self, condition: Tensor, one: Tensor, other: Tensor, /) -> Tensor:
        """As NumPy's."""

    def relu(self, z: Tensor, /) -> Tensor:
        """Its gradient is 0 at 0."""

    def tanh(self, z: Tensor, /) -> Tensor:
        """As NumPy's."""

    def exp_minus_1(self, z: Tensor, /) -> Tensor:
        """Of activations, at most 0."""

    def convolution(self, x: Tensor, kernel: Tensor, bias: Tensor, layer: Conv) -> Tensor:
        """With stride 1 and the layer's padding; the kernel in the library's layout."""

    def linear(self, x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        """(B, in) → (B, out)."""

    def flatten(self, x: Tensor) -> Tensor:
        """(B, features), in the order H, W, C."""

    def arrange(self, draw: Tensor) -> Tensor:
        """Random numbers (B, H, W, C) as images are; (B, features) stays."""


def logits(
    ops: Operations,
    spec: ModelSpec,
    parameters: Mapping[str, Tensor],
    x: Tensor,
    draws: Sequence[Tensor] = (),
) -> Tensor:
    """Images in the library's layout → logits (B, classes); with draws (B, *shape), as in training.

    The shapes below are LeNet-5's on 32×32 images, (B, H, W, C).
    """
    for layer, draw in zip_layers_with_draws(spec.layers, draws):
        match layer:
            case Conv() | Dense():  # (B, 28, 28, 6), (B, 10, 10, 16); (B, 120), ...
                x = _weighted(ops, layer, parameters, x, draw)
            case Pool():  # (B, 14, 14, 6), (B, 5, 5, 16)
                x = pooled(ops, x, layer, ops.axis)
            case Flatten():  # (B, 400)
                x = ops.flatten(x)
            case Dropout() if draw is not None:
                x = x * (draw * layer.scale)
            case Noise() if draw is not None:
                x = x + ops.arrange(draw)
            case Dropout() | Noise():  # in evaluation
                pass
    return x


def _weighted(
    ops: Operations,
    layer: Weighted,
    parameters: Mapping[str, Tensor],
    x: Tensor,
    slopes: Tensor | None,
) -> Tensor:
    kernel, bias = (parameters[f"{layer.name}/{part}"] for part in ("kernel", "bias"))
    if isinstance(layer, Conv):
        z = ops.convolution(x, kernel, bias, layer)
    else:
        z = ops.linear(x, kernel, bias)
    match layer.activation:
        case "relu":
            return ops.relu(z)
        case "leakyrelu":
            return ops.where(z > 0, z, LEAKY_SLOPE * z)
        case "prelu":
            slope = parameters[f"{layer.name}/slope"]
            return ops.where(z > 0, z, slope.reshape(*[1] * z.ndim) * z)
        case "rrelu":
            return ops.where(z > 0, z, (RRELU_MEAN if slopes is None else ops.arrange(slopes)) * z)
        case "elu":
            return _elu(ops, z)
        case "selu":
            return SELU_SCALE * _elu(ops, z, SELU_ALPHA)
        case "tanh":
            return ops.tanh(z)
        case "none":
            return z


def _elu(ops: Operations, z: Tensor, alpha: float = 1.0) -> Tensor:
    # The value that is not taken must be finite, for its gradient is multiplied by 0.
    return ops.where(z > 0, z, alpha * ops.exp_minus_1(ops.where(z > 0, 0.0, z)))


def turned(array: Array, axes: Axes) -> Array:
    """A parameter in another layout, contiguous; a copy only where that is another."""
    return np.ascontiguousarray(array.transpose(axes[array.ndim]) if array.ndim in axes else array)
