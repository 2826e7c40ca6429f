"""LeNet-5 in Keras on JAX as a plain script: what the adapter is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
from keras import layers


class MaxPool(layers.Layer):
    """2×2 in place of keras.layers.MaxPooling2D, whose gradient is a scatter on JAX."""

    def call(self, x):
        top, bottom = (
            jnp.where(x[:, i::2, 0::2] >= x[:, i::2, 1::2], x[:, i::2, 0::2], x[:, i::2, 1::2])
            for i in (0, 1)
        )
        return jnp.where(top >= bottom, top, bottom)


def lenet5() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="relu", name="conv1"),
            MaxPool(),  # (B, 14, 14, 6)
            layers.Conv2D(16, 5, activation="relu", name="conv2"),
            MaxPool(),  # (B, 5, 5, 16)
            layers.Flatten(),  # (B, 400) in the order H, W, C
            layers.Dense(120, activation="relu", name="dense1"),
            layers.Dense(84, activation="relu", name="dense2"),
            layers.Dense(10, name="dense3"),
        ]
    )


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
    model = lenet5()
    for layer in model.layers:
        if layer.weights:
            layer.kernel.assign(parameters[f"{layer.name}/kernel"])
            layer.bias.assign(parameters[f"{layer.name}/bias"])
    # Its buffer holds the learning rate: PyTorch's momentum as long as the rate is constant.
    optimizer = keras.optimizers.SGD(learning_rate, momentum)
    optimizer.build(model.trainable_variables)
    of_both = model.trainable_variables, optimizer.variables
    state = jax.device_put(tuple([np.array(v.value) for v in own] for own in of_both), where)

    def loss_of(weights, rows):
        logits, _ = model.stateless_call(weights, [], x[rows], training=True)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[rows]).mean()

    def step(state, rows):
        weights, buffers = state
        loss, gradients = jax.value_and_grad(loss_of)(weights, rows)
        return optimizer.stateless_apply(buffers, gradients, weights), loss

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
