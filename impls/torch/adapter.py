"""PyTorch behind the adapter interface, in eager mode or by torch.compile.

All but the network and the compilation is in `impls._torch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from bench.contract import Device, ModelSpec, OptimizerSpec, Parameters
from impls._torch.adapter import TorchAdapter as OnTorch
from impls.torch.model import Network

if TYPE_CHECKING:
    from impls.torch.compiled import Compiled


class TorchAdapter(OnTorch):
    """PyTorch itself.

    In the variant `compile` a step's loss and gradients are compiled. The optimizer is not, since
    it is a kernel already; nor is the evaluation.
    """

    _network: Network
    _compiled: Compiled | None = None
    _counted = 0  # compilations, when `compiled_since` was asked last

    def __init__(self, variant: Literal["compile"] | None = None) -> None:
        if variant == "compile":
            from impls.torch.compiled import Compiled  # loads the compiler, which takes seconds

            self._compiled = Compiled()

    def network(self, model: ModelSpec, parameters: Parameters, device: torch.device) -> Network:
        """See `impls._torch.adapter.TorchAdapter.network`."""
        # oneDNN computes in blocks of channels and is fastest from (B, H, W, C); cuDNN in float32
        # without TF32 has its best kernels for (B, C, H, W).
        network = Network(model, channels_last=device.type == "cpu")
        network.set_parameters(parameters, device)
        return network

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`."""
        super().build(model, parameters, optimizer, device, threads)
        if self._compiled:
            self._compiled.prepare(self._network)

    def compiled_since(self) -> bool:
        """See `Adapter.compiled_since`."""
        before, self._counted = self._counted, self._compiled.times if self._compiled else 0
        return self._counted != before

    def output(self, made: Tensor) -> Tensor:
        """See `impls._torch.adapter.TorchAdapter.output`."""
        return made.permute(0, 2, 3, 1) if made.ndim == 4 else made

    def disarranged(self, images: Tensor) -> Tensor:
        """See `impls._torch.adapter.TorchAdapter.disarranged`."""
        return images if self._network.channels_last else images.permute(0, 2, 3, 1)

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        return super().versions() | (self._compiled.versions() if self._compiled else {})

    def backward(self, rows: Tensor, draws: Sequence[Tensor]) -> Tensor:
        """See `impls._torch.adapter.TorchAdapter.backward`; compiled code returns gradients."""
        if not self._compiled:
            return super().backward(rows, draws)
        loss, gradients = self.loss_and_gradients(rows, draws)
        for parameter, gradient in zip(self._network.parameters(), gradients, strict=True):
            parameter.grad = gradient
        return loss

    def loss_and_gradients(
        self, rows: Tensor, draws: Sequence[Tensor]
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """See `impls._torch.adapter.TorchAdapter.loss_and_gradients`."""
        if not self._compiled:
            return super().loss_and_gradients(rows, draws)
        return self._compiled.loss_and_gradients(
            self._network, self._images, self._labels, rows, draws
        )
