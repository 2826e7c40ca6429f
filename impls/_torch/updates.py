"""The updates of a network's parameters, as the adapter drives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import torch
from torch import Tensor

from bench.contract import OptimizerSpec
from impls._torch.optimizers import buffer, make_optimizer, set_state


class Updates(Protocol):
    """An optimizer that takes the gradients which `backward` left in the parameters' `.grad`."""

    def set_rate(self, rate: float) -> None:
        """The learning rate of the steps to come."""

    def clear(self) -> None:
        """Drop all gradients."""

    def step(self) -> None:
        """Update every parameter."""

    def buffer(self, name: str) -> list[Tensor]:
        """A buffer by the contract's name, a tensor a parameter, in their order and layout."""

    def set_state(self, steps: int, buffers: Mapping[str, Iterable[Tensor]]) -> None:
        """Go on after so many steps with these buffers, each in the parameters' order and layout.

        They are the optimizer's from then on.
        """


class TorchUpdates:
    """An optimizer of `torch.optim`; see `Updates`."""

    def __init__(
        self, spec: OptimizerSpec, parameters: Iterable[Tensor], *, fused: bool | None = True
    ) -> None:
        self._spec = spec
        # PyTorch takes no empty list; a network of one layer may have no parameters.
        self._optimizer = make_optimizer(spec, [*parameters] or [torch.zeros(0)], fused=fused)

    def set_rate(self, rate: float) -> None:
        """See `Updates.set_rate`."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def clear(self) -> None:
        """See `Updates.clear`."""
        self._optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """See `Updates.step`."""
        self._optimizer.step()

    def buffer(self, name: str) -> list[Tensor]:
        """See `Updates.buffer`; zeros before the first step."""
        return buffer(self._optimizer, self._spec, name)

    def set_state(self, steps: int, buffers: Mapping[str, Iterable[Tensor]]) -> None:
        """See `Updates.set_state`."""
        set_state(self._optimizer, self._spec, steps, buffers)
