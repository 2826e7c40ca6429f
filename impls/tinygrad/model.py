"""The network in tinygrad, layer by layer from its description, and its parameters.

Images are (B, C, H, W), as tinygrad's convolutions want them. Its own activations are taken where
they are the contract's: its SELU has constants of six digits. Its maximum pooling shares the
gradient between equal values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from tinygrad import Tensor, dtypes

from bench.contract import (
    LEAKY_SLOPE,
    RRELU_MEAN,
    SELU_ALPHA,
    SELU_SCALE,
    Activation,
    Conv,
    Dense,
    Dropout,
    Flatten,
    ModelSpec,
    Noise,
    Parameters,
    Pool,
    Weighted,
    zip_layers_with_draws,
)
from impls._written.pooling import pooled

Tree = dict[str, Tensor]  # by canonical path, in tinygrad's layout

# The axes of a convolution's kernel in the order in which tinygrad wants them, and the way back.
# All else is as in the canonical tree.
TO_TINYGRAD = (3, 2, 0, 1)  # HWIO → OIHW
TO_CANONICAL = (2, 3, 1, 0)
CHANNELS_FIRST = (0, 3, 1, 2)  # NHWC → NCHW


class Operations:
    """What the written optimizers and pooling need, by the names of NumPy."""

    sqrt = staticmethod(Tensor.sqrt)
    square = staticmethod(Tensor.square)
    where = staticmethod(Tensor.where)

    @staticmethod
    def expm1(x: Tensor) -> Tensor:
        """Of a float32 scalar; in float64, for tinygrad has only exp."""
        return (x.cast(dtypes.float64).exp() - 1).cast(dtypes.float32)


def to_tinygrad(canonical: Parameters, device: str) -> Tree:
    """Copies of a canonical tree in tinygrad's layout."""
    return {
        path: on_device(_turned(array, TO_TINYGRAD), device) for path, array in canonical.items()
    }


def to_canonical(tree: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """The way back; copies."""
    return {
        path: np.array(_turned(tensor.numpy(), TO_CANONICAL), order="C")
        for path, tensor in tree.items()
    }


def on_device(array: NDArray[np.generic], device: str) -> Tensor:
    """A copy in a buffer of its own, as programs that are compiled once want their inputs."""
    return Tensor(np.array(array, order="C"), device=device).clone().realize()


def _turned(array: NDArray[np.float32], axes: tuple[int, ...]) -> NDArray[np.float32]:
    return array.transpose(axes) if array.ndim == len(axes) else array


def logits(spec: ModelSpec, parameters: Tree, x: Tensor, draws: Sequence[Tensor] = ()) -> Tensor:
    """Images (B, C, H, W) → logits (B, classes), float32; with draws (B, *shape), as in training.

    The shapes below are LeNet-5's on 32×32 images.
    """
    for layer, draw in zip_layers_with_draws(spec.layers, draws):
        match layer:
            case Conv() | Dense():  # (B, 6, 28, 28), (B, 16, 10, 10); (B, 120), ...
                x = _weighted(layer, parameters, x, draw)
            case Pool():  # (B, 6, 14, 14), (B, 16, 5, 5)
                x = pooled(Operations, x, layer, axis=2)
            case Flatten():  # (B, 400), in the order H, W, C
                x = x.permute(0, 2, 3, 1).flatten(1)
            case Dropout() if draw is not None:
                x = x * (draw * layer.scale)
            case Noise() if draw is not None:
                x = x + draw.permute(*CHANNELS_FIRST)
            case Dropout() | Noise():  # in evaluation
                pass
    return x


def _weighted(layer: Weighted, parameters: Tree, x: Tensor, slopes: Tensor | None) -> Tensor:
    kernel, bias = (parameters[f"{layer.name}/{part}"] for part in ("kernel", "bias"))
    if isinstance(layer, Conv):
        z = x.conv2d(kernel, bias, padding=layer.padding)
    else:
        z = x.linear(kernel, bias)
    if layer.activation == "prelu":
        slope = parameters[f"{layer.name}/slope"]
        return (z > 0).where(z, slope.reshape(-1, *[1] * (z.ndim - 2)) * z)
    if layer.activation == "rrelu":
        if slopes is not None and slopes.ndim == len(CHANNELS_FIRST):
            slopes = slopes.permute(*CHANNELS_FIRST)
        return (z > 0).where(z, (RRELU_MEAN if slopes is None else slopes) * z)
    return ACTIVATIONS[layer.activation](z)


def _linear(z: Tensor) -> Tensor:
    return z


def _leaky_relu(z: Tensor) -> Tensor:
    return (z > 0).where(z, LEAKY_SLOPE * z)


def _elu(z: Tensor, alpha: float = 1.0) -> Tensor:
    # The value that is not taken must be finite, for its gradient is multiplied by 0.
    return (z > 0).where(z, alpha * ((z > 0).where(0.0, z).exp() - 1))


def _selu(z: Tensor) -> Tensor:
    return SELU_SCALE * _elu(z, SELU_ALPHA)


# But for prelu and rrelu, which take more than z.
ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "relu": Tensor.relu,
    "leakyrelu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "tanh": Tensor.tanh,
    "none": _linear,
}
