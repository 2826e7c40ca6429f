"""Updates of a Keras model's parameters on PyTorch; see `impls._torch.updates.Updates`.

PyTorch's definitions are computed by `torch.optim`, as Keras's guide to a training loop in PyTorch
has it (https://keras.io/guides/writing_a_custom_training_loop_in_torch/), Keras's own by its
classes, and what is neither by the written update.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import keras
import torch
from torch import Tensor

from bench.contract import OptimizerSpec
from impls._written.updates import Buffers, updated
from impls.keras.stock import StockOptimizer


class _InPlace:
    """What both have: a rate, and gradients that are dropped."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        self._rate = 0.0

    def set_rate(self, rate: float) -> None:
        """See `Updates.set_rate`."""
        self._rate = rate

    def clear(self) -> None:
        """See `Updates.clear`."""
        for parameter in self._parameters:
            parameter.grad = None

    def gradients(self) -> list[Tensor]:
        """What `backward` left."""
        found = [parameter.grad for parameter in self._parameters]
        return [gradient for gradient in found if gradient is not None]


class StockUpdates(_InPlace):
    """An optimizer of Keras's."""

    def __init__(self, spec: OptimizerSpec, weights: Sequence[keras.Variable]) -> None:
        super().__init__([weight.value for weight in weights])
        self._optimizer = StockOptimizer(spec, weights)

    def step(self) -> None:
        """See `Updates.step`."""
        with torch.no_grad():
            self._optimizer.apply(self.gradients(), self._rate)

    def buffer(self, name: str) -> list[Tensor]:
        """See `Updates.buffer`."""
        sign = self._optimizer.sign(name)
        return [sign * own.detach() for own in self._optimizer.buffers[name]]

    def set_state(self, steps: int, buffers: Mapping[str, Iterable[Tensor]]) -> None:
        """See `Updates.set_state`."""
        with torch.no_grad():
            self._optimizer.steps.fill_(steps)
            for name, given in buffers.items():
                sign = self._optimizer.sign(name)
                for own, tensor in zip(self._optimizer.buffers[name], given, strict=True):
                    own.copy_(sign * tensor)


class WrittenUpdates(_InPlace):
    """An update of `impls._written`."""

    def __init__(self, spec: OptimizerSpec, parameters: Iterable[Tensor]) -> None:
        super().__init__([*parameters])
        self._spec = spec
        self._steps = 0
        zeros = {
            name: [torch.zeros_like(p, requires_grad=False) for p in self._parameters]
            for name in spec.buffers
        }
        self._buffers = Buffers.of(zeros)

    def step(self) -> None:
        """See `Updates.step`."""
        self._steps += 1
        with torch.no_grad():
            moved, self._buffers = updated(
                torch,
                self._spec,
                self._parameters,
                self.gradients(),
                self._buffers,
                torch.tensor(float(self._steps), device=self._parameters[0].device),
                self._rate,
            )
            for parameter, value in zip(self._parameters, moved, strict=True):
                parameter.copy_(value)

    def buffer(self, name: str) -> list[Tensor]:
        """See `Updates.buffer`."""
        return [*self._buffers.named(self._spec)[name]]

    def set_state(self, steps: int, buffers: Mapping[str, Iterable[Tensor]]) -> None:
        """See `Updates.set_state`."""
        self._steps = steps
        self._buffers = Buffers.of({name: [*own] for name, own in buffers.items()})
