"""Where each canonical array is in Julia, and the description of a network for it.

NumPy's (a, b, c) in C order is Julia's (c, b, a): what is called reversed here is a view whose axes
are in Julia's order, so that Julia sees contiguous memory. Its libraries want, in Julia's order,

    images        (W, H, C, N)
    conv kernel   (kernel_w, kernel_h, in, out), flipped where a library computes true convolutions
    dense kernel  (out, in), which is the canonical (in, out) without a copy
    flattened     W, H, C from the fastest, `reversed`; the canonical order is C, W, H
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contract import (
    RRELU_MEAN,
    Conv,
    Dense,
    Draws,
    Dropout,
    Flatten,
    Images,
    Layer,
    ModelSpec,
    Noise,
    Parameters,
    Pool,
    Weighted,
    parts,
    require_draws,
)

Array = NDArray[np.float32]
HWIO_TO_OIHW = (3, 2, 0, 1)
OIHW_TO_HWIO = (2, 3, 1, 0)
# Activations that are layers in Julia, with what `network` takes of each.
OF_THEIR_OWN = {"prelu": None, "rrelu": RRELU_MEAN}
RANDOM = ("rrelu", "dropout", "noise")  # layers in Julia that are given draws, or draw themselves


def description(spec: ModelSpec) -> tuple[tuple[str, Any], ...]:
    """What the Julia function `network` takes for the layers."""
    following = [*spec.layers[1:], None]
    pairs = zip(spec.layers, following, strict=True)
    found = (one for layer, then in pairs for one in _described(layer, then))
    if spec.generator_seed is None:
        return tuple(found)
    return tuple((f"drawn {kind}" if kind in RANDOM else kind, of) for kind, of in found)


def _described(layer: Layer, then: object) -> Iterator[tuple[str, Any]]:
    match layer:
        case Conv():
            yield "conv", (_activation(layer), layer.padding)
        case Dense():
            yield "dense", _activation(layer)
        case Pool():
            yield f"{layer.kind}pool", layer.window
        case Flatten():  # the kernel of a dense layer that follows is brought to that order once
            yield "flatten", "reversed" if isinstance(then, Dense) else "canonical"
        case Dropout():
            yield "dropout", layer.rate
        case Noise():
            yield "noise", layer.std
    if isinstance(layer, Conv | Dense) and layer.activation in OF_THEIR_OWN:
        yield layer.activation, OF_THEIR_OWN[layer.activation]


def _activation(layer: Weighted) -> str:
    """The name in Julia of what the layer itself does; a slope needs a layer of its own."""
    return "none" if layer.activation in OF_THEIR_OWN else layer.activation


def to_julia(spec: ModelSpec, tree: Parameters, flipped: bool = True) -> tuple[Array, ...]:
    """A canonical tree, reversed: kernel, bias, slope if any, kernel, ... layer by layer."""
    turned = _turned(flipped)
    arrays: list[Array] = []
    for layer, flattened in _weighted(spec):
        kernel = np.asarray(tree[f"{layer.name}/kernel"], np.float32)
        if isinstance(layer, Conv):
            kernel = kernel[turned].transpose(HWIO_TO_OIHW)
        elif flattened is not None:
            kernel = kernel.reshape(*_sizes(flattened), -1).transpose(2, 0, 1, 3)
            kernel = kernel.reshape(layer.kernel_shape)  # rows in the order C, H, W
        bias = np.asarray(tree[f"{layer.name}/bias"], np.float32)
        arrays += [np.ascontiguousarray(kernel).T, np.ascontiguousarray(bias)]
        if "slope" in parts(layer):
            arrays.append(np.ascontiguousarray(tree[f"{layer.name}/slope"], np.float32))
    return tuple(arrays)


def to_canonical(spec: ModelSpec, arrays: Iterable[Any], flipped: bool = True) -> dict[str, Array]:
    """Copies of Julia's arrays, in the order of `to_julia`, as a canonical tree."""
    turned = _turned(flipped)
    remaining = iter(arrays)
    tree: dict[str, Array] = {}
    for layer, flattened in _weighted(spec):
        kernel = np.asarray(next(remaining)).T
        if isinstance(layer, Conv):
            kernel = kernel.transpose(OIHW_TO_HWIO)[turned]
        elif flattened is not None:
            height, width, channels = _sizes(flattened)
            kernel = kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
            kernel = kernel.reshape(layer.kernel_shape)
        tree[f"{layer.name}/kernel"] = np.array(kernel, np.float32, order="C")
        for part in [*parts(layer)][1:]:  # bias, slope
            tree[f"{layer.name}/{part}"] = np.array(np.asarray(next(remaining)), np.float32)
    return tree


def images_to_julia(images: Images) -> Array:
    """(n, H, W, C) → (W, H, C, n), reversed; a copy only where there are several channels."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).T


def to_images(array: Any) -> Array:
    """The way back, of images (W, H, C, n) or features (features, n): a copy, batch first."""
    found = np.asarray(array).T
    return np.array(found.transpose(0, 2, 3, 1) if found.ndim == 4 else found, np.float32)


def draws_to_julia(spec: ModelSpec, draws: Draws) -> tuple[NDArray[Any], ...]:
    """Draws (..., B, *shape), reversed: (W, H, C, B, ...) or (features, B, ...)."""
    require_draws(spec, draws)
    return tuple(
        np.ascontiguousarray(np.moveaxis(array, -1, -3) if len(one.shape) == 3 else array).T
        for one, array in zip(spec.drawn, draws, strict=True)
    )


def _turned(flipped: bool) -> tuple[slice, slice]:
    """Of (kernel_h, kernel_w, ...): both turned round, or all as it is."""
    each = slice(None, None, -1 if flipped else None)
    return each, each


def _weighted(spec: ModelSpec) -> Iterator[tuple[Conv | Dense, Flatten | None]]:
    """The layers that have weights, each with the flattening right before it."""
    before: object = None
    for layer in spec.layers:
        if isinstance(layer, Conv | Dense):
            yield layer, before if isinstance(before, Flatten) else None
        before = layer


def _sizes(layer: Flatten) -> tuple[int, int, int]:
    return layer.height, layer.width, layer.channels
