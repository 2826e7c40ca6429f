"""Floating-point operations of a network, counted from its description.

A product and its addition count as two, as is usual (LINPACK, MLPerf). Only convolutions and dense
layers are counted: bias, activation, pooling, loss and the update of the weights are a few per cent
of the operations, and how many they are is a matter of how they are written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.contract import Conv, Dense, ModelSpec


@dataclass(frozen=True, slots=True)
class LayerFlops:
    """Operations of one layer for one image.

    forward  y = W·x
    weights  backward, to the kernel: ∂y·xᵀ, as many as forward
    inputs   backward, to the layer below: Wᵀ·∂y, as many as forward; 0 for the first layer, since
             nobody needs the gradient of the images
    """

    name: str
    forward: int
    weights: int
    inputs: int

    @property
    def training(self) -> int:
        """Forward and backward together."""
        return self.forward + self.weights + self.inputs


def by_layer(model: ModelSpec) -> tuple[LayerFlops, ...]:
    """The layers that multiply, in order, with their operations for one image."""
    return tuple(
        LayerFlops(name, forward, forward, forward if index else 0)
        for index, (name, forward) in enumerate(_forward(model))
    )


def training_step(model: ModelSpec) -> int:
    """Operations of a training step for one image of its batch."""
    return sum(layer.training for layer in by_layer(model))


def matrix_product(size: int) -> int:
    """Operations of the product of two matrices (size, size)."""
    return 2 * size**3


def _forward(model: ModelSpec) -> Iterator[tuple[str, int]]:
    """Name and forward operations of each layer that multiplies: as many products as outputs sum.

    Products with the zeros of a padding count: they are computed, or as good as.
    """
    for layer, shape in zip(model.layers, model.output_shapes(), strict=True):
        if isinstance(layer, Conv | Dense):
            yield layer.name, 2 * math.prod(shape) * layer.fan_in
