"""The optimizers of `OptimizerSpec` written out, in the operations of any library.

For a library whose own follow other definitions, or that has not all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench.contract import OptimizerName, OptimizerSpec

Tensor = Any  # of the library
Tree = dict[str, Any]  # tensors by canonical path
Operations = Any  # a module of it with sqrt, square and expm1, beside arithmetic

_DESCENT = ("rate_in_momentum", "decoupled_decay")
# Each form of every optimizer: whatever a library has of its own can be computed.
FORMS: dict[OptimizerName, tuple[str, ...]] = {
    "sgd": _DESCENT,
    "rmsprop": ("epsilon_inside", *_DESCENT),
    "adam": ("epsilon_hat", "decoupled_decay"),
    "adamw": ("epsilon_hat",),
}


class Buffers(NamedTuple):
    """What an optimizer remembers, each in the order of the parameters; empty where it has none.

    first   momentum, or the mean of the gradients
    second  the mean of their squares
    """

    first: Sequence[Tensor]
    second: Sequence[Tensor]

    def named(self, spec: OptimizerSpec) -> dict[str, Sequence[Tensor]]:
        """By the contract's names."""
        own = {"mean": self.first, "momentum": self.first, "square": self.second}
        return {name: own[name] for name in spec.buffers}

    @classmethod
    def of(cls, named: Mapping[str, Sequence[Tensor]]) -> Buffers:
        """The way back of `named`."""
        first = named.get("mean", named.get("momentum", ()))
        return cls(first, named.get("square", ()))


def updated(
    ops: Operations,
    spec: OptimizerSpec,
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    buffers: Buffers,
    step: Tensor,
    rate: Tensor,
) -> tuple[list[Tensor], Buffers]:
    """The parameters and buffers after a step, as new tensors.

    `step` counts from 1, float32 (), and the learning rate is float32 (), too.
    """
    if spec.weight_decay and (spec.decoupled_decay or spec.name == "adamw"):
        parameters = [p - rate * spec.weight_decay * p for p in parameters]
    elif spec.weight_decay:
        pairs = zip(gradients, parameters, strict=True)
        gradients = [g + spec.weight_decay * p for g, p in pairs]
    if spec.name in ("adam", "adamw"):
        return _adam(ops, spec, parameters, gradients, buffers, step, rate)
    squares: Sequence[Tensor] = ()
    if spec.name == "rmsprop":
        gradients, squares = _scaled(ops, spec, gradients, buffers.second)
    parameters, momenta = _descended(spec, parameters, gradients, buffers.first, rate)
    return parameters, Buffers(momenta, squares)


def updated_trees(
    ops: Operations,
    spec: OptimizerSpec,
    parameters: Tree,
    gradients: Tree,
    buffers: Mapping[str, Tree],
    step: Tensor,
    rate: Tensor,
) -> tuple[Tree, dict[str, Tree]]:
    """As `updated`, of trees; buffers by the contract's names."""
    paths = [*parameters]
    moved, after = updated(
        ops,
        spec,
        [parameters[path] for path in paths],
        [gradients[path] for path in paths],
        Buffers.of({name: [tree[path] for path in paths] for name, tree in buffers.items()}),
        step,
        rate,
    )
    named = after.named(spec).items()
    trees = {name: dict(zip(paths, own, strict=True)) for name, own in named}
    return dict(zip(paths, moved, strict=True)), trees


def _descended(
    spec: OptimizerSpec,
    parameters: Sequence[Tensor],
    directions: Sequence[Tensor],
    momenta: Sequence[Tensor],
    rate: Tensor,
) -> tuple[list[Tensor], Sequence[Tensor]]:
    """Momentum and descent: b ← μb + d;  p ← p − ηb; or with the rate in the buffer."""
    if not momenta:
        return [p - rate * d for p, d in zip(parameters, directions, strict=True)], ()
    pairs = [*zip(momenta, directions, strict=True)]
    if spec.rate_in_momentum:
        momenta = [spec.momentum * b + rate * d for b, d in pairs]
        return [p - b for p, b in zip(parameters, momenta, strict=True)], momenta
    momenta = [spec.momentum * b + d for b, d in pairs]
    return [p - rate * b for p, b in zip(parameters, momenta, strict=True)], momenta


def _scaled(
    ops: Operations, spec: OptimizerSpec, gradients: Sequence[Tensor], squares: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """The mean of squares, s ← αs + (1 − α)g², and by its root g/(√s + ε) or g/√(s + ε)."""
    pairs = zip(squares, gradients, strict=True)
    squares = [spec.alpha * s + (1 - spec.alpha) * ops.square(g) for s, g in pairs]
    if spec.epsilon_form == "inside":
        roots = [ops.sqrt(s + spec.epsilon) for s in squares]
    else:
        roots = [ops.sqrt(s) + spec.epsilon for s in squares]
    return [g / root for g, root in zip(gradients, roots, strict=True)], squares


def _adam(
    ops: Operations,
    spec: OptimizerSpec,
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    buffers: Buffers,
    step: Tensor,
    rate: Tensor,
) -> tuple[list[Tensor], Buffers]:
    """The moments, and the step of their bias-corrected ratio."""
    rate_t = rate / _correction(ops, spec.beta1, step)
    root_t = ops.sqrt(_correction(ops, spec.beta2, step))
    triples = [*zip(parameters, buffers.first, buffers.second, gradients, strict=True)]
    means = [spec.beta1 * m + (1 - spec.beta1) * g for _, m, _, g in triples]
    squares = [spec.beta2 * v + (1 - spec.beta2) * ops.square(g) for _, _, v, g in triples]
    moved = []
    for p, m, v in zip(parameters, means, squares, strict=True):
        if spec.epsilon_form == "hat":  # √v + ε, and the step size corrected
            moved.append(p - rate_t * root_t * m / (ops.sqrt(v) + spec.epsilon))
        else:
            moved.append(p - rate_t * m / (ops.sqrt(v) / root_t + spec.epsilon))
    return moved, Buffers(means, squares)


def _correction(ops: Operations, beta: float, step: Tensor) -> Tensor:
    """1 − βᵗ, as −(e^(t ln β) − 1): float32 has few digits of the difference itself."""
    return -ops.expm1(step * math.log(beta))
