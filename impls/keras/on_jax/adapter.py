"""Keras on JAX behind the adapter interface; all but the network is in `impls._jax`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import jax
import keras
import numpy as np
from numpy.typing import NDArray

from bench.contract import ModelSpec, OptimizerSpec, Parameters
from impls._jax.adapter import JaxAdapter
from impls._jax.functions import leaky_relu, max_pool, prelu
from impls._jax.training import Draws, Random, Rule
from impls._written.updates import FORMS, Tree
from impls.keras.activations import Functions
from impls.keras.backend import packages, require
from impls.keras.model import in_training, network, variables
from impls.keras.on_jax.rules import StockRule, WrittenRule
from impls.keras.stock import is_stock

FUNCTIONS = Functions(prelu=prelu, activations={"leakyrelu": leaky_relu}, max_pool=max_pool)


@dataclass(frozen=True)
class PureNetwork:
    """A Keras model by its `stateless_call`; see `impls._jax.training.Network`.

    paths  canonical, by the identities of the variables
    """

    spec: ModelSpec
    model: keras.Sequential = field(compare=False, repr=False)  # follows from `spec`, as the others
    training: keras.Model = field(compare=False, repr=False)
    paths: Mapping[int, str] = field(compare=False, repr=False)

    def __call__(
        self, parameters: Tree, images: jax.Array, draws: Draws = (), random: Random = None
    ) -> tuple[jax.Array, Random]:
        """Logits (B, classes); `random` are the states of the layers' own generators."""
        model = self.training if draws else self.model
        trainable = [parameters[self.paths[id(one)]] for one in model.trainable_variables]
        others = model.non_trainable_variables
        state = [one.value for one in others] if random is None else random
        # Keras leaves the precision to JAX, which takes TF32 on a GPU unless told.
        with jax.default_matmul_precision("highest"):
            logits, after = model.stateless_call(
                *(trainable, state, [images, *draws] if draws else images),
                training=bool(draws) or random is not None,
            )
        return logits, None if random is None else after


class KerasOnJaxAdapter(JaxAdapter):
    """A Keras model in a training loop of JAX's."""

    optimizers = FORMS

    _variables: dict[str, keras.Variable]  # by canonical path
    _model: keras.Sequential

    def __init__(self, variant: Literal["jax"]) -> None:
        """UnavailableError where Keras runs on another backend already."""
        require("jax")
        super().__init__()

    def network(self, model: ModelSpec) -> PureNetwork:
        """See `JaxAdapter.network`."""
        self._model = network(model, FUNCTIONS)
        self._variables = variables(model, self._model)
        paths = {id(variable): path for path, variable in self._variables.items()}
        return PureNetwork(model, self._model, in_training(model, self._model), paths)

    def rule(self, optimizer: OptimizerSpec) -> Rule:
        """Keras's own optimizer where it is what the specification says, else a written one."""
        if is_stock(optimizer):
            return StockRule(optimizer, self._variables)
        return WrittenRule(optimizer)

    def random(self, seed: int) -> Random:
        """The states of the layers' own generators, copied, since steps take their memory."""
        return [np.array(one.value) for one in self._model.non_trainable_variables]

    def to_tree(self, model: ModelSpec, canonical: Parameters) -> Tree:
        """See `JaxAdapter.to_tree`; the layouts are the same."""
        return {**canonical}

    def to_canonical(self, model: ModelSpec, tree: Tree) -> dict[str, NDArray[np.float32]]:
        """See `JaxAdapter.to_canonical`."""
        return {path: np.asarray(tree[path]) for path in model.parameter_shapes()}

    def packages(self) -> dict[str, str]:
        """See `JaxAdapter.packages`."""
        return packages()
