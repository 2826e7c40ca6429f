"""Equinox and Optax behind the adapter interface; all but the network is in `impls._jax`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import equinox as eqx
import jax
import numpy as np
from numpy.typing import NDArray

from bench.contract import Draws, Indices, ModelSpec, Parameters, StepPart, StepWork, require_draws
from bench.errors import NotSupportedError
from impls._jax.adapter import JaxAdapter
from impls._jax.training import Data, Random, State
from impls._jax.training import Draws as Placed
from impls.equinox.model import Network, shapes, to_canonical, to_network


@dataclass(frozen=True)
class PureNetwork:
    """A network of Equinox as a function of its arrays; see `impls._jax.training.Network`."""

    spec: ModelSpec
    structure: Network = field(compare=False, repr=False)  # without arrays; follows from `spec`

    def __call__(
        self, parameters: Network, images: jax.Array, draws: Placed = (), random: Random = None
    ) -> tuple[jax.Array, Random]:
        """Logits (B, classes); each image draws from a key of its own."""
        after, keys = None, None
        if random is not None:
            after, now = jax.random.split(random)
            keys = jax.random.split(now, len(images))
        # Equinox's layers leave the precision to JAX, which takes TF32 on a GPU unless told.
        with jax.default_matmul_precision("highest"):
            return jax.vmap(eqx.combine(parameters, self.structure))(images, draws, keys), after


class EquinoxAdapter(JaxAdapter):
    """Equinox with `jax.jit`, or with `eqx.filter_jit` in the variant of that name.

    What `jax.jit` compiles takes the arrays alone. `eqx.filter_jit` takes whole modules and tells
    arrays from the rest at every call.
    """

    def __init__(self, variant: Literal["filter_jit"] | None = None) -> None:
        super().__init__()
        self._filters = variant is not None

    def network(self, model: ModelSpec) -> PureNetwork:
        """See `JaxAdapter.network`."""
        _, structure = eqx.partition(shapes(model), lambda x: isinstance(x, jax.ShapeDtypeStruct))
        return PureNetwork(model, structure)

    def step_part(self, part: StepPart) -> StepWork:
        """Not here: images cross to channels first once in a step, and would in each part."""
        raise NotSupportedError(
            "Equinox's layers take channels first: of one alone the way there would be timed, too"
        )

    def to_tree(self, model: ModelSpec, canonical: Parameters) -> Network:
        """See `JaxAdapter.to_tree`."""
        return to_network(model, canonical)

    def to_canonical(self, model: ModelSpec, tree: Network) -> dict[str, NDArray[np.float32]]:
        """See `JaxAdapter.to_canonical`."""
        return to_canonical(model, tree)

    def packages(self) -> dict[str, str]:
        """See `JaxAdapter.packages`."""
        return {"equinox": eqx.__version__}

    def _executable(self, indices: Indices, draws: Draws) -> Callable[..., Any]:
        """As `JaxAdapter._executable`; with `eqx.filter_jit`, compiled at its first call."""
        if not self._filters:
            return super()._executable(indices, draws)
        if not self._executables:
            require_draws(self._spec, draws)
            train = self._train

            @eqx.filter_jit(donate="all-except-first")
            def step(
                data: Data, state: State, indices: Any, rate: Any, draws: Any
            ) -> tuple[State, jax.Array]:
                return train(state, data, indices, rate, draws)

            # What is no array would be a constant, and each rate another program.
            self._executables[()] = lambda state, data, indices, rate, draws: step(
                data, state, indices, np.asarray(rate), draws
            )
        return self._executables[()]
