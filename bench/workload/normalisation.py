"""Pixels, from counts of light to what a network is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.contract import Images


def statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and population standard deviation per channel of images (N, H, W, C).

    Of pixels scaled to [0, 1]; exact, since it sums over the counts of the 256 possible values.
    """
    levels = np.arange(256) / 255
    means: list[float] = []
    stds: list[float] = []
    for channel in range(images.shape[-1]):
        counts = np.bincount(images[..., channel].ravel(), minlength=256)
        share = counts / counts.sum()
        mean = float(share @ levels)
        means.append(mean)
        stds.append(float(np.sqrt(share @ (levels - mean) ** 2)))
    return tuple(means), tuple(stds)


def normalise(images: NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]) -> Images:
    """(pixel / 255 − mean) / std per channel, computed in float64 and rounded once to float32.

    A channel without any variation (std 0) is only centred.
    """
    out = np.empty(images.shape, dtype=np.float32)
    for channel, (centre, scale) in enumerate(zip(mean, std, strict=True)):
        table = (np.arange(256) / 255 - centre) / (scale or 1.0)
        out[..., channel] = table.astype(np.float32)[images[..., channel]]
    return out
