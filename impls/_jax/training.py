"""Loss, step and epoch as pure functions of a state; what the adapter compiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax
from jax import lax

Tree = Any  # a network's parameters as a pytree of arrays, as its library arranges them
Data = tuple[jax.Array, jax.Array]  # images (N, H, W, C) float32, labels (N,) int32
Draws = tuple[jax.Array, ...]  # those of the network in its order, or none


class Network(Protocol):
    """A network without its parameters.

    It can be hashed, and equals every other that computes the same: JAX compiles once for all of
    them.
    """

    def __call__(
        self, parameters: Tree, images: jax.Array, draws: Draws = (), key: jax.Array | None = None
    ) -> jax.Array:
        """Images (B, H, W, C) → logits (B, classes), float32.

        With draws (B, *shape), or with a key to draw by itself, as in training; with neither, as in
        evaluation.
        """

    def __hash__(self) -> int: ...


class State(NamedTuple):
    """What training changes; donated to every call, which works in its place.

    key  of the random numbers to come, where the network draws by itself
    """

    parameters: Tree
    buffers: optax.OptState
    key: jax.Array | None = None


# (state, data, indices, learning rate, draws) → (next state, losses)
Train = Callable[[State, Data, jax.Array, jax.Array, Draws], tuple[State, jax.Array]]


def trainer(network: Network, transform: optax.GradientTransformationExtraArgs) -> Train:
    """The function that takes one step on indices (B,), or one on each row of (steps, B).

    The draws have the same leading axes as the indices. The losses are () or (steps,). The network
    and the transform are constants of its compilation.
    """

    def step(
        data: Data, rate: jax.Array, state: State, batch: tuple[jax.Array, Draws]
    ) -> tuple[State, jax.Array]:
        key, now = (None, None) if state.key is None else jax.random.split(state.key)
        loss, gradients = with_gradients(network, state.parameters, data, *batch, now)
        u, buffers = transform.update(gradients, state.buffers, state.parameters, rate=rate)
        parameters = optax.tree.sub(state.parameters, u)
        return State(parameters, buffers, key), loss

    def train(
        state: State, data: Data, indices: jax.Array, rate: jax.Array, draws: Draws
    ) -> tuple[State, jax.Array]:
        if indices.ndim == 1:
            return step(data, rate, state, (indices, draws))
        return lax.scan(partial(step, data, rate), state, (indices, draws))

    return train


def loss_of(
    network: Network,
    parameters: Tree,
    data: Data,
    indices: jax.Array,
    draws: Draws,
    key: jax.Array | None = None,
) -> jax.Array:
    """Mean softmax cross-entropy over the batch, (); a key gives what is random in it."""
    images, labels = (jnp.take(part, indices, axis=0, mode="clip") for part in data)
    logits = network(parameters, images, draws, key)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))


# The loss, (), and its gradient for every parameter: within a step, and compiled alone.
with_gradients = jax.value_and_grad(loss_of, argnums=1)
loss_and_gradients = jax.jit(with_gradients, static_argnums=0)


@partial(jax.jit, static_argnums=0)
def logits_of(network: Network, parameters: Tree, images: jax.Array) -> jax.Array:
    """(B, classes)."""
    return network(parameters, images)


@jax.jit
def product(one: jax.Array, other: jax.Array) -> jax.Array:
    """The product of two square matrices in float32, as the dense layers compute theirs."""
    return jnp.matmul(one, other, precision=lax.Precision.HIGHEST)
