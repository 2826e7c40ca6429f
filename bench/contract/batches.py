"""The batches of an epoch: as the harness orders them, and as an adapter gets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.contract.layer_draws import blank_draws
from bench.contract.layers import ModelSpec
from bench.contract.random_inputs import Draws

Indices = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class BatchGroup:
    """Steps on batches of one size, consumed from first to last; neither is 0.

    rows   int32 (steps, B): rows of what `Adapter.load` was given
    draws  for each of `ModelSpec.drawn` an array (steps, B, *shape): the random numbers of these
           steps; empty where nothing in the network is random, or where it draws by itself
    """

    rows: NDArray[np.int32]
    draws: Draws = ()

    def each(self) -> Iterator[tuple[Indices, Draws]]:
        """The rows (B,) of each step with its draws (B, *shape)."""
        for step, rows in enumerate(self.rows):
            yield rows, tuple(draw[step] for draw in self.draws)


@dataclass(frozen=True, slots=True)
class EpochBatches:
    """Which images each step of an epoch trains on: rows of what `Adapter.load` was given.

    An adapter takes its `groups`, one after the other; the fields are how the harness orders them.

    batches    int32 (steps, batch_size): the full batches, consumed from first to last
    remainder  int32 (r,), 0 ≤ r < batch_size: the last, smaller batch; none where r = 0
    draws      for each of `ModelSpec.drawn` an array (steps, batch_size, *shape): the random
               numbers of the full batches; empty where nothing in the network is random
    remainder_draws  the same of the last batch, (r, *shape)
    """

    batches: NDArray[np.int32]
    remainder: NDArray[np.int32]
    draws: Draws = ()
    remainder_draws: Draws = ()

    @property
    def groups(self) -> tuple[BatchGroup, ...]:
        """The full batches, then the last, smaller one; what is empty is left out."""
        last = BatchGroup(
            self.remainder[np.newaxis], tuple(draw[np.newaxis] for draw in self.remainder_draws)
        )
        every = BatchGroup(self.batches, self.draws), last
        return tuple(group for group in every if group.rows.size)

    @property
    def steps(self) -> int:
        """Optimizer steps in the epoch, the remainder's included."""
        return int(self.batches.shape[0]) + (self.remainder.size > 0)

    @property
    def images(self) -> int:
        """Images consumed in the epoch."""
        return int(self.batches.size + self.remainder.size)

    def each(self) -> Iterator[tuple[Indices, Draws]]:
        """The indices (B,) of each step with its draws (B, *shape), the remainder's included."""
        for group in self.groups:
            yield from group.each()

    def sizes(self) -> NDArray[np.int64]:
        """Images in each step, (steps,): the weights of a mean over the epoch's losses."""
        full = np.full(self.batches.shape[0], self.batches.shape[1], dtype=np.int64)
        return np.append(full, self.remainder.size) if self.remainder.size else full

    def beginning(self, steps: int) -> EpochBatches:
        """The first full batches, so many at most, and the remainder."""
        draws = tuple(draw[:steps] for draw in self.draws)
        return EpochBatches(self.batches[:steps], self.remainder, draws, self.remainder_draws)


def blank_epoch(model: ModelSpec, steps: int, batch_size: int, remainder: int = 0) -> EpochBatches:
    """An epoch of this shape on the first image alone, with draws of zeros: to compile with."""
    return EpochBatches(
        np.zeros((steps, batch_size), np.int32),
        np.zeros(remainder, np.int32),
        blank_draws(model, steps, batch_size),
        blank_draws(model, remainder) if remainder else (),
    )
