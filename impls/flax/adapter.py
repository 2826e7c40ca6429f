"""Flax NNX and Optax behind the adapter interface."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import flax
import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from bench.contract import (
    Device,
    Images,
    Indices,
    Labels,
    ModelSpec,
    OptimizerSpec,
    Order,
    Parameters,
)
from bench.errors import BenchError, UnavailableError
from impls.flax.model import Network, Tree, flax_paths
from impls.flax.optimizers import direction

PREDICT_BATCH = 1000  # one shape, so one compilation, for any number of images


class State(NamedTuple):
    """What training changes; donated to every step, which works in its place."""

    parameters: Tree
    buffers: optax.OptState


class FlaxAdapter:
    """Flax NNX in its functional form: a step is a pure function from a state to the next.

    On a GPU an epoch is one call, a scan over its batches: no step waits for Python. On a CPU it is
    a call a step, since XLA's CPU compiler brings the convolutions of a gradient into the layout
    that its fast kernels take only outside of loops; within a scan a step takes four times as long.
    """

    _device: jax.Device
    _spec: ModelSpec
    _state: State
    _data: tuple[jax.Array, jax.Array]
    _step: Callable[..., tuple[State, jax.Array]]
    _network: nnx.GraphDef[Network]

    def __init__(self) -> None:
        """Nothing is built yet."""
        self._compiled: dict[tuple[int, ...], Callable[..., tuple[State, jax.Array]]] = {}

    def devices(self) -> tuple[Device, ...]:
        """See `Adapter.devices`."""
        return ("cpu", "gpu") if _gpus() else ("cpu",)

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`.

        JAX sizes its pool of threads once, from NPROC or the process's CPUs: `threads` is only
        compared with it.
        """
        _check_threads(threads)
        self._device = _device(device)
        self._spec = model
        # Shapes only: the parameters are given, none is drawn.
        self._network, _ = nnx.split(nnx.eval_shape(lambda: Network(model, nnx.Rngs(0))))
        tree: Tree = {layer.name: {} for layer in model.weighted_layers}
        for path, (layer, name) in flax_paths(model).items():
            # A copy: on a CPU the array could share the caller's memory, which a step would reuse.
            tree[layer][name] = jax.device_put(parameters[path], self._device, may_alias=False)
        transform = direction(optimizer)
        self._state = State(tree, jax.device_put(transform.init(tree), self._device))
        self._step = functools.partial(_step, self._network, transform)
        self._compiled.clear()

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; the whole set lies in the device's memory."""
        self._data = (
            jax.device_put(images, self._device),
            jax.device_put(labels, self._device),
        )
        self._compiled.clear()

    def compile(self, steps: int, batch_size: int, remainder: int) -> None:
        """See `Adapter.compile`; runs each executable once, on a copy of the state."""
        rows = np.zeros((steps, batch_size), np.int32)
        for indices in {part.shape: part for part in self._parts(rows, rows[0, :remainder])}.values():
            copies = jax.tree.map(jnp.copy, self._state)
            jax.block_until_ready(self._executable(indices)(copies, self._data, indices, _rate(0)))

    def train_epoch(self, order: Order, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        rate = _rate(learning_rate)
        losses = []
        for indices in self._parts(order.batches, order.remainder):
            self._state, loss = self._executable(indices)(self._state, self._data, indices, rate)
            losses.append(loss)
        return np.concatenate([np.atleast_1d(loss) for loss in jax.device_get(losses)])

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`; the last batch is filled up with zeros, whose logits are cut."""
        logits = []
        for start in range(0, len(images), PREDICT_BATCH):
            batch = images[start : start + PREDICT_BATCH]
            missing = PREDICT_BATCH - len(batch)
            padded = np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0)))
            on_device = jax.device_put(padded, self._device)
            logits.append(_logits(self._network, self._state.parameters, on_device))
        return np.concatenate(jax.device_get(logits))[: len(images)]

    def gradients(self, indices: Indices) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""
        on_device = jax.device_put(indices, self._device)
        loss, tree = _gradients(self._network, self._state.parameters, *self._data, on_device)
        return float(loss), self._canonical(tree)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return self._canonical(self._state.parameters)

    def synchronize(self) -> None:
        """See `Adapter.synchronize`; every queued computation ends in the state."""
        if hasattr(self, "_state"):
            jax.block_until_ready((self._state, getattr(self, "_data", ())))

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        return {
            "flax": flax.__version__,
            "jax": jax.__version__,
            "jaxlib": jaxlib.__version__,
            "optax": optax.__version__,
            "numpy": np.__version__,
            "xla_platform": jax.devices()[0].client.platform_version,
            "xla_flags": os.environ.get("XLA_FLAGS", "none"),
            "matmul_precision": "highest",
            "cpu_threads": str(_pool_threads()),
        }

    def memory(self) -> int | None:
        """See `Adapter.memory`."""
        statistics = self._device.memory_stats() or {}
        return statistics.get("peak_bytes_in_use")

    def _canonical(self, tree: Tree) -> dict[str, NDArray[np.float32]]:
        """Copies: on a CPU an array could be a view of memory that the next step reuses."""
        host = jax.device_get(tree)
        return {path: np.array(host[layer][name]) for path, (layer, name) in self._paths.items()}

    @property
    def _paths(self) -> dict[str, tuple[str, str]]:
        return flax_paths(self._spec)
