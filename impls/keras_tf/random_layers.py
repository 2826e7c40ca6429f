"""The random layers of a network, whose numbers are given; without them, as in evaluation.

Keras's own draw by themselves and cannot be told what; it has no RReLU.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from bench.contract import RRELU_MEAN


class TakesDraws(keras.layers.Layer):  # type: ignore[misc]
    """A layer that is given an argument more in training."""


class MaskedDropout(TakesDraws):
    """x · scale where the mask keeps it, else 0."""

    def __init__(self, scale: float, **keywords: Any) -> None:
        super().__init__(dtype="float32", **keywords)
        self._scale = scale

    def call(self, x: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Of any shape; the mask, bool, has the same."""
        return x if mask is None else x * (tf.cast(mask, tf.float32) * self._scale)


class RandomSlopes(TakesDraws):
    """z where z > 0, else slope · z."""

    def call(self, z: tf.Tensor, slopes: tf.Tensor | None = None) -> tf.Tensor:
        """Of any shape; the slopes have the same."""
        below = RRELU_MEAN if slopes is None else slopes
        # The factors are constants to the tape: the way back is one product.
        return z * tf.stop_gradient(tf.where(z > 0, 1.0, below))


class AddedNoise(TakesDraws):
    """x + noise."""

    def call(self, x: tf.Tensor, noise: tf.Tensor | None = None) -> tf.Tensor:
        """(B, H, W, C)."""
        return x if noise is None else x + noise
