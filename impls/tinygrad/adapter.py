"""tinygrad behind the adapter interface: a training step is one captured program."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tinygrad import Device as Devices
from tinygrad import Tensor, TinyJit
from tinygrad.helpers import NUM_CPU_THREADS, PARALLEL

from bench.contract import (
    AdapterBase,
    Device,
    Draws,
    EpochBatches,
    Images,
    Indices,
    Labels,
    Matrix,
    ModelSpec,
    OptimizerSpec,
    OptimizerState,
    Parameters,
    require_draws,
)
from bench.errors import UnavailableError
from impls._written.network import logits
from impls._written.updates import updated_trees
from impls.tinygrad.compiler import CLANG
from impls.tinygrad.model import (
    CHANNELS_FIRST,
    OPERATIONS,
    Tree,
    on_device,
    to_canonical,
    to_tinygrad,
)

PREDICT_BATCH = 1000  # bounds the memory of the activations
GPUS = ("METAL", "AMD", "NV", "CUDA", "QCOM", "CL")  # tinygrad's names, in its own order


class TinygradAdapter(AdapterBase):
    """A step is captured once for each size of a batch, by TinyJit, and then repeated.

    What a step changes is assigned in place: a captured program reads and writes the same buffers.
    """

    compiles_for_steps = False

    _model: ModelSpec
    _spec: OptimizerSpec
    _on = "CPU"  # the device by tinygrad's name; asked for before a network is built, too
    _threads: int
    _parameters: Tree
    _buffers: dict[str, Tree]
    _steps: Tensor  # float32 (), as the learning rate is
    _rate: Tensor
    _images: Tensor
    _labels: Tensor
    _programs: dict[tuple[str, int], Callable[..., Tensor]]
    _captured = 0  # how often a program was, and how often when `compiled_since` was asked last
    _counted = 0

    def devices(self) -> tuple[Device, ...]:
        """See `Adapter.devices`."""
        return ("cpu",) if _gpu() is None else ("cpu", "gpu")

    def make_deterministic(self) -> None:
        """A kernel of tinygrad's sums in one order."""

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`."""
        on = "CPU" if device == "cpu" else _gpu()
        if on is None:
            raise UnavailableError(
                "tinygrad sees no gpu here: install its driver, or take the device cpu"
            )
        NUM_CPU_THREADS.value = threads
        PARALLEL.value = 0  # processes that compile would stay when they are done
        self._model, self._spec, self._on = model, optimizer, on
        self._parameters = to_tinygrad(parameters, on)
        self._buffers = {
            name: to_tinygrad({path: np.zeros_like(p) for path, p in parameters.items()}, on)
            for name in optimizer.buffers
        }
        self._steps, self._rate = (on_device(np.zeros(1, np.float32), on) for _ in range(2))
        self._programs = {}

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`."""
        self._images = on_device(images.transpose(CHANNELS_FIRST), self._on)
        self._labels = on_device(labels, self._on)
        self._programs.clear()

    def compile(self, epoch: EpochBatches) -> None:
        """See `Adapter.compile`; twice, for a program is captured when it is called again."""
        for _ in range(2):
            super().compile(epoch)

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        self._put(self._rate, np.float32(learning_rate))
        losses = []
        for rows, draws in epoch.each():
            require_draws(self._model, draws)
            step = self._program("step", len(rows), self._step)
            losses.append(step(*(on_device(array, self._on) for array in (rows, *draws))).item())
        return np.array(losses, np.float32)

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`."""
        parts = [np.empty((0, self._model.classes), np.float32)]
        for start in range(0, len(images), PREDICT_BATCH):
            some = images[start : start + PREDICT_BATCH].transpose(CHANNELS_FIRST)
            program = self._program("logits", len(some), self._logits)
            parts.append(program(on_device(some, self._on)).numpy())
        return np.concatenate(parts)

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""
        require_draws(self._model, draws)
        placed = [on_device(array, self._on) for array in (indices, *draws)]
        loss, gradients = self._loss_and_gradients(*placed)
        Tensor.realize(loss, *gradients.values())
        return float(loss.item()), to_canonical(gradients)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return to_canonical(self._parameters)

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        buffers = {name: to_canonical(tree) for name, tree in self._buffers.items()}
        return OptimizerState(int(self._steps.item()), buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        for name, tree in self._buffers.items():
            for path, tensor in to_tinygrad(state.buffers[name], self._on).items():
                tree[path].assign(tensor).realize()
        self._put(self._steps, np.float32(state.steps))

    def snapshot(self) -> object:
        """See `Adapter.snapshot`."""
        return [tensor.clone().realize() for tensor in self._changed()]

    def restore(self, snapshot: Any) -> None:
        """See `Adapter.restore`."""
        for tensor, kept in zip(self._changed(), snapshot, strict=True):
            tensor.assign(kept).realize()

    def synchronize(self) -> None:
        """See `Adapter.synchronize`."""
        Devices[self._on].synchronize()

    def compiled_since(self) -> bool:
        """See `Adapter.compiled_since`: whether a program was captured."""
        before, self._counted = self._counted, self._captured
        return self._counted != before

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """See `Adapter.multiply`."""
        factor = product = on_device(matrix, self._on)
        for _ in range(times):
            product = (factor @ product).realize()
        return product.numpy()

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        found = {"tinygrad": importlib.metadata.version("tinygrad"), "numpy": np.__version__}
        return {**found, "clang": CLANG.locked(), "device": self._on}

    def _changed(self) -> list[Tensor]:
        """What a step changes."""
        trees = (self._parameters, *self._buffers.values())
        return [self._steps, *(tensor for tree in trees for tensor in tree.values())]

    def _put(self, tensor: Tensor, value: np.float32) -> None:
        tensor.assign(on_device(np.array([value]), self._on)).realize()

    def _program(
        self, name: str, size: int, function: Callable[..., Tensor]
    ) -> Callable[..., Tensor]:
        """The function, captured for arguments of this size when it is called a second time."""
        return self._programs.setdefault((name, size), TinyJit(function))

    def _logits(self, images: Tensor) -> Tensor:
        self._captured += 1
        found: Tensor = logits(OPERATIONS, self._model, self._parameters, images)
        return found.realize()

    def _step(self, rows: Tensor, *draws: Tensor) -> Tensor:
        """A training step on these rows, (B,); the loss before it, ()."""
        self._captured += 1
        loss, gradients = self._loss_and_gradients(rows, *draws)
        steps = self._steps + 1
        moved, buffers = updated_trees(
            *(OPERATIONS, self._spec, self._parameters, gradients, self._buffers, steps),
            self._rate,
        )
        trees = [(self._parameters, moved)]
        trees += [(self._buffers[name], after) for name, after in buffers.items()]
        changed = [
            tensor.assign(after[path]) for tree, after in trees for path, tensor in tree.items()
        ]
        return loss.realize(*changed, self._steps.assign(steps))

    def _loss_and_gradients(self, rows: Tensor, *draws: Tensor) -> tuple[Tensor, Tree]:
        """Mean softmax cross-entropy over the batch, (), and its gradients."""
        images, labels = self._images[rows].contiguous(), self._labels[rows]
        found = logits(OPERATIONS, self._model, self._parameters, images, draws)
        loss = found.sparse_categorical_crossentropy(labels)
        gradients = loss.gradient(*self._parameters.values())
        return loss, dict(zip(self._parameters, gradients, strict=True))


def _gpu() -> str | None:
    """The first GPU that tinygrad can use, by its name."""
    for name in GPUS:
        with contextlib.suppress(Exception):  # each driver fails in its own way
            Devices[name]
            return name
    return None
