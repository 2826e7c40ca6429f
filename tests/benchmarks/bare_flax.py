"""LeNet-5 in Flax as a plain script: what the adapter is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def max_pool(x: jax.Array) -> jax.Array:
    """2×2 in place of nnx.max_pool, whose gradient is a scatter and slow on a CPU."""
    top, bottom = (
        jnp.where(x[:, i::2, 0::2] >= x[:, i::2, 1::2], x[:, i::2, 0::2], x[:, i::2, 1::2])
        for i in (0, 1)
    )
    return jnp.where(top >= bottom, top, bottom)


class LeNet5(nnx.Module):
    """Takes (B, 32, 32, 1)."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 6, (5, 5), padding="VALID", precision="highest", rngs=rngs)
        self.conv2 = nnx.Conv(6, 16, (5, 5), padding="VALID", precision="highest", rngs=rngs)
        self.dense1 = nnx.Linear(400, 120, precision="highest", rngs=rngs)
        self.dense2 = nnx.Linear(120, 84, precision="highest", rngs=rngs)
        self.dense3 = nnx.Linear(84, 10, precision="highest", rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = max_pool(nnx.relu(self.conv1(x)))  # (B, 14, 14, 6)
        x = max_pool(nnx.relu(self.conv2(x)))  # (B, 5, 5, 16)
        x = x.reshape(x.shape[0], -1)  # (B, 400) in the order H, W, C
        x = nnx.relu(self.dense1(x))
        x = nnx.relu(self.dense2(x))
        return self.dense3(x)


def bare(
    images: np.ndarray,
    labels: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    learning_rate: float,
    momentum: float,
    device: str,
    threads: int,  # JAX takes as many as NPROC says, or else as there are CPUs
) -> Callable[[np.ndarray], np.ndarray]:
    where = jax.devices(device)[0]
    x, y = jax.device_put((images, labels), where)
    graph, _ = nnx.split(LeNet5(nnx.Rngs(0)))
    weights: dict[str, dict[str, jax.Array]] = {}
    for path, value in parameters.items():
        layer, part = path.split("/")
        weights.setdefault(layer, {})[part] = jax.device_put(value, where, may_alias=False)
    optimizer = optax.sgd(learning_rate, momentum)
    state = (weights, jax.device_put(optimizer.init(weights), where))

    def loss_of(weights, rows):
        logits = nnx.merge(graph, weights)(x[rows])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[rows]).mean()

    def step(state, rows):
        weights, buffers = state
        loss, gradients = jax.value_and_grad(loss_of)(weights, rows)
        updates, buffers = optimizer.update(gradients, buffers, weights)
        return (optax.apply_updates(weights, updates), buffers), loss

    one_step = jax.jit(step, donate_argnums=0)
    all_steps = jax.jit(partial(jax.lax.scan, step), donate_argnums=0)

    def epoch(batches: np.ndarray) -> np.ndarray:
        nonlocal state
        if device == "gpu":
            state, losses = all_steps(state, batches)
            return np.asarray(jax.block_until_ready((losses, state))[0])
        losses = []
        for rows in batches:
            state, loss = one_step(state, rows)
            losses.append(loss)
        return np.stack(jax.device_get(jax.block_until_ready((losses, state))[0]))

    return epoch
