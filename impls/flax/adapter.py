"""Flax NNX and Optax behind the adapter interface."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import flax
import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np
import optax
from flax import nnx
from jax.stages import Compiled
from numpy.typing import NDArray

from bench.contract import (
    Device,
    Draws,
    EpochBatches,
    Images,
    Indices,
    Labels,
    ModelSpec,
    OptimizerSpec,
    OptimizerState,
    Parameters,
    blank_draws,
    factor,
    require_draws,
)
from bench.errors import BenchError, UnavailableError
from impls.flax.compilations import COMPILED
from impls.flax.model import Network, Tree, flax_paths
from impls.flax.optimizers import buffer, direction, set_state
from impls.flax.training import (
    Data,
    Graph,
    State,
    Train,
    logits_of,
    loss_and_gradients,
    product,
    trainer,
)

PREDICT_BATCH = 1000  # one shape, so one compilation, for any number of images


class FlaxAdapter:
    """Flax NNX in its functional form: a step is a pure function from a state to the next.

    On a GPU an epoch is one call, a scan over its batches: no step waits for Python. On a CPU it is
    a call a step, since XLA's CPU compiler brings the convolutions of a gradient into the form that
    its fast kernels take only outside of loops; within a scan a step takes four times as long. The
    variants `scan` and `step` do the one or the other on every device.
    """

    _device: jax.Device
    _scans: bool
    _spec: ModelSpec
    _optimizer: OptimizerSpec
    _taken: int  # steps; not every transform of Optax counts them
    _network: Graph
    _train: Train
    _state: State
    _data: Data
    _executables: dict[tuple[int, ...], Compiled]  # by the shape of the indices
    _factor: jax.Array  # what `multiply` took last
    _product: jax.Array

    def __init__(self, variant: Literal["scan", "step"] | None = None) -> None:
        self._variant = variant

    def devices(self) -> tuple[Device, ...]:
        """See `Adapter.devices`."""
        return ("cpu", "gpu") if _gpus() else ("cpu",)

    def make_deterministic(self) -> None:
        """See `Deterministic`; on the CPU, XLA sums in one order that the threads do not change."""

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`.

        JAX sizes its pool of threads when it starts, from NPROC or else from the CPUs that the
        process may use; an NPROC that is not `threads` is an error.
        """
        _check_threads(threads)
        self._device = _device(device)
        self._scans = device == "gpu" if self._variant is None else self._variant == "scan"
        self._spec, self._optimizer, self._taken = model, optimizer, 0
        # Shapes only: the parameters are given, so none is drawn.
        self._network, _ = nnx.split(nnx.eval_shape(lambda: Network(model, nnx.Rngs(0))))
        tree = self._placed(parameters)
        transform = direction(optimizer)
        seed = model.generator_seed
        self._state = State(
            tree,
            jax.device_put(transform.init(tree), self._device),
            None if seed is None else jax.device_put(jax.random.key(seed), self._device),
        )
        self._train = trainer(self._network, transform)
        self._executables = {}
        self._factor = jax.device_put(np.empty((0, 0), np.float32), self._device)

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; the whole set lies in the device's memory."""
        self._data = jax.device_put((images, labels), self._device)
        self._executables = {}

    def compile(self, steps: int, batch_size: int, remainder: int) -> None:
        """See `Adapter.compile`; runs every executable once, on copies of the state."""
        order = EpochBatches(
            np.zeros((steps, batch_size), np.int32),
            np.zeros(remainder, np.int32),
            blank_draws(self._spec, steps, batch_size),
            blank_draws(self._spec, remainder),
        )
        calls = {indices.shape: (indices, draws) for indices, draws in self._calls(order)}
        for indices, draws in calls.values():
            copies = jax.tree.map(jnp.copy, self._state)
            train = self._executable(indices, draws)
            done = train(copies, self._data, indices, np.float32(0), draws)
            jax.block_until_ready(done)

    def train_epoch(self, order: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        rate = np.float32(learning_rate)
        losses = [np.empty(0, np.float32)]  # something to join, in an epoch without steps too
        for indices, draws in self._calls(order):
            train = self._executable(indices, draws)
            self._state, loss = train(self._state, self._data, indices, rate, draws)
            losses.append(loss)
        self._taken += order.steps
        return np.hstack(jax.device_get(losses))

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`; the last batch is filled up with images of zeros."""
        padding = [(0, -len(images) % PREDICT_BATCH), (0, 0), (0, 0), (0, 0)]
        batches = np.pad(images, padding).reshape(-1, PREDICT_BATCH, *self._spec.input_shape)
        logits = [
            logits_of(self._network, self._state.parameters, jax.device_put(batch, self._device))
            for batch in batches
        ]
        return np.concatenate(jax.device_get(logits))[: len(images)]

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""
        require_draws(self._spec, draws)
        loss, tree = loss_and_gradients(
            self._network, self._state.parameters, self._data, indices, draws, self._state.key
        )
        return float(loss), self._canonical(tree)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return self._canonical(self._state.parameters)

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        buffers = {
            name: self._canonical(buffer(self._state.buffers, name))
            for name in self._optimizer.buffers
        }
        return OptimizerState(self._taken, buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        buffers = {name: self._placed(state.buffers[name]) for name in self._optimizer.buffers}
        restored = set_state(self._state.buffers, state.steps, buffers)
        self._state = self._state._replace(buffers=jax.device_put(restored, self._device))
        self._taken = state.steps

    def synchronize(self) -> None:
        """See `Adapter.synchronize`; all that was queued ends in the data or in the state."""
        queued = (getattr(self, "_data", None), getattr(self, "_state", None))
        jax.block_until_ready(queued)

    def compilations(self) -> int:
        """See `Adapter.compilations`; all of XLA's in this process."""
        return COMPILED.times

    def multiply(self, size: int, times: int) -> None:
        """See `Adapter.multiply`."""
        if len(self._factor) != size:
            self._factor = jax.device_put(factor(size), self._device)
        self._product = self._factor
        for _ in range(times):
            self._product = product(self._factor, self._product)
        jax.block_until_ready(self._product)

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        device = getattr(self, "_device", jax.devices()[0])
        return {
            "flax": flax.__version__,
            "optax": optax.__version__,
            "jax": jax.__version__,
            "jaxlib": jaxlib.version.__version__,
            "numpy": np.__version__,
            "xla_platform": device.client.platform_version,
            "precision": "highest (float32)",
            "cpu_threads": str(_pool_threads()),
        }

    def memory(self) -> int | None:
        """See `Adapter.memory`; JAX counts on a GPU only."""
        statistics = self._device.memory_stats() or {}
        return statistics.get("peak_bytes_in_use")

    def _calls(self, order: EpochBatches) -> Iterator[tuple[Indices, Draws]]:
        """What each call of an executable takes: all full batches at once, or one by one."""
        if not self._scans:
            yield from order.each()
            return
        if order.batches.size:
            yield order.batches, order.draws
        if order.remainder.size:
            yield order.remainder, order.remainder_draws

    def _executable(self, indices: Indices, draws: Draws) -> Compiled:
        """Compiled for the shape of the indices, once, ahead of its first use."""
        if indices.shape not in self._executables:
            require_draws(self._spec, draws)
            self._executables[indices.shape] = (
                jax.jit(self._train, donate_argnums=0)
                .lower(self._state, self._data, indices, np.float32(0), draws)
                .compile()
            )
        return self._executables[indices.shape]

    def _placed(self, canonical: Parameters) -> Tree:
        """A canonical tree on the device, never an alias: the steps reuse the state's memory."""
        tree: Tree = {}
        for path, (layer, name) in flax_paths(self._spec).items():
            tree.setdefault(layer, {})[name] = jax.device_put(
                canonical[path], self._device, may_alias=False
            )
        return tree

    def _canonical(self, tree: Tree) -> dict[str, NDArray[np.float32]]:
        """Copies by canonical path: on a CPU an array may be a view of what a step reuses."""
        return {
            path: np.array(tree[layer][name])
            for path, (layer, name) in flax_paths(self._spec).items()
        }


def _gpus() -> list[jax.Device]:
    try:
        return jax.devices("gpu")
    except RuntimeError:  # no GPU, or a build of JAX without support for it
        return []


def _device(kind: Device) -> jax.Device:
    if kind == "cpu":
        return jax.devices("cpu")[0]
    gpus = _gpus()
    if not gpus:
        raise UnavailableError(
            "JAX sees no gpu here: install jax[cuda12] and the driver, or take the device cpu"
        )
    return gpus[0]


def _pool_threads() -> int:
    """Threads of XLA's CPU pool, as its client counts them when it starts."""
    given = os.environ.get("PJRT_NPROC") or os.environ.get("NPROC")
    return int(given) if given else _usable_cpus()


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_threads(threads: int) -> None:
    is_set = "PJRT_NPROC" in os.environ or "NPROC" in os.environ
    if is_set and _pool_threads() != threads:
        raise BenchError(
            f"JAX was to compute with {threads} threads and was started with {_pool_threads()}: "
            f"set NPROC={threads} before the process starts"
        )
