"""The network in Flax NNX, layer by layer from its description, and the table of its parameters.

Flax keeps what the canonical layout asks for: images NHWC, convolution kernels HWIO, dense kernels
(in, out). So no parameter is transposed, and the flatten order is H, W, C by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from bench.contract import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    ModelSpec,
    Noise,
    Pool,
    Weighted,
    is_random,
    parts,
    zip_layers_with_draws,
)
from impls._jax.functions import ACTIVATIONS, drawn_slopes, max_pool, prelu, rrelu

# {layer: {parameter: array}}, the form of a network's parameters as a plain pytree
Tree = dict[str, dict[str, Any]]
Pooling = Callable[[jax.Array, tuple[int, int]], jax.Array]  # of images, by their windows

# canonical name → how the layer's attribute goes on, and Flax's name; the layouts are the same
PLACES = {
    "kernel": ("", "kernel"),  # (kernel_h, kernel_w, in, out) or (in, out)
    "bias": ("", "bias"),  # (out,)
    "slope": ("_prelu", "slope"),  # (1,)
}


def flax_paths(spec: ModelSpec) -> dict[str, tuple[str, str]]:
    """Canonical path → (attribute of the network, parameter of that layer), in canonical order."""
    return {
        f"{layer.name}/{part}": (layer.name + end, own)
        for layer in spec.weighted_layers
        for part, (end, own) in PLACES.items()
        if part in parts(layer)
    }


class Network(nnx.Module):
    """Images (B, H, W, C) → logits (B, classes), float32; its layers are attributes by name.

    convolution  what `nnx.Conv` calls
    max_pool     the maximum of each window of images
    """

    def __init__(
        self,
        spec: ModelSpec,
        rngs: nnx.Rngs,
        *,
        convolution: Callable[..., jax.Array] = lax.conv_general_dilated,
        max_pool: Pooling = max_pool,
    ) -> None:
        self.spec, self.max_pool = spec, max_pool
        for layer in spec.weighted_layers:
            setattr(self, layer.name, _module(layer, rngs, convolution))
            if layer.activation == "prelu":
                setattr(self, f"{layer.name}_prelu", PReLU())
        for one in spec.random:
            if one.kind == "mask":
                setattr(self, one.name, nnx.Dropout(one.level))

    def __call__(
        self, x: jax.Array, draws: Sequence[jax.Array] = (), rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """With draws (B, *shape), or with streams of keys to draw by itself, as in training.

        The shapes below are LeNet-5's on 32×32 images.
        """
        for layer, draw in zip_layers_with_draws(self.spec.layers, draws):
            if rngs is not None and is_random(layer):
                x = self._drawing(layer, x, rngs)
                continue
            match layer:
                case Conv() | Dense():  # (B, 28, 28, 6), (B, 10, 10, 16); (B, 120), ...
                    x = self._activated(layer, getattr(self, layer.name)(x), draw)
                case Pool():  # (B, 14, 14, 6), (B, 5, 5, 16)
                    x = (
                        self.max_pool(x, layer.window)
                        if layer.kind == "max"
                        else _average(x, layer)
                    )
                case Flatten():  # (B, 400)
                    x = x.reshape(-1, layer.features)
                case Dropout() if draw is not None:
                    x = jnp.where(draw, x * layer.scale, 0)
                case Noise() if draw is not None:
                    x = x + draw
                case Dropout() | Noise():  # in evaluation
                    pass
        return x

    def _drawing(self, layer: Layer, x: jax.Array, rngs: nnx.Rngs) -> jax.Array:
        """A layer whose random numbers come from keys of these streams."""
        match layer:
            case Dropout():
                dropout: nnx.Dropout = getattr(self, layer.name)
                return dropout(x, deterministic=False, rngs=rngs)
            case Noise():
                return x + layer.std * jax.random.normal(rngs.noise(), x.shape)
            case Conv() | Dense():  # with RReLU
                z: jax.Array = getattr(self, layer.name)(x)
                return self._activated(layer, z, drawn_slopes(rngs.slopes(), z.shape))
        raise TypeError(f"nothing in {layer} is random")

    def _activated(self, layer: Weighted, z: jax.Array, slopes: jax.Array | None) -> jax.Array:
        if layer.activation == "prelu":
            learnt: jax.Array = getattr(self, f"{layer.name}_prelu")(z)
            return learnt
        if layer.activation == "rrelu":
            return rrelu(z, slopes)
        return ACTIVATIONS[layer.activation](z)


class PReLU(nnx.Module):
    """z where z > 0, else slope · z, with one slope (1,).

    `nnx.PReLU` has a slope (), and takes what is exactly 0 for positive.
    """

    def __init__(self) -> None:
        self.slope = nnx.Param(jnp.zeros((1,), jnp.float32))

    def __call__(self, z: jax.Array) -> jax.Array:
        """Of any shape."""
        return prelu(z, self.slope[...])


def _module(layer: Layer, rngs: nnx.Rngs, convolution: Callable[..., jax.Array]) -> nnx.Module:
    if isinstance(layer, Conv):
        return nnx.Conv(
            layer.in_channels,
            layer.out_channels,
            kernel_size=layer.kernel,
            strides=1,
            padding=tuple((zeros, zeros) for zeros in layer.padding),
            use_bias=True,
            dtype=jnp.float32,
            param_dtype=jnp.float32,
            precision=lax.Precision.HIGHEST,  # float32 on a GPU too, not TF32
            conv_general_dilated=convolution,
            rngs=rngs,
        )
    if isinstance(layer, Dense):
        return nnx.Linear(
            layer.in_features,
            layer.out_features,
            use_bias=True,
            dtype=jnp.float32,
            param_dtype=jnp.float32,
            precision=lax.Precision.HIGHEST,
            rngs=rngs,
        )
    raise TypeError(f"{layer} has no parameters")


def stock_max_pool(x: jax.Array, window: tuple[int, int]) -> jax.Array:
    """Flax's own; its gradient is a scatter."""
    pooled: jax.Array = nnx.max_pool(x, window, strides=window, padding="VALID")
    return pooled


def _average(x: jax.Array, layer: Pool) -> jax.Array:
    pooled: jax.Array = nnx.avg_pool(x, layer.window, strides=layer.window, padding="VALID")
    return pooled
