"""Parts of a training step alone, as `bench.contract.step_parts` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bench.contract import Gather, Layers, Loss, StepPart, StepWork, Update
from impls._torch.updates import Updates

if TYPE_CHECKING:
    from impls._torch.adapter import Network

Tensors = tuple[Tensor, ...]
Named = Callable[[Tensors], Mapping[str, Tensor]]
# What does it once, and the names of its results.
Once = tuple[Callable[[], Tensors], Named]


@dataclass(frozen=True, slots=True)
class Step:
    """What a step works with.

    output       what the network's last layer makes → (B, H, W, C) or (B, features), a view
    disarranged  the way back of `Network.arrange`, a view
    """

    network: Network
    updates: Updates
    images: Tensor
    labels: Tensor
    device: torch.device
    output: Callable[[Tensor], Tensor]
    disarranged: Callable[[Tensor], Tensor]
    synchronize: Callable[[], None]

    def work(self, part: StepPart) -> StepWork:
        """The part, done eagerly and in turns, as training does it."""
        match part:
            case Gather():
                once, named = self._gather(part)
            case Layers():
                once, named = self._layers(part)
            case Loss():
                once, named = self._loss(part)
            case Update():
                once, named = self._update(part)
        last = [once()]
        self.synchronize()

        def run(times: int) -> None:
            for _ in range(times):
                last[0] = once()
            self.synchronize()

        def results() -> dict[str, NDArray[np.float32]]:
            return {name: one.detach().cpu().numpy() for name, one in named(last[0]).items()}

        return StepWork(run, results)

    def _gather(self, part: Gather) -> Once:
        rows = torch.tensor(part.rows, device=self.device)

        def once() -> Tensors:
            return self.images.index_select(0, rows), self.labels.index_select(0, rows)

        return once, lambda made: {"images": self.disarranged(made[0]), "labels": made[1]}

    def _layers(self, part: Layers) -> Once:
        parameters = [*self.network.parameters()]
        images = self.images.requires_grad_(part.inputs)
        for one in parameters:
            one.requires_grad_(part.parameters)
        wanted = [*([images] * part.inputs), *(parameters * part.parameters)]
        above = torch.tensor(part.above, device=self.device)

        def once() -> Tensors:
            made = self.output(self.network(images))
            return made, *(torch.autograd.grad(made, wanted, above) if wanted else ())

        def named(made: Tensors) -> dict[str, Tensor]:
            gradients = iter(made[1:])
            found = {"output": made[0]}
            if part.inputs:
                found["inputs"] = self.disarranged(next(gradients))
            return found | (self.network.canonical(gradients) if part.parameters else {})

        return once, named

    def _loss(self, part: Loss) -> Once:
        logits = torch.tensor(part.logits, device=self.device, requires_grad=True)

        def once() -> Tensors:
            loss = functional.cross_entropy(logits, self.labels, reduction="mean")
            return loss, *torch.autograd.grad(loss, [logits])

        return once, lambda made: {"loss": made[0], "logits": made[1]}

    def _update(self, part: Update) -> Once:
        parameters = [*self.network.parameters()]
        gradients = [*self.network.arranged(part.gradients, self.device).values()]
        self.updates.set_rate(part.learning_rate)

        def once() -> Tensors:
            for one, gradient in zip(parameters, gradients, strict=True):
                one.grad = gradient
            self.updates.step()
            return tuple(parameters)

        return once, lambda made: self.network.canonical(iter(made))
