"""A package of Julia's behind the adapter interface: one call of it an epoch, the loop in Julia."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

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
    OptimizerName,
    OptimizerSpec,
    OptimizerState,
    Parameters,
)
from bench.errors import NotSupportedError
from impls._julia.julia import Julia
from impls._julia.layout import description, draws_to_julia, images_to_julia, to_canonical, to_julia

PREDICT_BATCH = 1000  # bounds the memory of the activations
# Beside PyTorch's definitions, those of Optimisers.jl, whose RMSProp takes no momentum.
FORMS: Mapping[OptimizerName, tuple[str, ...]] = {
    "sgd": ("rate_in_momentum",),
    "rmsprop": (),
    "adam": (),
    "adamw": (),
}
CONSTANTS = ("momentum", "weight_decay", "alpha", "beta1", "beta2", "epsilon")


class JuliaAdapter(AdapterBase):
    """Network, optimizer and training set live in Julia, in a session.

    On the CPU each of `threads` tasks of Julia's takes an even share of a batch; BLAS has one
    thread in each.

    julia     Julia with the framework's package of ours, in which are the functions that are
              called here: `impls/flux/LenetBenchFlux/src/session.jl` says what each does
    flipped   whether the library computes true convolutions
    training  the function that trains an epoch
    """

    julia: ClassVar[Julia]
    flipped: ClassVar[bool] = True
    training: ClassVar[str] = "train!"
    optimizers = FORMS
    compiles_for_steps = False  # only for types

    _model: ModelSpec
    _spec: OptimizerSpec
    _session: Any
    _device: Device = "cpu"
    _taken: int  # steps; not every rule counts them
    _counted = 0  # compilations, when `compiled_since` was asked last

    def make_deterministic(self) -> None:
        """The shares of a batch are summed in their order, as always."""

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`; Julia must have been started with at least as many threads.

        Raises:
            NotSupportedError: the library has no such layer, or not with what is asked of it.
        """
        if reason := self._lacking(model):
            raise NotSupportedError(reason)
        self._model, self._spec, self._taken = model, optimizer, 0
        values = asdict(optimizer)
        constants = (
            *((name, float(values[name])) for name in CONSTANTS),
            ("rate_in_momentum", "rate_in_momentum" in optimizer.forms),
        )
        arrays = to_julia(model, parameters, self.flipped)
        layers, where = self._layers(model), self._device_of(device)
        self._device = device
        self._session = self.julia.call(
            *("start", layers, arrays, optimizer.name, constants, threads),
            *(model.generator_seed, where),
        )

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; Julia keeps copies, on the device."""
        self.julia.call(
            "load!", self._session, images_to_julia(images), labels, self._model.classes
        )

    def snapshot(self) -> object:
        """See `Adapter.snapshot`; steps go on with a twin of the session, on the same images."""
        kept = self._session, self._taken
        self._session = self.julia.call("twin", self._session)
        return kept

    def restore(self, snapshot: Any) -> None:
        """See `Adapter.restore`."""
        self._session, self._taken = snapshot

    def compile(self, epoch: EpochBatches) -> None:
        """See `Adapter.compile`; the first time compiles these calls, too."""
        super().compile(epoch)
        self.synchronize()
        self._compilations()

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        groups = self.julia.call("groups")
        for group in epoch.groups:
            draws = draws_to_julia(self._model, group.draws)
            self.julia.call("add_group!", groups, group.rows.T, *draws)
        losses = self.julia.call_without_python(self.training, self._session, learning_rate, groups)
        self._taken += epoch.steps
        return np.array(losses, np.float32)

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`."""
        logits = [np.empty((0, self._model.classes), np.float32)]
        for start in range(0, len(images), PREDICT_BATCH):
            some = images_to_julia(images[start : start + PREDICT_BATCH])
            logits.append(
                np.asarray(self.julia.call("predict", self._session, some)).T
            )  # (n, classes)
        return np.concatenate(logits)

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""
        loss, arrays = self.julia.call("gradients", self._session, indices, self._drawn(draws))
        return float(loss), self._canonical(arrays)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return self._canonical(self.julia.call("parameters", self._session))

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        own = self.julia.call("buffers", self._session)
        buffers = {name: self._canonical(own[name]) for name in self._spec.buffers}
        return OptimizerState(self._taken, buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        arrays = tuple(
            (name, to_julia(self._model, state.buffers[name], self.flipped))
            for name in self._spec.buffers
        )
        self.julia.call("restore!", self._session, arrays, state.steps)
        self._taken = state.steps

    def synchronize(self) -> None:
        """On the CPU every call has returned its result; a GPU's queue is waited for."""
        for session in self._on_gpu():
            self.julia.call_without_python("synchronize", session)

    def compiled_since(self) -> bool:
        """See `Adapter.compiled_since`."""
        before, self._counted = self._counted, self._compilations()
        return self._counted != before

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """See `Adapter.multiply`: BLAS, with `threads` threads here and one in training; cuBLAS."""
        factor = self.julia.call("placed", self._session, matrix.T)
        product = self.julia.call_without_python("multiply", self._session, factor, times)
        return np.ascontiguousarray(np.asarray(product).T)

    def versions(self) -> dict[str, str]:
        """Julia, the packages that compute, BLAS, how many threads each has, CUDA's libraries."""
        told = [*self.julia.call("versions")]
        for session in self._on_gpu():
            told += self.julia.call("libraries", session)
        own = {str(name): str(value) for name, value in told}
        return own | {"juliacall": metadata.version("juliacall"), "numpy": np.__version__}

    def memory(self) -> int:
        """The most that the GPU's pool has given out in this process.

        What Julia's collector has not freed yet is part of it.
        """
        for session in self._on_gpu():
            if (peak := self.julia.call("peak_bytes", session)) is not None:
                return int(peak)
        raise NotSupportedError("Julia counts a GPU's memory only")

    def _compilations(self) -> int:
        """Nanoseconds that Julia has spent on compiling, and one for each kernel of a GPU's.

        Julia keeps no other count.
        """
        return int(self.julia.call("compilations", *self._on_gpu()))

    def _on_gpu(self) -> tuple[Any, ...]:
        """The session, if it is one that a GPU computes in."""
        return (self._session,) if self._device == "gpu" else ()

    def _canonical(self, arrays: Any) -> dict[str, NDArray[np.float32]]:
        return to_canonical(self._model, arrays, self.flipped)

    def _drawn(self, draws: Draws) -> Any:
        """A tuple of Julia's own arrays."""
        return self.julia.call("draws", *draws_to_julia(self._model, draws))

    def _lacking(self, model: ModelSpec) -> str | None:
        """What a network has in it that the library has not, or None."""
        return None

    def _layers(self, model: ModelSpec) -> tuple[tuple[str, Any], ...]:
        """The description of a network for the function `start`."""
        return description(model)

    def _device_of(self, name: Device) -> Any:
        """A device of Julia's."""
        return self.julia.package.CPU()
