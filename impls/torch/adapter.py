"""PyTorch behind the adapter interface, in eager mode or by torch.compile."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from bench.contract import (
    Device,
    Draws,
    EpochBatches,
    Images,
    Indices,
    Labels,
    ModelSpec,
    OptimizerSpec,
    OptimizerState,
    Parameters,
    blank_draws,
    factor,
)
from impls.torch.model import Network
from impls.torch.optimizers import buffer, make_optimizer, set_state

if TYPE_CHECKING:
    from impls.torch.compiled import Compiled

PREDICT_BATCH = 1000  # bounds the memory of the activations; large enough to fill a device
WARM_UP_STEPS = 3

Step = tuple[Tensor, Sequence[Tensor]]  # rows (B,) and draws (B, *shape)


class TorchAdapter:
    """PyTorch on the CPU or on one CUDA device, where the training set and the indices live too.

    In the variant `compile` a step's loss and gradients are compiled. The optimizer is not, since
    it is a kernel already; nor is the evaluation.
    """

    _network: Network
    _optimizer: Optimizer
    _spec: OptimizerSpec
    _taken: int  # steps; not every optimizer of PyTorch counts them
    _images: Tensor  # (N, H, W, C) or (N, C, H, W), see Network.arrange
    _labels: Tensor  # int64 (N,)
    _device: torch.device
    _compiled: Compiled | None = None
    _factor: Tensor  # what `multiply` took last, with the product and room for the next one
    _product: Tensor
    _spare: Tensor

    def __init__(self, variant: Literal["compile"] | None = None) -> None:
        if variant == "compile":
            from impls.torch.compiled import Compiled  # loads the compiler, which takes seconds

            self._compiled = Compiled()

    def devices(self) -> tuple[Device, ...]:
        """The CPU, and the GPU where CUDA finds one."""
        return ("cpu", "gpu") if torch.cuda.is_available() else ("cpu",)

    def make_deterministic(self) -> None:
        """See `Deterministic`; what has no such operation raises."""
        torch.use_deterministic_algorithms(True)

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`."""
        torch.set_num_threads(threads)
        _compute_in_float32()
        self._device = torch.device("cuda" if device == "gpu" else "cpu")
        # oneDNN computes in blocks of channels and is fastest from (B, H, W, C); cuDNN in float32
        # without TF32 has its best kernels for (B, C, H, W).
        self._network = Network(model, channels_last=device == "cpu")
        self._network.set_parameters(parameters, self._device)
        self._spec = optimizer
        self._optimizer = make_optimizer(optimizer, self._network.parameters())
        if self._compiled:
            self._compiled.prepare(self._network)
        self._taken = 0
        self._factor = torch.empty(0)

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; both are copied to the device."""
        self._images = self._arranged(images)
        self._labels = torch.tensor(labels, dtype=torch.int64, device=self._device)

    def compile(self, steps: int, batch_size: int, remainder: int) -> None:
        """See `Adapter.compile`: a few steps of each shape, taken by a twin that is thrown away."""
        with self._network.same_numbers():
            self._warm_up(batch_size, remainder)
        self.synchronize()

    def _warm_up(self, batch_size: int, remainder: int) -> None:
        network = copy.deepcopy(self._network)
        optimizer = make_optimizer(self._spec, network.parameters())
        for size in (batch_size, remainder):
            rows = torch.arange(size, device=self._device, dtype=torch.int32) % len(self._images)
            if size:
                draws = network.placed(blank_draws(network.spec, size), self._device)
                self._steps(network, optimizer, [(rows, draws)] * WARM_UP_STEPS)

    def train_epoch(self, order: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`; indices and draws go to the device whole."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        place = partial(self._network.placed, device=self._device)
        full = torch.tensor(order.batches, device=self._device)
        batches: list[Step] = [
            (rows, draws) for rows, *draws in zip(full, *place(order.draws), strict=True)
        ]
        if order.remainder.size:
            last = torch.tensor(order.remainder, device=self._device)
            batches.append((last, place(order.remainder_draws)))
        self._taken += len(batches)
        return self._steps(self._network, self._optimizer, batches).cpu().numpy()

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`."""
        parts = [
            self._network.evaluated(self._arranged(images[start : start + PREDICT_BATCH]))
            for start in range(0, len(images), PREDICT_BATCH)
        ]
        return torch.cat(parts).cpu().numpy()

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`; no `.grad` is touched."""
        rows = torch.tensor(indices, device=self._device)
        placed = self._network.placed(draws, self._device)
        with self._network.same_numbers():
            if self._compiled:
                loss, gradients = self._compiled.loss_and_gradients(
                    self._network, self._images, self._labels, rows, placed
                )
            else:
                loss = self._loss(self._network, rows, placed)
                gradients = [*torch.autograd.grad(loss, [*self._network.parameters()])]
        return loss.item(), self._to_numpy(gradients)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return self._to_numpy(p.detach() for p in self._network.parameters())

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        buffers = {
            name: self._to_numpy(buffer(self._optimizer, self._spec, name))
            for name in self._spec.buffers
        }
        return OptimizerState(self._taken, buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        buffers = {
            name: self._network.arranged(state.buffers[name], self._device).values()
            for name in self._spec.buffers
        }
        set_state(self._optimizer, self._spec, state.steps, buffers)
        self._taken = state.steps

    def synchronize(self) -> None:
        """On the CPU every call has returned its result; a GPU's queue is waited for."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def compilations(self) -> int:
        """None in eager mode, which calls kernels that are compiled already."""
        return self._compiled.times if self._compiled else 0

    def multiply(self, size: int, times: int) -> None:
        """See `Adapter.multiply`; no memory is asked for while it goes on."""
        if len(self._factor) != size:
            self._factor = torch.tensor(factor(size), device=self._device)
            self._product, self._spare = self._factor.clone(), self._factor.clone()
        self._product.copy_(self._factor)
        for _ in range(times):
            torch.mm(self._factor, self._product, out=self._spare)
            self._product, self._spare = self._spare, self._product
        self.synchronize()

    def versions(self) -> dict[str, str]:
        """PyTorch, the libraries it was built with, the instructions it uses, and NumPy."""
        build = torch.__config__.show()
        found = {
            "mkl": re.search(r"Math Kernel Library Version (\S+)", build),
            "onednn": re.search(r"MKL-DNN (v\S+)", build),
            "blas": re.search(r"BLAS_INFO=(\w+)", build),
            "cpu_capability": re.search(r"CPU capability usage: (\S+)", build),
        }
        libraries = {name: match[1] for name, match in found.items() if match}
        if torch.version.cuda:
            libraries["cuda"] = torch.version.cuda
            libraries["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
        if self._compiled:
            libraries |= self._compiled.versions()
        return {"torch": torch.__version__, "numpy": np.__version__, **libraries}

    def memory(self) -> int | None:
        """The most that tensors have occupied on the GPU; None on the CPU, which keeps no count."""
        if self._device.type != "cuda":
            return None
        return torch.cuda.max_memory_allocated(self._device)

    def _steps(self, network: Network, optimizer: Optimizer, batches: list[Step]) -> Tensor:
        """One step a batch; the losses, (steps,), stay on the device."""
        losses = []
        for rows, draws in batches:
            if self._compiled:
                loss = self._compiled.backward(network, self._images, self._labels, rows, draws)
            else:
                optimizer.zero_grad(set_to_none=True)
                loss = self._loss(network, rows, draws)
                loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses)

    def _loss(self, network: Network, rows: Tensor, draws: Sequence[Tensor]) -> Tensor:
        """Mean cross-entropy of the loaded images in these rows, int32 (B,)."""
        logits = network(self._images.index_select(0, rows), draws)
        return functional.cross_entropy(
            logits, self._labels.index_select(0, rows), reduction="mean"
        )

    def _arranged(self, images: Images) -> Tensor:
        return self._network.arrange(torch.tensor(images, device=self._device))

    def _to_numpy(self, tensors: Iterable[Tensor]) -> dict[str, NDArray[np.float32]]:
        canonical = self._network.canonical(iter(tensors))
        return {path: np.array(t.cpu().numpy(), order="C") for path, t in canonical.items()}


def _compute_in_float32() -> None:
    """IEEE float32 on every backend: no TF32 and no bfloat16 inside a float32 operation."""
    # Each operation by itself: what is set for one goes before what is set for its backend.
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.mkldnn.matmul.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.mkldnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    # Shapes stay the same from step to step: `compile` pays for trying cuDNN's kernels.
    torch.backends.cudnn.benchmark = True
