"""An adapter to begin with: what training and proof need is abstract, the rest has defaults.

| tier | methods | without them |
|---|---|---|
| *prove* | `build`, `load`, `train_epoch`, `predict`, `gradients`, `export` | no adapter |
| *time* | `synchronize` | the harness waits by `export`: right, and slower |
| | `compile`; `changed_by_steps` or `snapshot`, `restore` | no `compile_s`: an epoch pays |
| | `compiled_since` | no `compiling_windows`: windows count with a compilation in them |
| | `dispatches_ahead` | the calling thread counts as one of those that compute |
| *travel* | `export_optimizer`, `restore_optimizer` | no checkpoints, and none to go on from |
| *extras* | `devices`, `optimizers` | the CPU; all four, in PyTorch's definitions |
| | `memory`, `multiply`, `versions` | no `peak_device_bytes`, `matrix_gflop_per_s`, `versions` |
| | `make_deterministic` | `--deterministic` is refused |
| | `step_part` | `bench profile` leaves it out |
| | numbers of its own: `generator` in `Framework.own` | the harness draws in every regime |

What is left out is so by one way: the method raises `NotSupportedError` with a reason, and the
record (`left_out`), or the check of the certificate, has that reason. What a person asked for and
cannot have, as `--deterministic` or an optimizer, makes the cell `unavailable` for the same reason.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.choices import Device, OptimizerName
from bench.contract.adapter import Images, Labels, Matrix, OptimizerState, Parameters
from bench.contract.batches import EpochBatches, Indices
from bench.contract.layers import ModelSpec
from bench.contract.optimizer import OptimizerSpec
from bench.contract.random_inputs import Draws
from bench.contract.step_parts import StepPart, StepWork
from bench.errors import NotSupportedError

FEW_STEPS = 3  # that are enough to compile where their number is no part of a program


class AdapterBase(ABC):
    """Implements `bench.contract.Adapter`, whose docstrings say what each method is to do.

    changed_by_steps  the attributes that hold what a training step changes: parameters, buffers,
                      counts, keys of random numbers. `copy.deepcopy` must copy them, and nothing
                      else may hold on to them. Empty: cannot be told by attributes.
    dispatches_ahead  whether other threads compute a step while the calling thread, which computes
                      nothing, prepares the next. The certificate counts the threads that compute.
    """

    optimizers: Mapping[OptimizerName, Collection[str]] = {
        "sgd": (),
        "rmsprop": (),
        "adam": (),
        "adamw": (),
    }
    changed_by_steps: ClassVar[tuple[str, ...]] = ()
    dispatches_ahead: ClassVar[bool] = False

    def devices(self) -> tuple[Device, ...]:
        """See `Adapter.devices`."""
        return ("cpu",)

    # Prove

    @abstractmethod
    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`."""

    @abstractmethod
    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`."""

    @abstractmethod
    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""

    @abstractmethod
    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`."""

    @abstractmethod
    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""

    @abstractmethod
    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""

    # Time

    def synchronize(self) -> None:
        """See `Adapter.synchronize`: the parameters cannot be had before the last step is done."""
        self.export()

    @property
    def compiles_for_steps(self) -> bool:
        """Whether a program is compiled for a number of steps, as a scan over them is.

        False: a few steps of each size of batch compile all that there is, and `compile` takes a
        few. True is right for all, and costs an epoch.
        """
        return True

    def compile(self, epoch: EpochBatches) -> None:
        """See `Adapter.compile`: trains, at a learning rate of 0."""
        self.train_epoch(epoch if self.compiles_for_steps else epoch.beginning(FEW_STEPS), 0.0)

    def snapshot(self) -> object:
        """See `Adapter.snapshot`; the attributes are set aside, and steps go on with copies."""
        if not self.changed_by_steps:
            raise NotSupportedError(
                "the adapter does not say what a step changes (changed_by_steps)"
            )
        kept = {name: getattr(self, name) for name in self.changed_by_steps}
        vars(self).update(copy.deepcopy(kept))
        return kept

    def restore(self, snapshot: Any) -> None:
        """See `Adapter.restore`."""
        vars(self).update(snapshot)

    def compiled_since(self) -> bool:
        """See `Adapter.compiled_since`."""
        raise _absent("compiled_since")

    # Travel

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        raise _absent("export_optimizer")

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        raise _absent("restore_optimizer")

    # Extras

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """See `Adapter.multiply`."""
        raise _absent("multiply")

    def step_part(self, part: StepPart) -> StepWork:
        """See `Adapter.step_part`."""
        raise _absent("step_part")

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        raise _absent("versions")

    def memory(self) -> int:
        """See `Adapter.memory`."""
        raise _absent("memory")

    def make_deterministic(self) -> None:
        """See `Adapter.make_deterministic`."""
        raise _absent("make_deterministic")


def _absent(method: str) -> NotSupportedError:
    return NotSupportedError(f"the adapter has no {method}")
