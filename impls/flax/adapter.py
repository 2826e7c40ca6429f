"""Flax NNX and Optax behind the adapter interface; all but the network is in `impls._jax`."""

from __future__ import annotations

from dataclasses import dataclass

import flax
import jax
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from bench.contract import ModelSpec, Parameters
from impls._jax.adapter import JaxAdapter
from impls._jax.training import Draws, Random
from impls.flax.model import Network, Tree, flax_paths


@dataclass(frozen=True)
class PureNetwork:
    """A network of Flax NNX as a function of its parameters; see `impls._jax.training.Network`."""

    graph: nnx.GraphDef[Network]

    def __call__(
        self, parameters: Tree, images: jax.Array, draws: Draws = (), random: Random = None
    ) -> tuple[jax.Array, Random]:
        """Logits (B, classes); a key is the root of streams, one for each kind of numbers."""
        network = nnx.merge(self.graph, parameters)
        if random is None:
            return network(images, draws), None
        after, now = jax.random.split(random)
        return network(images, draws, nnx.Rngs(now)), after


class FlaxAdapter(JaxAdapter):
    """Flax NNX in its functional form."""

    def network(self, model: ModelSpec) -> PureNetwork:
        """Shapes only: the parameters are given, so none is drawn."""
        graph, _ = nnx.split(nnx.eval_shape(lambda: Network(model, nnx.Rngs(0))))
        return PureNetwork(graph)

    def to_tree(self, model: ModelSpec, canonical: Parameters) -> Tree:
        """See `JaxAdapter.to_tree`; the layouts are the same."""
        tree: Tree = {}
        for path, (layer, name) in flax_paths(model).items():
            tree.setdefault(layer, {})[name] = canonical[path]
        return tree

    def to_canonical(self, model: ModelSpec, tree: Tree) -> dict[str, NDArray[np.float32]]:
        """See `JaxAdapter.to_canonical`."""
        return {path: tree[layer][name] for path, (layer, name) in flax_paths(model).items()}

    def packages(self) -> dict[str, str]:
        """See `JaxAdapter.packages`."""
        return {"flax": flax.__version__}
