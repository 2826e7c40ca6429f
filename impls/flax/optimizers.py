"""Optax transforms, composed to the definitions of `OptimizerSpec`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import optax

from bench.contract import OptimizerSpec

# The contract's names of buffers → the fields of Optax's states.
BUFFERS = {"mean": "mu", "square": "nu", "momentum": "trace"}


def direction(spec: OptimizerSpec) -> optax.GradientTransformation:
    """The transform from gradients to u, where p ← p − ηu.

    It has no learning rate: that is traced, given with every step, and never enters a buffer.
    """
    decay = _unless_zero(spec.weight_decay, optax.add_decayed_weights(spec.weight_decay))
    momentum = _unless_zero(spec.momentum, optax.trace(decay=spec.momentum, nesterov=False))
    adam = optax.scale_by_adam(b1=spec.beta1, b2=spec.beta2, eps=spec.epsilon, eps_root=0.0)
    rms = optax.scale_by_rms(
        decay=spec.alpha,
        eps=spec.epsilon,
        initial_scale=0.0,
        eps_in_sqrt=False,
        bias_correction=False,
    )
    match spec.name:
        case "sgd":
            return optax.chain(decay, momentum)
        case "rmsprop":
            return optax.chain(decay, rms, momentum)
        case "adam":
            return optax.chain(decay, adam)
        case "adamw":  # p − ηλp − ηa = p − η(a + λp), and a does not depend on p
            return optax.chain(adam, decay)


def _unless_zero(
    coefficient: float, transform: optax.GradientTransformation
) -> optax.GradientTransformation:
    """The transform, or none where its coefficient makes it do nothing but cost time."""
    return transform if coefficient else optax.identity()


def buffer(state: optax.OptState, name: str) -> Any:
    """A buffer by the contract's name: a tree like the parameters'."""
    return optax.tree.get(state, BUFFERS[name])


def set_state(state: optax.OptState, steps: int, buffers: Mapping[str, Any]) -> optax.OptState:
    """The state after so many steps, with these buffers."""
    fields: dict[str, Any] = {BUFFERS[name]: tree for name, tree in buffers.items()}
    if optax.tree.get_all_with_path(state, "count"):  # of Adam, for its bias correction
        fields["count"] = np.int32(steps)
    return optax.tree.set(state, **fields)
