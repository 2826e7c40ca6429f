"""Loss, step and epoch as pure functions of a state; what the adapter compiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax
from jax import lax

Tree = Any  # a network's parameters as a pytree of arrays, as its library arranges them
Data = tuple[jax.Array, jax.Array]  # images (N, H, W, C) float32, labels (N,) int32
Draws = tuple[jax.Array, ...]  # those of the network in its order, or none
Random = Any  # a pytree from which a library draws, such as a key; None where nothing is drawn


class Network(Protocol):
    """A network without its parameters.

    It can be hashed, and equals every other that computes the same: JAX compiles once for all of
    them.
    """

    def __call__(
        self, parameters: Tree, images: jax.Array, draws: Draws = (), random: Random = None
    ) -> tuple[jax.Array, Random]:
        """Images (B, H, W, C) → logits (B, classes), float32, and the state of random numbers.

        With draws (B, *shape), or with a state to draw by itself, as in training; with neither, as
        in evaluation. The state that comes back is for the next call.
        """

    def __hash__(self) -> int: ...


class Rule(Protocol):
    """An optimizer as pure functions; a constant of what is compiled with it."""

    def init(self, parameters: Tree) -> Any:
        """Its state before the first step: empty buffers."""

    def update(
        self, parameters: Tree, gradients: Tree, state: Any, rate: jax.Array
    ) -> tuple[Tree, Any]:
        """The parameters after a step, and its state; the learning rate is float32 ()."""

    def buffer(self, state: Any, name: str) -> Tree:
        """A buffer by the contract's name: a tree like the parameters'."""

    def set_state(self, state: Any, steps: int, buffers: Mapping[str, Tree]) -> Any:
        """The state after so many steps, with these buffers."""


class State(NamedTuple):
    """What training changes; donated to every call, which works in its place.

    random  the state of the random numbers to come, where the network draws by itself
    """

    parameters: Tree
    buffers: Any
    random: Random = None


# (state, data, indices, learning rate, draws) → (next state, losses)
Train = Callable[[State, Data, jax.Array, jax.Array, Draws], tuple[State, jax.Array]]


def trainer(network: Network, rule: Rule) -> Train:
    """The function that takes one step on indices (B,), or one on each row of (steps, B).

    The draws have the same leading axes as the indices. The losses are () or (steps,). The network
    and the rule are constants of its compilation.
    """

    def step(
        data: Data, rate: jax.Array, state: State, batch: tuple[jax.Array, Draws]
    ) -> tuple[State, jax.Array]:
        (loss, random), gradients = with_gradients(
            network, state.parameters, data, *batch, state.random
        )
        parameters, buffers = rule.update(state.parameters, gradients, state.buffers, rate)
        return State(parameters, buffers, random), loss

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
    random: Random = None,
) -> tuple[jax.Array, Random]:
    """Mean softmax cross-entropy over the batch, (), and the state of random numbers after it."""
    images, labels = (jnp.take(part, indices, axis=0, mode="clip") for part in data)
    logits, after = network(parameters, images, draws, random)
    return cross_entropy(logits, labels), after


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean over the batch, (), of logits (B, classes) and labels (B,)."""
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))


# ((the loss, (), and the state of random numbers), its gradient for every parameter): within a
# step, and compiled alone.
with_gradients = jax.value_and_grad(loss_of, argnums=1, has_aux=True)
loss_and_gradients = jax.jit(with_gradients, static_argnums=0)


@partial(jax.jit, static_argnums=0)
def logits_of(network: Network, parameters: Tree, images: jax.Array) -> jax.Array:
    """(B, classes)."""
    return network(parameters, images)[0]


@jax.jit
def product(one: jax.Array, other: jax.Array) -> jax.Array:
    """The product of two square matrices in float32, as the dense layers compute theirs."""
    return jnp.matmul(one, other, precision=lax.Precision.HIGHEST)
