"""The oracle behind the adapter interface: float64 within, float32 at the interface.

The methods that end in 64 give the same results unrounded; the parity tests compare with those.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController, threadpool_limits

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
    StepPart,
    StepWork,
    require_draws,
)
from impls.reference.margins import margins
from impls.reference.model import forward, loss_and_gradients
from impls.reference.optimizers import FORMS, Optimizer
from impls.reference.step_parts import compute

Array = NDArray[np.float64]
SLICE = 64  # images at a time: the patches of a convolution fit into a cache, and memory is bounded


class ReferenceAdapter(AdapterBase):
    """NumPy in float64; on the CPU only."""

    optimizers = FORMS
    changed_by_steps = ("_parameters", "_optimizer")

    _model: ModelSpec
    _parameters: dict[str, Array]
    _optimizer: Optimizer
    _images: Images
    _labels: Labels
    _limits: threadpool_limits | None = None

    def make_deterministic(self) -> None:
        """NumPy's BLAS shares out its work by size and threads alone."""

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`; `threads` limits NumPy's BLAS."""
        self._limits = threadpool_limits(limits=threads, user_api="blas")
        self._model = model
        self._parameters = {path: p.astype(np.float64) for path, p in parameters.items()}
        self._optimizer = Optimizer(optimizer, self._parameters)

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`."""
        self._images, self._labels = images, labels

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        return self.train_epoch64(epoch, learning_rate).astype(np.float32)

    def train_epoch64(self, epoch: EpochBatches, learning_rate: float) -> Array:
        """As `train_epoch`, with the losses in float64."""
        losses = np.empty(epoch.steps)
        for step, (indices, draws) in enumerate(epoch.each()):
            losses[step], gradients = self.gradients64(indices, draws)
            self._optimizer.update(self._parameters, gradients, learning_rate)
        return losses

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`."""
        return self.predict64(images).astype(np.float32)

    def predict64(self, images: Images) -> Array:
        """As `predict`, with the logits in float64."""
        starts = range(0, len(images), SLICE)
        parts = (images[start : start + SLICE].astype(np.float64) for start in starts)
        return np.concatenate([forward(self._model, self._parameters, part)[0] for part in parts])

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""
        loss, gradients = self.gradients64(indices, draws)
        return loss, {path: g.astype(np.float32) for path, g in gradients.items()}

    def gradients64(
        self, indices: Indices, draws: Draws = (), times: NDArray[np.int64] | None = None
    ) -> tuple[float, dict[str, Array]]:
        """As `gradients`, in float64; each image counts so many `times`, (n,), where it is given.

        The batch is gone through in slices, so that memory does not grow with it.
        """
        require_draws(self._model, draws)
        counts = np.ones(len(indices)) if times is None else times.astype(np.float64)
        weights = counts / counts.sum()
        loss, gradients = 0.0, dict[str, Array]()
        for start in range(0, len(indices), SLICE):
            part = slice(start, start + SLICE)
            rows = indices[part]
            own_loss, own = loss_and_gradients(
                self._model,
                self._parameters,
                self._images[rows].astype(np.float64),
                self._labels[rows],
                weights[part],
                tuple(draw[part] for draw in draws),
            )
            loss += own_loss
            gradients = {path: gradients.get(path, 0.0) + g for path, g in own.items()}
        return loss, gradients

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return {path: p.astype(np.float32) for path, p in self._parameters.items()}

    def export64(self) -> dict[str, Array]:
        """As `export`, in float64."""
        return {path: p.copy() for path, p in self._parameters.items()}

    def margins64(self, indices: Indices, draws: Draws = ()) -> Array:
        """How far each of these loaded images is from a kink, (n,); see `margins.margins`."""
        images = self._images[indices].astype(np.float64)
        return margins(self._model, self._parameters, images, draws)

    def follow(self, parameters: Parameters) -> None:
        """Take these parameters, and keep the optimizer's buffers and step count."""
        self._parameters = {path: p.astype(np.float64) for path, p in parameters.items()}

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`; rounded to float32, as `export` is."""
        buffers = {
            name: {path: value.astype(np.float32) for path, value in own.items()}
            for name, own in self._optimizer.buffers.items()
        }
        return OptimizerState(self._optimizer.steps, buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        self._optimizer.steps = state.steps
        for name, own in self._optimizer.buffers.items():
            own.update({path: v.astype(np.float64) for path, v in state.buffers[name].items()})

    def synchronize(self) -> None:
        """NumPy returns when it is done."""

    def compile(self, epoch: EpochBatches) -> None:
        """NumPy has nothing to prepare."""

    def compiled_since(self) -> bool:
        """Never: NumPy calls kernels that are compiled already."""
        return False

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """See `Adapter.multiply`; in float32, unlike everything else here."""
        product = matrix
        for _ in range(times):
            product = matrix @ product
        return product

    def step_part(self, part: StepPart) -> StepWork:
        """See `Adapter.step_part`."""
        last: dict[str, Array] = {}

        def run(times: int) -> None:
            for _ in range(times):
                last.update(
                    compute(
                        part,
                        self._model,
                        self._parameters,
                        self._optimizer,
                        (self._images, self._labels),
                    )
                )

        run(1)
        return StepWork(run, lambda: {name: one.astype(np.float32) for name, one in last.items()})

    def versions(self) -> dict[str, str]:
        """NumPy, and the BLAS that it is linked with; not that of SciPy, which others may load."""
        every = ThreadpoolController().select(user_api="blas").info()
        own = [pool for pool in every if "numpy.libs" in Path(pool["filepath"]).parts]
        pools = own or every
        blas = ", ".join(f"{pool['internal_api']} {pool['version']}" for pool in pools)
        return {"numpy": np.__version__, "blas": blas or "unknown"}
