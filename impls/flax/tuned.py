"""Flax NNX with what makes XLA on a CPU faster and leaves the arithmetic as it is.

XLA's convolution of images with one channel runs far below what the CPU can do. Such images are
convolved as a sum of shifted images here, each times a number a channel of the output, which XLA
makes one loop of. It is given to `nnx.Conv` where that asks for another `conv_general_dilated`.
The gradient of the kernel is that of XLA's convolution, which is fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from bench.contract import ModelSpec
from impls.flax.adapter import FlaxAdapter, PureNetwork
from impls.flax.model import Network


class FlaxTuned(FlaxAdapter):
    """The plain adapter but for the convolution of images with one channel."""

    def __init__(self, variant: str) -> None:
        super().__init__()

    def network(self, model: ModelSpec) -> PureNetwork:
        """See `FlaxAdapter.network`; on a GPU that of the plain adapter."""
        if self._device.platform != "cpu":
            return super().network(model)
        graph, _ = nnx.split(
            nnx.eval_shape(lambda: Network(model, nnx.Rngs(0), convolution=convolution))
        )
        return PureNetwork(graph)


def convolution(
    images: jax.Array,
    kernel: jax.Array,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    **others: Any,
) -> jax.Array:
    """As `lax.conv_general_dilated` of images (B, H, W, C) and a kernel (h, w, C, out)."""
    if images.shape[-1] > 1 or tuple(window_strides) != (1, 1):
        return lax.conv_general_dilated(images, kernel, window_strides, padding, **others)
    return _shifted(jnp.pad(images, ((0, 0), *padding, (0, 0))), kernel)


@jax.custom_vjp
def _shifted(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """Images (B, H, W, 1), kernel (h, w, 1, out) → (B, H − h + 1, W − w + 1, out)."""
    height, width, _, channels = kernel.shape
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1
    found = jnp.zeros((len(images), rows, columns, channels), images.dtype)
    for row, column in np.ndindex(height, width):
        shifted = images[:, row : row + rows, column : column + columns]
        found = found + shifted * kernel[row, column, 0]
    return found


def _forward(images: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _shifted(images, kernel), (images, kernel)


def _backward(given: tuple[jax.Array, jax.Array], above: jax.Array) -> tuple[jax.Array, jax.Array]:
    """By XLA's convolution; what of it is not needed, such as that of the images, is left out."""

    def stock(images: jax.Array, kernel: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(
            *(images, kernel, (1, 1), "VALID"),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision=lax.Precision.HIGHEST,
        )

    _, pull = jax.vjp(stock, *given)
    of_images, of_kernel = pull(above)
    return of_images, of_kernel


_shifted.defvjp(_forward, _backward)
