"""Optax transforms, composed to the definitions of `OptimizerSpec`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import optax

from bench.contract import OptimizerName, OptimizerSpec
from impls._jax.training import Tree

# Beside PyTorch's definitions, those that Optax has.
FORMS: dict[OptimizerName, tuple[str, ...]] = {
    "sgd": (),
    "rmsprop": ("epsilon_inside", "rate_in_momentum"),
    "adam": (),
    "adamw": (),
}
# The contract's names of buffers → the fields of Optax's states.
BUFFERS = {"mean": "mu", "square": "nu", "momentum": "trace"}


def direction(spec: OptimizerSpec) -> optax.GradientTransformationExtraArgs:
    """The transform from gradients to u, where p ← p − u; `update` takes the rate as `rate`."""
    decay = _unless_zero(spec.weight_decay, optax.add_decayed_weights(spec.weight_decay))
    momentum = _unless_zero(spec.momentum, optax.trace(decay=spec.momentum, nesterov=False))
    times_rate = _times_rate()
    descent = (times_rate, momentum) if spec.rate_in_momentum else (momentum, times_rate)
    adam = optax.scale_by_adam(b1=spec.beta1, b2=spec.beta2, eps=spec.epsilon, eps_root=0.0)
    rms = optax.scale_by_rms(
        decay=spec.alpha,
        eps=spec.epsilon,
        initial_scale=0.0,
        eps_in_sqrt=spec.epsilon_form == "inside",
        bias_correction=False,
    )
    match spec.name:
        case "sgd":
            return optax.chain(decay, *descent)
        case "rmsprop":
            return optax.chain(decay, rms, *descent)
        case "adam":
            return optax.chain(decay, adam, times_rate)
        case "adamw":  # p − ηλp − ηa = p − η(a + λp), and a does not depend on p
            return optax.chain(adam, decay, times_rate)


def _times_rate() -> optax.GradientTransformationExtraArgs:
    """Multiplies by the learning rate, which is traced and given with every step."""

    def update(
        updates: Any, state: optax.EmptyState, params: Any = None, *, rate: Any, **_: Any
    ) -> tuple[Any, optax.EmptyState]:
        return optax.tree.scale(rate, updates), state

    return optax.GradientTransformationExtraArgs(lambda _: optax.EmptyState(), update)


def _unless_zero(
    coefficient: float, transform: optax.GradientTransformation
) -> optax.GradientTransformation:
    """The transform, or none where its coefficient makes it do nothing but cost time."""
    return transform if coefficient else optax.identity()


class OptaxRule:
    """An optimizer of Optax's transforms; see `impls._jax.training.Rule`."""

    def __init__(self, spec: OptimizerSpec) -> None:
        self._transform = direction(spec)

    def init(self, parameters: Tree) -> optax.OptState:
        """See `Rule.init`."""
        return self._transform.init(parameters)

    def update(
        self, parameters: Tree, gradients: Tree, state: optax.OptState, rate: Any
    ) -> tuple[Tree, optax.OptState]:
        """See `Rule.update`."""
        u, state = self._transform.update(gradients, state, parameters, rate=rate)
        return optax.tree.sub(parameters, u), state

    def buffer(self, state: optax.OptState, name: str) -> Tree:
        """See `Rule.buffer`."""
        return optax.tree.get(state, BUFFERS[name])

    def set_state(
        self, state: optax.OptState, steps: int, buffers: Mapping[str, Tree]
    ) -> optax.OptState:
        """See `Rule.set_state`."""
        fields: dict[str, Any] = {BUFFERS[name]: tree for name, tree in buffers.items()}
        if optax.tree.get_all_with_path(state, "count"):  # of Adam, for its bias correction
            fields["count"] = np.int32(steps)
        return optax.tree.set(state, **fields)
