"""Optax transforms, composed to the definitions of `OptimizerSpec`."""

from __future__ import annotations

import optax

from bench.contract import OptimizerSpec


def direction(spec: OptimizerSpec) -> optax.GradientTransformation:
    """The transform from gradients to u, where p ← p − ηu.

    It has no learning rate: that is traced, given with every step, and never enters a buffer.
    """
    coupled = _if(spec.weight_decay, optax.add_decayed_weights(spec.weight_decay))
    momentum = _if(spec.momentum, optax.trace(decay=spec.momentum, nesterov=False))
    adam = optax.scale_by_adam(b1=spec.beta1, b2=spec.beta2, eps=spec.epsilon, eps_root=0.0)
    match spec.name:
        case "sgd":
            return optax.chain(*coupled, *momentum)
        case "rmsprop":
            rms = optax.scale_by_rms(
                decay=spec.alpha,
                eps=spec.epsilon,
                initial_scale=0.0,
                eps_in_sqrt=False,
                bias_correction=False,
            )
            return optax.chain(*coupled, rms, *momentum)
        case "adam":
            return optax.chain(*coupled, adam)
        case "adamw":  # p − ηλp − η · adam = p − η(adam + λp); the gradient stays as it is
            decoupled = _if(spec.weight_decay, optax.add_decayed_weights(spec.weight_decay))
            return optax.chain(adam, *decoupled)


def _if(
    coefficient: float, transform: optax.GradientTransformation
) -> list[optax.GradientTransformation]:
    """Leaves out a transform whose coefficient is 0: it would only cost time."""
    return [transform] if coefficient else []
