"""How far images are from where a network has no derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.contract import KINKED, Conv, Dense, Draws, ModelSpec, Pool, zip_layers_with_draws
from impls.reference.activations import derivative, value
from impls.reference.model import apply, slope_of, windows_of

Array = NDArray[np.float64]

SAME = 1e-12  # part of a tensor's scale; float64 rounds to 1e-16


def margins(
    spec: ModelSpec, parameters: Mapping[str, Array], images: Array, draws: Draws = ()
) -> Array:
    """How far each image is from the nearest kink of the network, (B,), 1 where there is none.

    A kink is a unit whose activation has another derivative beyond 0, or a pooling window whose
    maximum would move elsewhere. The distance of a unit is a part of its layer's largest absolute
    value before activation. That of a window is a part of how far rounding carries its values: by
    as much of that largest value as the activation's derivative lets through, and by what rounding
    the value itself does. Where an activation is flat, values are near each other, and are as
    precise. Values of a window that agree but for float64's rounding have the same inputs, as on a
    plain background, and it makes no difference which of them is taken.
    """
    nearest, values = np.ones(len(images)), images
    reach = np.abs(images).max() * np.ones_like(images)
    for layer, draw in zip_layers_with_draws(spec.layers, draws):
        if isinstance(layer, Pool) and layer.kind == "max":
            nearest = np.minimum(nearest, _least(_gaps(layer.window, values, reach)))
        if isinstance(layer, Conv | Dense):
            z, _ = apply(replace(layer, activation="none"), parameters, values)
            scale, slope = float(np.abs(z).max()), slope_of(layer, parameters, draw)
            if layer.activation in KINKED:
                nearest = np.minimum(nearest, _least(np.abs(z) / scale))
            values = value(layer.activation, z, slope)
            reach = np.abs(derivative(layer.activation, z, slope)) * scale + np.abs(values)
        else:
            values, _ = apply(layer, parameters, values, draw)
            reach = np.abs(values).max() * np.ones_like(values)
    return nearest


def _gaps(window: tuple[int, int], values: Array, reach: Array) -> Array:
    """From each value of a window to its maximum, as a part of the larger reach of the two."""
    windows, reaches = windows_of(window, values), windows_of(window, reach)
    first = windows.argmax(axis=-1, keepdims=True)
    gaps = np.take_along_axis(windows, first, axis=-1) - windows
    gaps[gaps <= SAME * np.abs(values).max()] = np.inf
    larger = np.maximum(reaches, np.take_along_axis(reaches, first, axis=-1))
    return gaps / np.maximum(larger, np.finfo(np.float64).tiny)


def _least(distances: Array) -> Array:
    """Of each image, (B,)."""
    return np.asarray(distances.reshape(len(distances), -1).min(axis=1))
