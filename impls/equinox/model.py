"""The network in Equinox, for one image, and the table of its parameters.

Equinox's layers take one image, (C, H, W), and `jax.vmap` makes them take a batch. Images come as
(H, W, C) and are flattened in that order, so axes are moved at both ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bench.contract import (
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
from impls._jax.functions import ACTIVATIONS, drawn_slopes, max_pool, prelu, rrelu

# The axes of a canonical kernel in the order in which Equinox wants them, and the way back.
TO_EQUINOX = {4: (3, 2, 0, 1), 2: (1, 0)}  # HWIO → OIHW, (in, out) → (out, in)
TO_CANONICAL = {4: (2, 3, 1, 0), 2: (1, 0)}

Array = NDArray[np.float32]


class Network(eqx.Module):
    """An image (H, W, C) → logits (classes,), float32; layers with weights by their names."""

    layers: dict[str, eqx.nn.Conv2d | eqx.nn.Linear]
    slopes: dict[str, jax.Array]  # (1,), of the layers whose activation learns one
    spec: ModelSpec = eqx.field(static=True)

    def __init__(self, spec: ModelSpec, *, key: jax.Array) -> None:
        keys = jax.random.split(key, len(spec.weighted_layers))
        self.layers = {
            layer.name: _layer(layer, own)
            for layer, own in zip(spec.weighted_layers, keys, strict=True)
        }
        self.slopes = {
            layer.name: jnp.zeros((1,), jnp.float32)
            for layer in spec.weighted_layers
            if layer.activation == "prelu"
        }
        self.spec = spec

    def __call__(
        self, x: jax.Array, draws: Sequence[jax.Array] = (), key: jax.Array | None = None
    ) -> jax.Array:
        """With draws (*shape), or with a key to draw by itself, as in training.

        The shapes below are LeNet-5's on 32×32 images.
        """
        keys = iter(()) if key is None else iter(jax.random.split(key, len(self.spec.random)))
        x = jnp.moveaxis(x, -1, 0)  # (1, 32, 32)
        for layer, draw in zip_layers_with_draws(self.spec.layers, draws):
            own = next(keys, None) if is_random(layer) else None
            match layer:
                case Conv() | Dense():  # (6, 28, 28), (16, 10, 10); (120,), ...
                    x = self._weighted(layer, x, draw, own)
                case Pool():  # (6, 14, 14), (16, 5, 5)
                    x = _pooled(x, layer)
                case Flatten():  # (400,)
                    x = jnp.moveaxis(x, 0, -1).reshape(-1)
                case Dropout() | Noise() if own is not None:
                    x = _drawing(layer, x, own)
                case Dropout() | Noise() if draw is not None:
                    x = _drawn(layer, x, draw)
                case Dropout() | Noise():  # in evaluation
                    pass
        return x

    def _weighted(
        self, layer: Weighted, x: jax.Array, slopes: jax.Array | None, key: jax.Array | None
    ) -> jax.Array:
        z: jax.Array = self.layers[layer.name](x)
        if layer.activation == "prelu":
            return prelu(z, self.slopes[layer.name])
        if layer.activation == "rrelu":
            slopes = drawn_slopes(key, z.shape) if key is not None else _channels_first(slopes)
            return rrelu(z, slopes)
        return ACTIVATIONS[layer.activation](z)


def _drawing(layer: Dropout | Noise, x: jax.Array, key: jax.Array) -> jax.Array:
    """A layer that draws by itself."""
    if isinstance(layer, Noise):
        return x + layer.std * jax.random.normal(key, x.shape)
    kept: jax.Array = eqx.nn.Dropout(layer.rate)(x, key=key)
    return kept


def _drawn(layer: Dropout | Noise, x: jax.Array, draw: jax.Array) -> jax.Array:
    """A layer whose numbers are given."""
    if isinstance(layer, Noise):
        noise: jax.Array = _channels_first(draw)
        return x + noise
    return jnp.where(draw, x * layer.scale, 0)


def _channels_first(draw: Any) -> Any:
    """Of an image or features; (H, W, C) → (C, H, W)."""
    return jnp.moveaxis(draw, -1, 0) if draw is not None and draw.ndim == 3 else draw


@cache
def shapes(spec: ModelSpec) -> Network:
    """The network with shapes in place of arrays; nothing is drawn."""
    found: Network = eqx.filter_eval_shape(Network, spec, key=jax.random.key(0))
    return found


def _place(path: str) -> Callable[[Network], Any]:
    """Where a canonical parameter is in a network, or in a tree like it."""
    name, _, part = path.partition("/")
    if part == "slope":
        return lambda network: network.slopes[name]
    own = {"kernel": "weight", "bias": "bias"}[part]
    return lambda network: getattr(network.layers[name], own)


def to_network(spec: ModelSpec, canonical: Parameters) -> Network:
    """Canonical arrays in a network; may be views."""
    template = shapes(spec)
    places, arrays = [], []
    for path in spec.parameter_shapes():
        array, of = canonical[path], _place(path)
        if path.endswith("/kernel"):
            array = array.transpose(TO_EQUINOX[array.ndim])
        places.append(of)
        arrays.append(array.reshape(of(template).shape))  # a convolution's bias is (out, 1, 1)
    found: Network = eqx.tree_at(lambda tree: [of(tree) for of in places], template, arrays)
    return found


def to_canonical(spec: ModelSpec, tree: Network) -> dict[str, Array]:
    """The way back, of NumPy arrays."""
    found = {}
    for path, shape in spec.parameter_shapes().items():
        array = _place(path)(tree)
        if path.endswith("/kernel"):
            array = array.transpose(TO_CANONICAL[array.ndim])
        found[path] = np.ascontiguousarray(array.reshape(shape))
    return found


def _layer(layer: Weighted, key: jax.Array) -> eqx.nn.Conv2d | eqx.nn.Linear:
    if isinstance(layer, Conv):
        return eqx.nn.Conv2d(
            layer.in_channels,
            layer.out_channels,
            kernel_size=layer.kernel,
            stride=1,
            padding=tuple((zeros, zeros) for zeros in layer.padding),
            use_bias=True,
            dtype=jnp.float32,
            key=key,
        )
    return eqx.nn.Linear(
        layer.in_features, layer.out_features, use_bias=True, dtype=jnp.float32, key=key
    )


def _pooled(x: jax.Array, layer: Pool) -> jax.Array:
    if layer.kind == "max":
        return max_pool(x, layer.window)
    pooled: jax.Array = eqx.nn.AvgPool2d(layer.window, stride=layer.window)(x)
    return pooled
