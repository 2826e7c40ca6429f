"""What an adapter is; what goes in and what comes out is NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bench.choices import Device
from bench.contract.layers import ModelSpec
from bench.contract.optimizer import OptimizerSpec
from bench.contract.random_inputs import Draws

Images = NDArray[np.float32]
Labels = NDArray[np.int32]
Indices = NDArray[np.int32]
Parameters = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class OptimizerState:
    """What an optimizer remembers between steps.

    steps    how many have been taken
    buffers  for each of `OptimizerSpec.buffers` a canonical tree, shaped as the parameters
    """

    steps: int
    buffers: Mapping[str, Parameters]


@dataclass(frozen=True, slots=True)
class EpochBatches:
    """Which images each step of an epoch trains on: rows of what `Adapter.load` was given.

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
    def steps(self) -> int:
        """Optimizer steps in the epoch, the remainder's included."""
        return int(self.batches.shape[0]) + (self.remainder.size > 0)

    @property
    def images(self) -> int:
        """Images consumed in the epoch."""
        return int(self.batches.size + self.remainder.size)

    def each(self) -> Iterator[tuple[Indices, Draws]]:
        """The indices (B,) of each step with its draws (B, *shape), the remainder's included."""
        for step, rows in enumerate(self.batches):
            yield rows, tuple(draw[step] for draw in self.draws)
        if self.remainder.size:
            yield self.remainder, self.remainder_draws

    def sizes(self) -> NDArray[np.int64]:
        """Images in each step, (steps,): the weights of a mean over the epoch's losses."""
        full = np.full(self.batches.shape[0], self.batches.shape[1], dtype=np.int64)
        return np.append(full, self.remainder.size) if self.remainder.size else full


class Adapter(Protocol):
    """One framework behind the interface that the worker drives.

    The worker makes one per process and calls, in this order: `devices`, `build`, `load`,
    `compile`, then `train_epoch` and `predict` in turns. Rules for an implementation:

    - float32 throughout: no TF32, no bfloat16, no fast-math.
    - Loss: softmax cross-entropy of the logits, mean over the images of the batch.
    - Never read a clock, print, or seed a global generator; but the one that random layers of the
      framework draw from, where a model has a `generator_seed` and they can be given no other.
    - Import the framework when the adapter's module is imported, not earlier.
    """

    def devices(self) -> tuple[Device, ...]:
        """The kinds of device that the framework can compute on here, `cpu` first."""

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """Make the network with these parameters, and the optimizer with empty buffers.

        `parameters` are canonical and may be read-only. `threads` is how many CPU threads the
        framework may compute with; it must be set before the framework's first operation.
        May be called again, and then begins anew, as does a generator of the framework's own.
        """

    def load(self, images: Images, labels: Labels) -> None:
        """Put the training set, (N, H, W, C) and (N,), where and as the framework likes it."""

    def compile(self, steps: int, batch_size: int, remainder: int) -> None:
        """Do now what would otherwise make the first epoch of this shape slower than the others.

        Trace, compile, choose kernels; with draws where the network takes some, see
        `contract.blank_draws`. Parameters and optimizer state are afterwards what they
        were before, bit for bit; so is a generator of the framework's own.
        """

    def train_epoch(self, order: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """Take one step a batch, in order; return each step's loss before its update, (steps,).

        The losses come to the host in one transfer, at the end. Where something in the network is
        random, it is `order.draws` in every step, and nothing is drawn here; but with a
        `generator_seed` there are no draws, and every step has new numbers of the framework's own.
        """

    def predict(self, images: Images) -> NDArray[np.float32]:
        """The logits, (n, classes), of images (n, H, W, C) that need not have been loaded.

        Nothing is random: no dropout, no noise, the mean of the slopes.
        """

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """Loss and canonical gradients for one batch of loaded images; changes nothing.

        As in training, with draws (B, *shape) for each of `ModelSpec.drawn`. With a generator of
        the framework's own, with numbers of that, which training may get once more.
        """

    def export(self) -> dict[str, NDArray[np.float32]]:
        """The current parameters, canonical, as copies that later steps do not change."""

    def export_optimizer(self) -> OptimizerState:
        """The optimizer's buffers and step count, as copies that later steps do not change."""

    def restore_optimizer(self, state: OptimizerState) -> None:
        """Continue from this state: called after `build`, with the same kind of optimizer.

        The arrays may be read-only and are copied.
        """

    def synchronize(self) -> None:
        """Return only when everything that was asked of the device is done."""

    def compilations(self) -> int:
        """How often anything was traced or compiled so far: it grows with each, by any amount.

        0 for a framework that compiles nothing. A timed window in which it grows does not count.
        """

    def multiply(self, size: int, times: int) -> None:
        """Multiply two float32 matrices, (size, size), so many times; return when that is done.

        On the device and with the threads of `build`, by the product that dense layers use. The
        first call with a `size` may make matrices and compile; the harness times later ones, to
        learn what the machine could reach.
        """

    def versions(self) -> dict[str, str]:
        """What computes: packages and libraries, each with its version or build."""

    def memory(self) -> int | None:
        """The device's peak use in bytes by the framework's own counter; None where it has none."""


@runtime_checkable
class Deterministic(Protocol):
    """An adapter that can be held to operations which give the same bits every time."""

    def make_deterministic(self) -> None:
        """From now on, on the CPU and with the same number of threads; called before `build`."""
