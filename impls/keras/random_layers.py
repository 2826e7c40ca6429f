"""The random layers of a network: those whose numbers are given, and those that draw themselves.

Keras's own draw by themselves and cannot be told what; it has no RReLU. Without numbers the others
do as in evaluation.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from bench.contract import RRELU_HIGHEST, RRELU_LOWEST, RRELU_MEAN, Drawn, ModelSpec
from bench.errors import UsageError
from impls.keras.activations import Tensor

MOST_NOISE = 1.0  # that keras.layers.GaussianNoise accepts


class TakesDraws(keras.layers.Layer):  # type: ignore[misc]
    """A layer that is given an argument more in training."""


class MaskedDropout(TakesDraws):
    """x · scale where the mask keeps it, else 0."""

    def __init__(self, scale: float, **keywords: Any) -> None:
        super().__init__(dtype="float32", **keywords)
        self._scale = scale

    def call(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Of any shape; the mask, bool, has the same."""
        return x if mask is None else x * (ops.cast(mask, "float32") * self._scale)


class RandomSlopes(TakesDraws):
    """z where z > 0, else slope · z."""

    def call(self, z: Tensor, slopes: Tensor | None = None) -> Tensor:
        """Of any shape; the slopes have the same."""
        return _sloped(z, RRELU_MEAN if slopes is None else slopes)


class AddedNoise(TakesDraws):
    """x + noise."""

    def call(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """(B, H, W, C)."""
        return x if noise is None else x + noise


class DrawnSlopes(keras.layers.Layer):  # type: ignore[misc]
    """As `RandomSlopes`, with slopes of Keras's own generator in training: one an element."""

    def __init__(self, seed: int, **keywords: Any) -> None:
        super().__init__(dtype="float32", **keywords)
        self._seed_generator = keras.random.SeedGenerator(seed)

    def call(self, z: Tensor, training: bool = False) -> Tensor:
        """Of any shape."""
        if not training:
            return _sloped(z, RRELU_MEAN)
        slopes = keras.random.uniform(
            ops.shape(z), RRELU_LOWEST, RRELU_HIGHEST, dtype="float32", seed=self._seed_generator
        )
        return _sloped(z, slopes)


def _sloped(z: Tensor, slopes: Tensor | float) -> Tensor:
    """The factors are constants to the gradient: the way back is one product."""
    return z * ops.stop_gradient(ops.where(z > 0, 1.0, slopes))


def random_layers(spec: ModelSpec) -> list[keras.layers.Layer]:
    """A layer for each of `ModelSpec.random`: it takes its numbers, or draws them by itself.

    Each that draws has a seed of its own, made of the network's and its place: with one seed for
    all, layers of one shape would have the same numbers.

    Raises:
        UsageError: noise that Keras's layer does not know.
    """
    if spec.generator_seed is None:
        return [_given(one) for one in spec.random]
    seeds = np.random.SeedSequence(spec.generator_seed).generate_state(len(spec.random))
    # PyTorch has no uint32: there Keras wants the same bits as an int32.
    kept = seeds.view(np.int32) if keras.backend.backend() == "torch" else seeds
    return [_drawing(one, int(seed)) for one, seed in zip(spec.random, kept, strict=True)]


def _given(one: Drawn) -> keras.layers.Layer:
    match one.kind:
        case "mask":
            return MaskedDropout(1 / (1 - one.level))
        case "slope":
            return RandomSlopes(dtype="float32")
        case "noise":
            return AddedNoise(dtype="float32")


def _drawing(one: Drawn, seed: int) -> keras.layers.Layer:
    match one.kind:
        case "mask":
            return keras.layers.Dropout(one.level, seed=seed, dtype="float32")
        case "slope":
            return DrawnSlopes(seed)
        case "noise" if one.level > MOST_NOISE:
            raise UsageError(
                f"keras.layers.GaussianNoise takes a standard deviation of {MOST_NOISE:g} at most, "
                f"and --noise is {one.level:g}: take less, or the regime matched"
            )
        case "noise":
            return keras.layers.GaussianNoise(one.level, seed=seed, dtype="float32")
