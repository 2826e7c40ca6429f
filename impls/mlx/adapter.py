"""MLX behind the adapter interface: on the CPU of any machine, or on a GPU."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from functools import partial
from typing import Any

import mlx.core as mx
import mlx.nn as nn
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
    OptimizerSpec,
    OptimizerState,
    Parameters,
    require_draws,
)
from bench.errors import NotSupportedError, UnavailableError
from impls._written.network import logits
from impls._written.updates import updated_trees
from impls.mlx.model import OPERATIONS, Tree, own_draws, to_canonical, to_mlx

PREDICT_BATCH = 1000  # bounds the memory of the activations

State = dict[str, Any]  # parameters, buffers by name, steps, key: what a step changes


class MlxAdapter(AdapterBase):
    """A step is a pure function, compiled by `mx.compile` once for each size of a batch.

    MLX is lazy: a step is computed when its state is asked for, which is at the end of each, as
    the examples of MLX have it. Otherwise the graph of a whole epoch would be kept.
    """

    compiles_for_steps = False

    _model: ModelSpec
    _spec: OptimizerSpec
    _device: Device
    _state: State
    _step: Callable[..., tuple[State, mx.array]]
    _images: mx.array
    _labels: mx.array
    _traced = 0  # how often a step was traced, and how often when `compiled_since` was asked last
    _counted = 0

    def devices(self) -> tuple[Device, ...]:
        """See `Adapter.devices`."""
        return ("cpu", "gpu") if mx.is_available(mx.gpu) else ("cpu",)

    def make_deterministic(self) -> None:
        """On the CPU MLX sums in one order."""

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`; on a CPU MLX computes an operation with one thread."""
        if device not in self.devices():
            raise UnavailableError(
                "MLX sees no gpu here: take a Mac with Apple silicon, or install mlx[cuda12] and "
                "the driver; or take the device cpu"
            )
        mx.set_default_device(mx.gpu if device == "gpu" else mx.cpu)
        self._model, self._spec, self._device = model, optimizer, device
        tree = to_mlx(parameters)
        seed = model.generator_seed
        self._state = {
            "parameters": tree,
            "buffers": {
                name: {path: mx.zeros_like(p) for path, p in tree.items()}
                for name in optimizer.buffers
            },
            "steps": mx.array(0.0),
            "key": None if seed is None else mx.random.key(seed),
        }
        self._step = mx.compile(self._plain_step)
        mx.eval(self._state)

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`."""
        self._images, self._labels = mx.array(images), mx.array(labels)
        mx.eval(self._images, self._labels)

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        rate, losses = mx.array(learning_rate), []
        for rows, draws in epoch.each():
            require_draws(self._model, draws)
            self._state, loss = self._step(
                *(self._state, self._images, self._labels, mx.array(rows), rate),
                [mx.array(draw) for draw in draws],
            )
            mx.eval(self._state, loss)
            losses.append(loss)
        return np.array(losses, np.float32)

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`."""
        parts = []
        for start in range(0, len(images), PREDICT_BATCH):
            batch = mx.array(images[start : start + PREDICT_BATCH])
            parts.append(
                np.array(logits(OPERATIONS, self._model, self._state["parameters"], batch))
            )
        return np.concatenate(parts)

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""
        require_draws(self._model, draws)
        loss, tree = self._loss_and_gradients(
            *(self._state["parameters"], self._images, self._labels, mx.array(indices)),
            *([mx.array(draw) for draw in draws], self._state["key"]),
        )
        return float(np.asarray(loss)), to_canonical(tree)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return to_canonical(self._state["parameters"])

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        buffers = {name: to_canonical(tree) for name, tree in self._state["buffers"].items()}
        return OptimizerState(int(self._state["steps"].item()), buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        buffers = {name: to_mlx(state.buffers[name]) for name in self._spec.buffers}
        steps = mx.array(float(state.steps))
        self._state = {**self._state, "buffers": buffers, "steps": steps}

    def snapshot(self) -> object:
        """See `Adapter.snapshot`; no array is ever changed, so that the state is its own copy."""
        return self._state

    def restore(self, snapshot: Any) -> None:
        """See `Adapter.restore`."""
        self._state = snapshot

    def synchronize(self) -> None:
        """See `Adapter.synchronize`."""
        mx.synchronize()

    def compiled_since(self) -> bool:
        """See `Adapter.compiled_since`: whether a step was traced."""
        before, self._counted = self._counted, self._traced
        return self._counted != before

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """See `Adapter.multiply`."""
        factor = product = mx.array(matrix)
        for _ in range(times):
            product = factor @ product
            mx.eval(product)
        return np.array(product)

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        return {
            "mlx": importlib.metadata.version("mlx"),
            "numpy": np.__version__,
            "device": str(mx.default_device()),
        }

    def memory(self) -> int:
        """See `Adapter.memory`."""
        if self._device == "cpu":
            raise NotSupportedError("MLX counts a GPU's memory only")
        return mx.get_peak_memory()

    def _plain_step(
        self,
        state: State,
        images: mx.array,
        labels: mx.array,
        rows: mx.array,
        rate: mx.array,
        draws: list[mx.array],
    ) -> tuple[State, mx.array]:
        """The state after a step on these rows, (B,), and the loss before it, ()."""
        self._traced += 1
        key, now = (None, None) if state["key"] is None else mx.random.split(state["key"])
        parameters, steps = state["parameters"], state["steps"] + 1
        loss, gradients = self._loss_and_gradients(parameters, images, labels, rows, draws, now)
        moved, buffers = updated_trees(
            *(OPERATIONS, self._spec, parameters, gradients, state["buffers"], steps, rate)
        )
        after = {"parameters": moved, "buffers": buffers, "steps": steps, "key": key}
        return after, loss

    def _loss_and_gradients(
        self,
        parameters: Tree,
        images: mx.array,
        labels: mx.array,
        rows: mx.array,
        draws: list[mx.array],
        key: mx.array | None,
    ) -> tuple[mx.array, Tree]:
        """Mean softmax cross-entropy over the batch, (), and its gradients."""
        return mx.value_and_grad(partial(_loss, self._model))(
            parameters, images, labels, rows, draws, key
        )


def _loss(
    model: ModelSpec,
    parameters: Tree,
    images: mx.array,
    labels: mx.array,
    rows: mx.array,
    draws: list[mx.array],
    key: mx.array | None,
) -> mx.array:
    if key is not None:
        draws = own_draws(model, key, len(rows))
    found = logits(OPERATIONS, model, parameters, mx.take(images, rows, axis=0), draws)
    return nn.losses.cross_entropy(found, mx.take(labels, rows), reduction="mean")
