"""LeNet-5 in Equinox as a plain script: what the adapter is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax


def max_pool(x: jax.Array) -> jax.Array:
    """2×2 in place of eqx.nn.MaxPool2d, whose gradient is a scatter and slow on a CPU."""
    top, bottom = (
        jnp.where(x[:, i::2, 0::2] >= x[:, i::2, 1::2], x[:, i::2, 0::2], x[:, i::2, 1::2])
        for i in (0, 1)
    )
    return jnp.where(top >= bottom, top, bottom)


class LeNet5(eqx.Module):
    """Takes one image, (32, 32, 1)."""

    conv1: eqx.nn.Conv2d
    conv2: eqx.nn.Conv2d
    dense1: eqx.nn.Linear
    dense2: eqx.nn.Linear
    dense3: eqx.nn.Linear

    def __init__(self, key: jax.Array) -> None:
        keys = jax.random.split(key, 5)
        self.conv1 = eqx.nn.Conv2d(1, 6, 5, key=keys[0])
        self.conv2 = eqx.nn.Conv2d(6, 16, 5, key=keys[1])
        self.dense1 = eqx.nn.Linear(400, 120, key=keys[2])
        self.dense2 = eqx.nn.Linear(120, 84, key=keys[3])
        self.dense3 = eqx.nn.Linear(84, 10, key=keys[4])

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jnp.moveaxis(x, -1, 0)  # (1, 32, 32)
        x = max_pool(jax.nn.relu(self.conv1(x)))  # (6, 14, 14)
        x = max_pool(jax.nn.relu(self.conv2(x)))  # (16, 5, 5)
        x = jnp.moveaxis(x, 0, -1).ravel()  # (400,) in the order H, W, C
        x = jax.nn.relu(self.dense1(x))
        x = jax.nn.relu(self.dense2(x))
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
    jax.config.update("jax_default_matmul_precision", "highest")
    where = jax.devices(device)[0]
    x, y = jax.device_put((images, labels), where)
    model = LeNet5(jax.random.key(0))
    for path, value in parameters.items():
        layer, part = path.split("/")
        own = {"kernel": "weight", "bias": "bias"}[part]
        turned = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
        shape = getattr(getattr(model, layer), own).shape
        array = jnp.array(value.transpose(turned).reshape(shape))
        model = eqx.tree_at(lambda m, a=layer, b=own: getattr(getattr(m, a), b), model, array)
    arrays, static = eqx.partition(model, eqx.is_array)
    optimizer = optax.sgd(learning_rate, momentum)
    state = jax.device_put((arrays, optimizer.init(arrays)), where)

    def loss_of(arrays, rows):
        logits = jax.vmap(eqx.combine(arrays, static))(x[rows])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[rows]).mean()

    def step(state, rows):
        arrays, buffers = state
        loss, gradients = jax.value_and_grad(loss_of)(arrays, rows)
        updates, buffers = optimizer.update(gradients, buffers, arrays)
        return (eqx.apply_updates(arrays, updates), buffers), loss

    one_step = jax.jit(step, donate_argnums=0)
    all_steps = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches), donate_argnums=0)

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
