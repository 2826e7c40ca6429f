"""What networks compute between their layers with weights, of whatever library these are."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from bench.contract import LEAKY_SLOPE, RRELU_HIGHEST, RRELU_LOWEST, RRELU_MEAN, Activation
from impls._written import pooling


def leaky_relu(z: jax.Array) -> jax.Array:
    """As `jax.nn.leaky_relu`, but that what is exactly 0 counts as negative."""
    return jnp.where(z > 0, z, LEAKY_SLOPE * z)


def prelu(z: jax.Array, slope: jax.Array) -> jax.Array:
    """What is positive stays, the rest times the slope (1,); z of any shape."""
    return jnp.where(z > 0, z, slope * z)


def rrelu(z: jax.Array, slopes: jax.Array | None) -> jax.Array:
    """As `prelu` with a slope an element; without slopes, in evaluation, the mean of them."""
    return jnp.where(z > 0, z, (RRELU_MEAN if slopes is None else slopes) * z)


def drawn_slopes(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """The slopes of `rrelu` in training, float32."""
    return jax.random.uniform(key, shape, minval=RRELU_LOWEST, maxval=RRELU_HIGHEST)


def _linear(z: jax.Array) -> jax.Array:
    return z


# But for prelu and rrelu, which take more than z.
ACTIVATIONS: dict[Activation, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "leakyrelu": leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "tanh": jnp.tanh,
    "none": _linear,
}


def max_pool(x: jax.Array, window: tuple[int, int]) -> jax.Array:
    """The maximum of each window of axes 1 and 2, (·, H, W, ·); the stride equals the window.

    The gradient goes to the first maximum in row-major order. `lax.reduce_window`, which libraries
    take, gives the same values and gradients, but its gradient is a scatter, while this one fuses
    with its neighbours: a training step takes a third less time on a CPU.
    """
    found: jax.Array = pooling.max_pool(jnp, x, window)
    return found
