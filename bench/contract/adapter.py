"""What an adapter is to the harness; what goes in and what comes out is NumPy.

Which of it an adapter must have, and what is done without the rest, is in `bench.contract.base`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.choices import Device, OptimizerName
from bench.contract.batches import EpochBatches, Indices
from bench.contract.layers import ModelSpec
from bench.contract.optimizer import OptimizerSpec
from bench.contract.random_inputs import Draws

if TYPE_CHECKING:
    from bench.contract.step_parts import StepPart, StepWork

Images = NDArray[np.float32]
Labels = NDArray[np.int32]
Parameters = Mapping[str, NDArray[np.float32]]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class OptimizerState:
    """What an optimizer remembers between steps.

    steps    how many have been taken
    buffers  for each of `OptimizerSpec.buffers` a canonical tree, shaped as the parameters
    """

    steps: int
    buffers: Mapping[str, Parameters]


class Adapter(Protocol):
    """One framework behind the interface that the worker drives.

    The worker makes one per process and calls, in this order: `devices`, `build`, `load`,
    `compile`, then `train_epoch` and `predict` in turns. Rules for an implementation:

    - float32 throughout: no TF32, no bfloat16, no fast-math.
    - Loss: softmax cross-entropy of the logits, mean over the images of the batch.
    - Never read a clock, print, or seed a global generator; but the one that random layers of the
      framework draw from, where a model has a `generator_seed` and they can be given no other.
    - Import the framework when the adapter's module is imported, not earlier.
    - What it cannot do raises `NotSupportedError` with the reason, as all that is optional does in
      `AdapterBase`. The harness leaves it out and keeps the reason.
    """

    @property
    def optimizers(self) -> Mapping[OptimizerName, Collection[str]]:
        """The optimizers that it has, each with what it has of `OptimizerSpec.forms`.

        Plain SGD must be among them. The harness asks for no other: see `require_optimizer`.
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

        `parameters` are canonical, may be read-only, and are copied: who has given them may write
        into them afterwards. `threads` is how many CPU threads the
        framework may compute with; it must be set before the framework's first operation.
        May be called again, and then begins anew, as does a generator of the framework's own.
        """

    def load(self, images: Images, labels: Labels) -> None:
        """Put the training set, (N, H, W, C) and (N,), where and as the framework likes it."""

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """Take one step a batch, in order; return each step's loss before its update, (steps,).

        `epoch.groups` are the batches, in groups of one size. The losses come to the host in one
        transfer, at the end. Where something in the network is random, it is the group's draws,
        and nothing is drawn here; but with a `generator_seed` there are no draws, and every step
        has new numbers of the framework's own.
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

    def synchronize(self) -> None:
        """Return only when everything that was asked of the device is done."""

    def compile(self, epoch: EpochBatches) -> None:
        """Do now what would otherwise make the first epoch of this shape slower than the others.

        Trace, compile, choose kernels. Every row of the epoch is 0 and every draw is 0: only the
        shapes count. It may train on it, since the harness puts back what steps change: see
        `bench.contract.compile_for`.
        """

    def snapshot(self) -> object:
        """What steps change, set aside so that later steps do not change it.

        Parameters, the optimizer's buffers and step count, the state of a generator of its own.
        Nobody but `restore` looks into it.
        """

    def restore(self, snapshot: object) -> None:
        """Go on from what `snapshot` gave, bit for bit; used once."""

    def compiled_since(self) -> bool:
        """Whether anything was traced or compiled since this was asked last.

        The first answer after `build` may be either. A timed window with something compiled in it
        does not count. A framework that compiles nothing says False.
        """

    def export_optimizer(self) -> OptimizerState:
        """The optimizer's buffers and step count, as copies that later steps do not change."""

    def restore_optimizer(self, state: OptimizerState) -> None:
        """Continue from this state: called after `build`, with the same kind of optimizer.

        The arrays may be read-only and are copied.
        """

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """The product of so many matrices and one more, all of them this one: matrix^(times + 1).

        One product after the other of float32 (n, n) on the device and with the threads of
        `build`, by the operation that dense layers use. It is timed, to learn what the machine
        could reach; the way there and back is timed by itself, with `times` 0, and taken off.
        """

    def step_part(self, part: StepPart) -> StepWork:
        """A part of a training step of what was built and loaded, ready to be done alone.

        By the same code, layouts and kernels as within a step, so far as it can be: what is timed
        tells where the time of a step goes. The adapter is used for nothing else afterwards.
        """

    def versions(self) -> dict[str, str]:
        """What computes: packages and libraries, each with its version or build."""

    def memory(self) -> int:
        """The device's peak use in bytes by the framework's own counter."""

    def make_deterministic(self) -> None:
        """Hold all that follows to operations which give the same bits every time.

        On the CPU and with the same number of threads; called before `build`.
        """
