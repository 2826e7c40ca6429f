"""Keras on PyTorch behind the adapter interface; all but the network is in `impls._torch`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import keras
import torch
from torch import Tensor
from torch.nn import functional

from bench.contract import Draws, ModelSpec, OptimizerSpec, Parameters, require_draws
from impls._torch.adapter import Network as AnyNetwork
from impls._torch.adapter import TorchAdapter
from impls._torch.updates import TorchUpdates, Updates
from impls._written.updates import FORMS
from impls.keras.activations import Functions
from impls.keras.backend import packages, require
from impls.keras.model import in_training, network, variables
from impls.keras.on_torch.updates import StockUpdates, WrittenUpdates
from impls.keras.stock import is_stock

FUNCTIONS = Functions(prelu=functional.prelu)


class Network:
    """A Keras model on a device of PyTorch's; see `impls._torch.adapter.Network`.

    Keras keeps what the canonical layout asks for, images (B, H, W, C), too.
    """

    def __init__(self, spec: ModelSpec, parameters: Parameters, device: torch.device) -> None:
        self.spec = spec
        # Keras moves what it is given to the device of its scope, the GPU where there is one.
        self._place = "cpu" if device.type == "cpu" else "gpu:0"
        with keras.device(self._place):
            self._model = network(spec, FUNCTIONS)
            self._training = in_training(spec, self._model)
            self.variables = variables(spec, self._model)
            for path, variable in self.variables.items():
                variable.assign(parameters[path])

    def __call__(self, images: Tensor, draws: Sequence[Tensor] = ()) -> Tensor:
        """See `impls._torch.adapter.Network`."""
        with keras.device(self._place):
            inputs = [images, *draws] if draws else images
            logits: Tensor = self._training(inputs, training=True)
        return logits

    @torch.inference_mode()
    def evaluated(self, images: Tensor) -> Tensor:
        """See `impls._torch.adapter.Network.evaluated`."""
        with keras.device(self._place):
            logits: Tensor = self._model(images, training=False)
        return logits

    @contextmanager
    def same_numbers(self) -> Iterator[None]:
        """See `impls._torch.adapter.Network.same_numbers`."""
        kept = self.seeds()
        yield
        self.set_seeds(kept)

    def seeds(self) -> list[Tensor]:
        """The state of each layer's own generator, copied."""
        return [one.value.detach().clone() for one in self._model.non_trainable_variables]

    def set_seeds(self, seeds: Sequence[Tensor]) -> None:
        """Go on from these states."""
        for variable, seed in zip(self._model.non_trainable_variables, seeds, strict=True):
            variable.assign(seed)

    def arrange(self, images: Tensor) -> Tensor:
        """See `impls._torch.adapter.Network.arrange`."""
        return images

    def placed(self, draws: Draws, device: torch.device) -> tuple[Tensor, ...]:
        """See `impls._torch.adapter.Network.placed`."""
        require_draws(self.spec, draws)
        return tuple(torch.from_numpy(array).to(device) for array in draws)

    def parameters(self) -> Iterator[Tensor]:
        """See `impls._torch.adapter.Network.parameters`: in canonical order."""
        return (variable.value for variable in self.variables.values())

    def arranged(self, tree: Parameters, device: torch.device) -> dict[str, Tensor]:
        """See `impls._torch.adapter.Network.arranged`."""
        return {path: torch.tensor(tree[path], device=device) for path in self.variables}

    def canonical(self, tensors: Iterator[Tensor]) -> dict[str, Tensor]:
        """See `impls._torch.adapter.Network.canonical`; the layouts are the same."""
        return dict(zip(self.variables, tensors, strict=True))


class KerasOnTorchAdapter(TorchAdapter):
    """A Keras model in a training loop of PyTorch's, without `torch.compile`, as Keras runs it."""

    optimizers = FORMS

    _network: Network

    def __init__(self, variant: Literal["torch"]) -> None:
        """UnavailableError where Keras runs on another backend already."""
        require("torch")

    def network(self, model: ModelSpec, parameters: Parameters, device: torch.device) -> Network:
        """See `impls._torch.adapter.TorchAdapter.network`."""
        return Network(model, parameters, device)

    def updates(self, optimizer: OptimizerSpec, network: AnyNetwork) -> Updates:
        """PyTorch's where no form is another, Keras's where they are its own; else written."""
        if not optimizer.forms:
            return TorchUpdates(optimizer, network.parameters())
        if is_stock(optimizer):
            return StockUpdates(optimizer, [*self._network.variables.values()])
        return WrittenUpdates(optimizer, network.parameters())

    def snapshot(self) -> object:
        """See `Adapter.snapshot`: values, since a Keras model cannot be copied whole."""
        return self.export(), self.export_optimizer(), self._network.seeds()

    def restore(self, snapshot: Any) -> None:
        """See `Adapter.restore`."""
        parameters, optimizer, seeds = snapshot
        for path, variable in self._network.variables.items():
            variable.assign(parameters[path])
        self._network.set_seeds(seeds)
        self.restore_optimizer(optimizer)

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        return packages() | super().versions()
