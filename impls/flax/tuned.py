"""Flax NNX with what makes XLA on a CPU faster and leaves the arithmetic as it is.

The gradient of the maximum over slices is written out: XLA's own of slices spreads each over an
image of zeros and adds these up.

XLA's convolution of images with one channel runs far below what the CPU can do. Such images are
convolved as a sum of shifted images here, each times a number a channel of the output, which XLA
makes one loop of. It is given to `nnx.Conv` where that asks for another `conv_general_dilated`.
The gradient of the kernel is that of XLA's convolution, which is fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from bench.contract import ModelSpec
from impls._jax.functions import max_pool
from impls.flax.adapter import FlaxAdapter, PureNetwork
from impls.flax.model import Network


class FlaxTuned(FlaxAdapter):
    """The plain adapter but for the convolution of one channel and the gradient of pooling."""

    def __init__(self, variant: str) -> None:
        super().__init__()

    def network(self, model: ModelSpec) -> PureNetwork:
        """See `FlaxAdapter.network`; on a GPU that of the plain adapter."""
        if self._device.platform != "cpu":
            return super().network(model)

        def made() -> Network:
            return Network(model, nnx.Rngs(0), convolution=convolution, max_pool=pooled)

        return PureNetwork(nnx.graphdef(nnx.eval_shape(made)))


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
    """Images (B, H, W, 1), kernel (h, w, 1, out) → (B, H − h + 1, W − w + 1, out).

    In a loop of two turns, half of the batch each: out of a loop XLA brings nothing into what comes
    after. Without one it computes the sums anew for each slice that pooling takes, and for its
    gradient.
    """
    height, width, _, channels = kernel.shape
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1

    def convolved(image: jax.Array) -> jax.Array:
        found = jnp.zeros((rows, columns, channels), images.dtype)
        for row, column in np.ndindex(height, width):
            shifted = image[row : row + rows, column : column + columns]
            found = found + shifted * kernel[row, column, 0]
        return found

    found: jax.Array = lax.map(convolved, images, batch_size=-(-len(images) // 2))
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


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def pooled(images: jax.Array, window: tuple[int, int]) -> jax.Array:
    """The maximum of each window, as `impls._jax.functions.max_pool`."""
    return max_pool(images, window)


def _pooled_forward(
    images: jax.Array, window: tuple[int, int]
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    found = max_pool(images, window)
    return found, (images, found)


def _pooled_backward(
    window: tuple[int, int], given: tuple[jax.Array, jax.Array], above: jax.Array
) -> tuple[jax.Array]:
    """To the first maximum of each window in row-major order; 0 where no window is."""
    images, found = given
    (rows, columns), (count, height, width, channels) = window, found.shape
    whole = images[:, : height * rows, : width * columns]
    taken = jnp.zeros(found.shape, bool)
    lines = []
    for row in range(rows):
        line = []
        for column in range(columns):
            is_highest = whole[:, row::rows, column::columns] == found
            line.append(jnp.where(is_highest & ~taken, above, 0))
            taken = taken | is_highest
        lines.append(jnp.stack(line, axis=3))
    spread = jnp.stack(lines, axis=2).reshape(count, height * rows, width * columns, channels)
    rest = [(0, full - own) for full, own in zip(images.shape, spread.shape, strict=True)]
    return (jnp.pad(spread, rest),)


pooled.defvjp(_pooled_forward, _pooled_backward)
