"""The optimizers as pure functions of JAX: the written updates, and those of Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from bench.contract import OptimizerSpec
from impls._written.updates import Tree, updated_trees
from impls.keras.stock import buffer_places, make, sign


class WrittenRule:
    """An update of `impls._written`; see `impls._jax.training.Rule`."""

    def __init__(self, spec: OptimizerSpec) -> None:
        self._spec = spec

    def init(self, parameters: Tree) -> dict[str, Any]:
        """See `Rule.init`: the count of steps, and the buffers by name."""
        buffers = {
            name: {path: jnp.zeros_like(p) for path, p in parameters.items()}
            for name in self._spec.buffers
        }
        return {"steps": jnp.int32(0), **buffers}

    def update(
        self, parameters: Tree, gradients: Tree, state: dict[str, Any], rate: jax.Array
    ) -> tuple[Tree, dict[str, Any]]:
        """See `Rule.update`."""
        steps = state["steps"] + 1
        buffers = {name: state[name] for name in self._spec.buffers}
        moved, after = updated_trees(
            *(jnp, self._spec, parameters, gradients, buffers, steps.astype(jnp.float32), rate)
        )
        return moved, {"steps": steps, **after}

    def buffer(self, state: dict[str, Any], name: str) -> Tree:
        """See `Rule.buffer`."""
        tree: Tree = state[name]
        return tree

    def set_state(
        self, state: dict[str, Any], steps: int, buffers: Mapping[str, Tree]
    ) -> dict[str, Any]:
        """See `Rule.set_state`."""
        return {**state, **buffers, "steps": np.int32(steps)}


class StockRule:
    """An optimizer of Keras's, by its `stateless_apply`; see `impls._jax.training.Rule`.

    weights  by canonical path
    """

    def __init__(self, spec: OptimizerSpec, weights: Mapping[str, keras.Variable]) -> None:
        self._spec = spec
        self._paths = [*weights]
        self._optimizer = make(spec, [*weights.values()])
        self._places = buffer_places(spec, self._optimizer)
        names = [variable.path.rpartition("/")[2] for variable in self._optimizer.variables]
        self._rate_at, self._steps_at = names.index("learning_rate"), names.index("iteration")

    def init(self, parameters: Tree) -> list[Any]:
        """See `Rule.init`: values of Keras's variables, copied, since steps take their memory."""
        return [np.array(variable.value) for variable in self._optimizer.variables]

    def update(
        self, parameters: Tree, gradients: Tree, state: Sequence[Any], rate: jax.Array
    ) -> tuple[Tree, list[Any]]:
        """See `Rule.update`."""
        given = [*state]
        given[self._rate_at] = rate
        moved, after = self._optimizer.stateless_apply(
            given,
            [gradients[path] for path in self._paths],
            [parameters[path] for path in self._paths],
        )
        return dict(zip(self._paths, moved, strict=True)), after

    def buffer(self, state: Sequence[Any], name: str) -> Tree:
        """See `Rule.buffer`."""
        factor = sign(self._spec, name)
        own = [state[place] * np.float32(factor) for place in self._places[name]]
        return dict(zip(self._paths, own, strict=True))

    def set_state(self, state: Sequence[Any], steps: int, buffers: Mapping[str, Tree]) -> list[Any]:
        """See `Rule.set_state`."""
        after = [*state]
        after[self._steps_at] = np.asarray(steps, after[self._steps_at].dtype)
        for name, tree in buffers.items():
            factor = np.float32(sign(self._spec, name))
            for place, path in zip(self._places[name], self._paths, strict=True):
                after[place] = tree[path] * factor
        return after
