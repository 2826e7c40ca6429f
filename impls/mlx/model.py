"""The network in MLX, layer by layer from its description, and the table of its parameters.

Images are NHWC, as in the canonical layout, and the flatten order is H, W, C by itself. MLX's own
activations are taken where they are the contract's. Its SELU has constants of six digits, its ELU
takes exp(x) − 1, its leaky ReLU passes the gradient of a positive value at 0, and
its maximum pooling shares a gradient between equal values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from bench.contract import (
    LEAKY_SLOPE,
    RRELU_HIGHEST,
    RRELU_LOWEST,
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
    is_random,
    zip_layers_with_draws,
)
from impls._written.pooling import pooled

Tree = dict[str, mx.array]  # by canonical path, in MLX's layout

# The axes of a canonical kernel in the order in which MLX wants them, and the way back.
TO_MLX = {4: (3, 0, 1, 2), 2: (1, 0)}  # HWIO → OHWI, (in, out) → (out, in)
TO_CANONICAL = {4: (1, 2, 3, 0), 2: (1, 0)}


def to_mlx(canonical: Parameters) -> Tree:
    """Copies of a canonical tree in MLX's layout."""
    return {
        path: mx.array(np.ascontiguousarray(_turned(array, TO_MLX)))
        for path, array in canonical.items()
    }


def to_canonical(tree: Mapping[str, mx.array]) -> dict[str, NDArray[np.float32]]:
    """The way back; copies."""
    return {
        path: np.array(_turned(np.asarray(array), TO_CANONICAL), order="C")
        for path, array in tree.items()
    }


def _turned(array: NDArray[np.float32], axes: Mapping[int, tuple[int, ...]]) -> NDArray[np.float32]:
    return array.transpose(axes[array.ndim]) if array.ndim in axes else array


def logits(
    spec: ModelSpec,
    parameters: Tree,
    x: mx.array,
    draws: Sequence[mx.array] = (),
    key: mx.array | None = None,
) -> mx.array:
    """Images (B, H, W, C) → logits (B, classes), float32.

    With draws (B, *shape), or with a key to draw by itself, as in training. The shapes below are
    LeNet-5's on 32×32 images.
    """
    keys = iter(()) if key is None else iter(mx.random.split(key, len(spec.random)))
    for layer, draw in zip_layers_with_draws(spec.layers, draws):
        own = next(keys, None) if is_random(layer) else None
        match layer:
            case Conv() | Dense():  # (B, 28, 28, 6), (B, 10, 10, 16); (B, 120), ...
                x = _weighted(layer, parameters, x, draw, own)
            case Pool():  # (B, 14, 14, 6), (B, 5, 5, 16)
                x = pooled(mx, x, layer)
            case Flatten():  # (B, 400)
                x = x.reshape(-1, layer.features)
            case Dropout() if own is not None:
                x = x * mx.random.bernoulli(1 - layer.rate, x.shape, key=own) * layer.scale
            case Dropout() if draw is not None:
                x = x * (draw * layer.scale)
            case Noise() if own is not None:
                x = x + layer.std * mx.random.normal(x.shape, key=own)
            case Noise() if draw is not None:
                x = x + draw
            case Dropout() | Noise():  # in evaluation
                pass
    return x


def _weighted(
    layer: Weighted,
    parameters: Tree,
    x: mx.array,
    slopes: mx.array | None,
    key: mx.array | None,
) -> mx.array:
    kernel, bias = (parameters[f"{layer.name}/{part}"] for part in ("kernel", "bias"))
    if isinstance(layer, Conv):
        z = mx.conv2d(x, kernel, stride=1, padding=layer.padding) + bias
    else:
        z = mx.addmm(bias, x, kernel.T)
    if layer.activation == "prelu":
        return mx.where(z > 0, z, parameters[f"{layer.name}/slope"] * z)
    if layer.activation == "rrelu":
        if key is not None:
            slopes = mx.random.uniform(RRELU_LOWEST, RRELU_HIGHEST, z.shape, key=key)
        return mx.where(z > 0, z, (RRELU_MEAN if slopes is None else slopes) * z)
    return ACTIVATIONS[layer.activation](z)


def _linear(z: mx.array) -> mx.array:
    return z


def _relu(z: mx.array) -> mx.array:
    return mx.maximum(z, 0.0)  # as nn.relu


def _leaky_relu(z: mx.array) -> mx.array:
    return mx.where(z > 0, z, LEAKY_SLOPE * z)


def _elu(z: mx.array, alpha: float = 1.0) -> mx.array:
    # The value that is not taken must be finite, for its gradient is multiplied by 0.
    return mx.where(z > 0, z, alpha * mx.expm1(mx.where(z > 0, 0.0, z)))


def _selu(z: mx.array) -> mx.array:
    return SELU_SCALE * _elu(z, SELU_ALPHA)


# But for prelu and rrelu, which take more than z.
ACTIVATIONS: dict[Activation, Callable[[mx.array], mx.array]] = {
    "relu": _relu,
    "leakyrelu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "tanh": mx.tanh,
    "none": _linear,
}
