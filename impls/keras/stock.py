"""Keras's own optimizers behind the interface of the written ones."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from bench.contract import OptimizerSpec
from impls.keras.activations import Tensor

# The contract's names of buffers → how the paths of Keras's variables end.
BUFFERS = {
    "sgd": {"momentum": "_momentum"},
    "rmsprop": {"square": "_velocity", "momentum": "_momentum"},
    "adam": {"mean": "_momentum", "square": "_velocity"},
    "adamw": {"mean": "_momentum", "square": "_velocity"},
}


def is_stock(spec: OptimizerSpec) -> bool:
    """Whether every form of the specification that has an effect is that of Keras's own class.

    Plain SGD has no form, and is written out.
    """
    decoupled = not spec.weight_decay or spec.decoupled_decay or spec.name == "adamw"
    momentum = not spec.momentum or spec.rate_in_momentum
    match spec.name:
        case "sgd":
            return bool(spec.forms) and decoupled and momentum
        case "rmsprop":
            return spec.epsilon_form == "inside" and decoupled and momentum
        case "adam" | "adamw":
            return spec.epsilon_form == "hat" and decoupled


def make(spec: OptimizerSpec, weights: Sequence[keras.Variable]) -> keras.optimizers.Optimizer:
    """An optimizer of `keras.optimizers` with its buffers, every argument given."""
    optimizer = _class(spec)
    optimizer.build(list(weights))
    return optimizer


def buffer_places(
    spec: OptimizerSpec, optimizer: keras.optimizers.Optimizer
) -> dict[str, list[int]]:
    """Where in `optimizer.variables` the buffers are, by the contract's names.

    Each in the order of the weights.
    """
    ends = BUFFERS[spec.name]
    return {
        name: [
            place
            for place, variable in enumerate(optimizer.variables)
            if variable.path.endswith(ends[name])
        ]
        for name in spec.buffers
    }


def sign(spec: OptimizerSpec, buffer: str) -> float:
    """By what a buffer's values are to be multiplied: Keras's SGD adds a negative velocity."""
    return -1.0 if spec.name == "sgd" and buffer == "momentum" else 1.0


class StockOptimizer:
    """One of Keras's that updates the backend's variables in place."""

    def __init__(self, spec: OptimizerSpec, weights: Sequence[keras.Variable]) -> None:
        self._spec = spec
        self._weights = list(weights)
        self._optimizer = make(spec, weights)

    @property
    def variables(self) -> list[Tensor]:
        """All that a step changes besides the weights."""
        return [variable.value for variable in self._optimizer.variables]

    @property
    def steps(self) -> Tensor:
        """How many steps have been taken, ()."""
        return self._optimizer.iterations.value

    @property
    def buffers(self) -> dict[str, list[Tensor]]:
        """The buffers by the contract's names, each in the order of the weights."""
        own = self._optimizer.variables
        places = buffer_places(self._spec, self._optimizer)
        return {name: [own[place].value for place in at] for name, at in places.items()}

    def sign(self, buffer: str) -> float:
        """See `sign`."""
        return sign(self._spec, buffer)

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Take one step; the learning rate is a float32 scalar, given anew each time."""
        self._optimizer.learning_rate = rate
        self._optimizer.apply(gradients, self._weights)


def _class(spec: OptimizerSpec) -> keras.optimizers.Optimizer:
    """Nothing that all classes take is left to a default: no clipping, averaging or scaling."""
    common = {
        "learning_rate": 0.0,  # given with every step
        "weight_decay": spec.weight_decay or None,
        "clipnorm": None,
        "clipvalue": None,
        "global_clipnorm": None,
        "use_ema": False,
        "loss_scale_factor": None,
        "gradient_accumulation_steps": None,
    }
    match spec.name:
        case "sgd":
            return keras.optimizers.SGD(momentum=spec.momentum, nesterov=False, **common)
        case "rmsprop":
            return keras.optimizers.RMSprop(
                rho=spec.alpha,
                momentum=spec.momentum,
                epsilon=spec.epsilon,
                centered=False,
                **common,
            )
        case "adam" | "adamw":
            own = keras.optimizers.Adam if spec.name == "adam" else keras.optimizers.AdamW
            return own(
                beta_1=spec.beta1,
                beta_2=spec.beta2,
                epsilon=spec.epsilon,
                amsgrad=False,
                **common,
            )
