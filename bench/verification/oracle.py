"""What the examination needs of the reference, beyond what every adapter has."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.contract import Adapter, Draws, EpochBatches, Images, Indices, Parameters

Array = NDArray[np.float64]


class Oracle(Adapter, Protocol):
    """An adapter that computes in float64 and gives its results unrounded."""

    def predict64(self, images: Images) -> Array:
        """As `predict`, in float64."""

    def gradients64(
        self, indices: Indices, draws: Draws = (), times: NDArray[np.int64] | None = None
    ) -> tuple[float, dict[str, Array]]:
        """As `gradients`, in float64; each image counts so many `times`, (n,), where it is given.

        The memory that it takes does not grow with the number of images.
        """

    def train_epoch64(self, order: EpochBatches, learning_rate: float) -> Array:
        """As `train_epoch`, with the losses in float64."""

    def export64(self) -> dict[str, Array]:
        """As `export`, in float64."""

    def margins64(self, indices: Indices, draws: Draws = ()) -> Array:
        """How far each of these loaded images is from a kink of ReLU or pooling, (n,).

        As a part of the layer's largest value; in training, with these draws.
        """

    def follow(self, parameters: Parameters) -> None:
        """Take these parameters, and keep the optimizer's buffers and step count."""
