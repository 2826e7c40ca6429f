"""Brings draws to the layers that take them; for implementations, with tensors of any framework."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from bench.contract.layers import Conv, Dense, Dropout, Layer, ModelSpec, Noise
from bench.contract.random_inputs import Draws

Tensor = TypeVar("Tensor")


def is_random(layer: Layer) -> bool:
    """Whether the layer takes draws in training."""
    if isinstance(layer, Conv | Dense):
        return layer.activation == "rrelu"
    return isinstance(layer, Dropout | Noise)


def zip_layers_with_draws(
    layers: Sequence[Layer], draws: Sequence[Tensor]
) -> Iterator[tuple[Layer, Tensor | None]]:
    """Each layer with its draw; None for what takes none, and for all where there are no draws."""
    remaining = iter(draws)
    for layer in layers:
        yield layer, next(remaining) if draws and is_random(layer) else None


def require_draws(model: ModelSpec, draws: Draws) -> None:
    """ValueError unless there is a draw for each of `model.drawn`: evaluation takes none."""
    if len(draws) != len(model.drawn):
        raise ValueError(
            f"{model.label} takes {len(model.drawn)} draws in training, and got {len(draws)}: "
            "bench.workload.random_inputs makes them"
        )


def blank_draws(model: ModelSpec, *leading: int) -> Draws:
    """Zeros in the place of draws, (*leading, *shape) each, to compile with."""
    return tuple(np.zeros((*leading, *one.shape), one.dtype) for one in model.drawn)
