"""PyTorch as its own first example for images trains, and the steps from there to the adapter.

The loop is that of "Training a classifier", whose network is LeNet-5, too:
https://docs.pytorch.org/tutorials/beginner/blitz/cifar10_tutorial.html
Batches come from a `DataLoader` over a `TensorDataset`, in the process itself; the optimizer has
its defaults, images are (B, C, H, W), and the loss is asked for with `.item()` after every step.
What is given in place of the example's own: images that are normalised already, and through a
sampler the order of the batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from bench.contract import (
    BatchGroup,
    EpochBatches,
    Images,
    Indices,
    Labels,
    ModelSpec,
    OptimizerSpec,
    Parameters,
)
from impls._torch.updates import TorchUpdates, Updates
from impls.torch.adapter import TorchAdapter
from impls.torch.framework import LADDER
from impls.torch.model import Network

Batch = tuple[Tensor, Tensor]


class TorchTutorial(TorchAdapter):
    """The example's loop with all changes of `LADDER` up to that of the variant.

    memory   batches are taken from tensors on the device
    no-sync  losses stay on the device until the epoch ends
    fused    the optimizer updates all parameters in one kernel

    The change that is left to the plain adapter: images and kernels are (B, H, W, C) in memory.
    """

    _examples: TensorDataset  # (n, C, H, W) and labels, in the memory of the host

    def __init__(self, variant: str) -> None:
        super().__init__()
        before = takewhile(lambda name: name != variant, LADDER)
        self._changes = {name.partition("+")[2] for name in (*before, variant)}

    def network(self, model: ModelSpec, parameters: Parameters, device: torch.device) -> Network:
        """See `TorchAdapter.network`; in PyTorch's own order of the axes."""
        network = Network(model, channels_last=False)
        network.set_parameters(parameters, device)
        return network

    def updates(self, optimizer: OptimizerSpec, network: Network) -> Updates:  # type: ignore[override]
        """See `TorchAdapter.updates`."""
        fused = None if "fused" not in self._changes else True
        return TorchUpdates(optimizer, network.parameters(), fused=fused)

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; the DataLoader's are in the memory of the host."""
        super().load(images, labels)
        self._examples = TensorDataset(self._images.cpu(), self._labels.cpu())

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        self._updates.set_rate(learning_rate)
        losses: list[Tensor] = []
        for group in epoch.groups:
            draws = self._network.placed(group.draws, self._device)
            for (images, labels), *own in zip(self._batches(group), *draws, strict=True):
                self._updates.clear()
                loss = functional.cross_entropy(self._network(images, own), labels)
                loss.backward()  # type: ignore[no-untyped-call]
                self._updates.step()
                losses.append(self._kept(loss))
        self._taken += len(losses)
        return (torch.stack(losses) if losses else torch.empty(0)).cpu().numpy()

    def _kept(self, loss: Tensor) -> Tensor:
        if "no-sync" in self._changes:
            return loss.detach()
        return torch.tensor(loss.item())

    def _batches(self, group: BatchGroup) -> Iterable[Batch]:
        """The group's images and labels, batch by batch, on the device."""
        if "memory" in self._changes:
            return self._taken_from_memory(group.rows)
        return self._loaded(group.rows)

    def _loaded(self, rows: Indices) -> Iterator[Batch]:
        for images, labels in DataLoader(self._examples, batch_sampler=rows.tolist()):
            yield images.to(self._device), labels.to(self._device)

    def _taken_from_memory(self, rows: Indices) -> Iterator[Batch]:
        for row in torch.tensor(rows, device=self._device):
            yield self._images.index_select(0, row), self._labels.index_select(0, row)
