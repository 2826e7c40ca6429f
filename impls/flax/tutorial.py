"""Flax NNX as its own first example for images trains, and the steps from there to the adapter.

"MNIST tutorial", https://flax.readthedocs.io/en/latest/mnist_tutorial.html: `nnx.jit` of a step
that changes model, optimizer and metrics, on batches in NumPy arrays, and the library's pooling.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from bench.contract import Draws as Arrays
from bench.contract import EpochBatches, Images, Indices, Labels, ModelSpec, OptimizerSpec
from bench.errors import NotSupportedError
from impls._jax.functions import max_pool
from impls._jax.optimizers import OptaxRule, direction
from impls._jax.training import Data, Rule, State
from impls.flax.adapter import FlaxAdapter, PureNetwork
from impls.flax.framework import LADDER
from impls.flax.model import Network, stock_max_pool

Given = Any  # an array of NumPy's or JAX's, or what stands for one while a step is traced
Changed = tuple[Network, "nnx.Optimizer[Network]", nnx.MultiMetric]


class FlaxTutorial(FlaxAdapter):
    """The example's step with all changes of `LADDER` up to that of the variant.

    memory   images and labels are on the device, and a step gathers its batch there
    pooling  the maximum over slices, in place of `nnx.max_pool`

    The changes that are left to the plain adapter: a step is a pure function of parameters and
    buffers, which it donates, and has no metrics.
    """

    _module: Network
    _nnx_optimizer: nnx.Optimizer[Network]
    _metrics: nnx.MultiMetric
    _arrays: tuple[Images, Labels]

    def __init__(self, variant: str) -> None:
        super().__init__("step")
        before = takewhile(lambda name: name != variant, LADDER)
        self._changes = {name.partition("+")[2] for name in (*before, variant)}

    def network(self, model: ModelSpec) -> PureNetwork:
        """See `JaxAdapter.network`; the module itself is made, too."""
        if model.generator_seed is not None:
            raise NotSupportedError(
                "Flax's tutorial is trained with given random numbers only: take flax, or the "
                "regime matched"
            )
        pooling = max_pool if "pooling" in self._changes else stock_max_pool
        self._module = Network(model, nnx.Rngs(0), max_pool=pooling)
        return PureNetwork(nnx.graphdef(self._module))

    def rule(self, optimizer: OptimizerSpec) -> Rule:
        """See `JaxAdapter.rule`; with the `nnx.Optimizer` of the module."""
        added = AddedRule(optimizer)
        self._nnx_optimizer = nnx.Optimizer(self._module, added.transform, wrt=nnx.Param)
        # Its count of steps, too, lies where a step leaves it: elsewhere, JAX would compile again.
        placed = jax.device_put(nnx.state(self._nnx_optimizer), self._device)
        nnx.update(self._nnx_optimizer, placed)
        self._metrics = nnx.MultiMetric(
            accuracy=nnx.metrics.Accuracy(), loss=nnx.metrics.Average("loss")
        )
        return added

    @property
    def _state(self) -> State:
        """What module and optimizer hold."""
        parameters = nnx.to_pure_dict(nnx.state(self._module, nnx.Param))
        return State(parameters, nnx.as_pure(self._nnx_optimizer.opt_state))

    @_state.setter
    def _state(self, state: State) -> None:
        nnx.update(self._module, jax.tree.map(jnp.array, state.parameters))
        buffers = jax.tree.map(jnp.array, state.buffers)
        nnx.update(self._nnx_optimizer.opt_state, nnx.state(buffers))

    def snapshot(self) -> object:
        """See `Adapter.snapshot`; `nnx.jit` donates nothing."""
        return self._state, self._taken

    def restore(self, snapshot: Any) -> None:
        """See `Adapter.restore`."""
        self._state, self._taken = snapshot

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; NumPy's arrays are copies."""
        super().load(images, labels)
        self._arrays = np.array(images), np.array(labels)

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        losses: list[Any] = [np.empty(0, np.float32)]
        changed = self._module, self._nnx_optimizer, self._metrics
        rate = np.float32(learning_rate)
        with jax.default_device(self._device):
            self._metrics.reset()
            for group in epoch.groups:
                for rows, draws in group.each():
                    losses.append(self._step(changed, rows, draws, rate))
        self._taken += epoch.steps
        return np.hstack(jax.device_get(losses))

    def _step(self, changed: Changed, rows: Indices, draws: Arrays, rate: Given) -> jax.Array:
        if "memory" in self._changes:
            return step_in_memory(*changed, self._data, rows, draws, rate)
        images, labels = (array[rows] for array in self._arrays)
        return step(*changed, images, labels, draws, rate)


class AddedRule(OptaxRule):
    """As `OptaxRule`, of a transform whose result is added: that is what Optax's own give."""

    def __init__(self, spec: OptimizerSpec) -> None:
        self.transform = optax.chain(direction(spec), optax.scale(-1.0))
        self._transform = self.transform


@nnx.jit
def step(
    model: Network,
    optimizer: nnx.Optimizer[Network],
    metrics: nnx.MultiMetric,
    images: Given,
    labels: Given,
    draws: Given,
    rate: Given,
) -> jax.Array:
    """One step on images (B, H, W, C); the loss before it, ()."""

    def loss_of(model: Network) -> tuple[jax.Array, jax.Array]:
        logits = model(images, draws)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean(), logits

    (loss, logits), gradients = nnx.value_and_grad(loss_of, has_aux=True)(model)
    metrics.update(loss=loss, logits=logits, labels=labels)
    optimizer.update(model, gradients, rate=rate)
    before: jax.Array = loss
    return before


@nnx.jit
def step_in_memory(
    model: Network,
    optimizer: nnx.Optimizer[Network],
    metrics: nnx.MultiMetric,
    data: Data,
    rows: Given,
    draws: Given,
    rate: Given,
) -> jax.Array:
    """One step on the images in these rows, (B,); the loss before it, ()."""
    images, labels = (jnp.take(part, rows, axis=0, mode="clip") for part in data)
    return step(model, optimizer, metrics, images, labels, draws, rate)
