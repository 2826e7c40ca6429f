"""Parts of a training step alone, as `bench.contract.step_parts` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bench.contract import StepWork
from impls._jax.training import Network, Tree, cross_entropy

Made = Any  # a pytree of arrays


def repeated(
    function: Callable[..., Made],
    given: tuple[Made, ...],
    named: Callable[[Made], Mapping[str, NDArray[np.float32]]],
) -> StepWork:
    """A compiled call each time, as a step of training is on a CPU.

    Each is waited for: a step needs what the one before has made, and parts that need nothing of
    each other would be computed side by side.
    """
    compiled = jax.jit(function).lower(*given).compile()
    last: list[Made] = [compiled(*given)]

    def run(times: int) -> None:
        for _ in range(times):
            last[0] = jax.block_until_ready(compiled(*given))

    return StepWork(run, lambda: dict(named(jax.tree.map(np.array, last[0]))))


def pulled(network: Network, *, inputs: bool, parameters: bool) -> Callable[..., Made]:
    """(parameters, images, above) → the output and the wanted gradients, None for the others."""

    def function(tree: Tree, images: jax.Array, above: jax.Array) -> Made:
        if not inputs and not parameters:
            return network(tree, images)[0], None, None
        output, pull = jax.vjp(lambda own, given: network(own, given)[0], tree, images)
        of_parameters, of_images = pull(above)
        return output, of_images if inputs else None, of_parameters if parameters else None

    return function


def loss_and_pull(logits: jax.Array, labels: jax.Array) -> Made:
    """The loss, (), and its gradient at the logits (B, classes)."""
    return jax.value_and_grad(cross_entropy)(logits, labels)


def gathered(images: jax.Array, labels: jax.Array, rows: jax.Array) -> Made:
    """The images and labels of these rows, (B,)."""
    return tuple(jnp.take(part, rows, axis=0, mode="clip") for part in (images, labels))
