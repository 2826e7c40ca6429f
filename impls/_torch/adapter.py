"""An adapter on PyTorch, but for the library that its network is written in."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bench.contract import (
    AdapterBase,
    BatchGroup,
    Device,
    Draws,
    EpochBatches,
    Images,
    Indices,
    Labels,
    Matrix,
    ModelSpec,
    OptimizerSpec,
    OptimizerState,
    Parameters,
    StepPart,
    StepWork,
)
from bench.errors import NotSupportedError
from impls._torch.step_parts import Step
from impls._torch.updates import TorchUpdates, Updates

PREDICT_BATCH = 1000  # bounds the memory of the activations; large enough to fill a device

Batch = tuple[Tensor, Sequence[Tensor]]  # rows (B,) and draws (B, *shape)


class Network(Protocol):
    """A network with its parameters, in a library's own layout."""

    def __call__(self, images: Tensor, draws: Sequence[Tensor] = ()) -> Tensor:
        """Images as `arrange` gives them → logits (B, classes); with draws, as in training."""

    def evaluated(self, images: Tensor) -> Tensor:
        """As a call without draws, and no layer draws by itself; no gradients."""

    def same_numbers(self) -> AbstractContextManager[None]:
        """Afterwards a generator of the library's own is where it was."""

    def arrange(self, images: Tensor) -> Tensor:
        """Images (n, H, W, C) in the layout in which a call takes them, contiguous."""

    def placed(self, draws: Draws, device: torch.device) -> tuple[Tensor, ...]:
        """Draws (..., B, *shape) as a call takes them, each in one transfer."""

    def parameters(self) -> Iterator[Tensor]:
        """Its parameters, always in the same order."""

    def arranged(self, tree: Parameters, device: torch.device) -> dict[str, Tensor]:
        """Copies of a canonical tree, in the order and layout of `parameters()`."""

    def canonical(self, tensors: Iterator[Tensor]) -> dict[str, Tensor]:
        """Name and transpose tensors that come in the order and layout of `parameters()`.

        The parameters themselves, their gradients, or buffers; the results may be views.
        """


class TorchAdapter(AdapterBase):
    """Training on the CPU or on one CUDA device, where the training set and the indices live too.

    A library's adapter says what its network is, in `network`, and which of its packages there
    are.
    """

    changed_by_steps = ("_network", "_updates", "_taken")
    compiles_for_steps = False

    _network: Network
    _updates: Updates
    _spec: OptimizerSpec
    _taken: int  # steps; not every optimizer of PyTorch counts them
    _images: Tensor  # see Network.arrange
    _labels: Tensor  # int64 (N,)
    _device: torch.device

    @abstractmethod
    def network(self, model: ModelSpec, parameters: Parameters, device: torch.device) -> Network:
        """The network of this description on the device, with copies of these parameters."""

    def updates(self, optimizer: OptimizerSpec, network: Network) -> Updates:
        """What updates the network's parameters, with empty buffers: of `torch.optim`."""
        return TorchUpdates(optimizer, network.parameters())

    def devices(self) -> tuple[Device, ...]:
        """The CPU, and the GPU where CUDA finds one."""
        return ("cpu", "gpu") if torch.cuda.is_available() else ("cpu",)

    def make_deterministic(self) -> None:
        """See `Adapter.make_deterministic`; what has no such operation raises."""
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
        self._network = self.network(model, parameters, self._device)
        self._spec = optimizer
        self._updates = self.updates(optimizer, self._network)
        self._taken = 0

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; both are copied to the device."""
        self._images = self._arranged(images)
        self._labels = torch.tensor(labels, dtype=torch.int64, device=self._device)

    def snapshot(self) -> object:
        """See `Adapter.snapshot`; with the state of PyTorch's own generators."""
        own = torch.get_rng_state(), torch.cuda.get_rng_state_all()
        return super().snapshot(), own

    def restore(self, snapshot: Any) -> None:
        """See `Adapter.restore`."""
        attributes, (of_cpu, of_gpus) = snapshot
        super().restore(attributes)
        torch.set_rng_state(of_cpu)
        torch.cuda.set_rng_state_all(of_gpus)

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`; indices and draws go to the device whole."""
        self._updates.set_rate(learning_rate)
        steps = [step for group in epoch.groups for step in self._placed(group)]
        self._taken += len(steps)
        losses = []
        for rows, draws in steps:
            losses.append(self.backward(rows, draws).detach())
            self._updates.step()
        return (torch.stack(losses) if losses else torch.empty(0)).cpu().numpy()

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
            loss, gradients = self.loss_and_gradients(rows, placed)
        return loss.item(), self._to_numpy(gradients)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return self._to_numpy(p.detach() for p in self._network.parameters())

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        buffers = {name: self._to_numpy(self._updates.buffer(name)) for name in self._spec.buffers}
        return OptimizerState(self._taken, buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        buffers = {
            name: self._network.arranged(state.buffers[name], self._device).values()
            for name in self._spec.buffers
        }
        self._updates.set_state(state.steps, buffers)
        self._taken = state.steps

    def synchronize(self) -> None:
        """On the CPU every call has returned its result; a GPU's queue is waited for."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def compiled_since(self) -> bool:
        """Never in eager mode, which calls kernels that are compiled already."""
        return False

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """See `Adapter.multiply`; no memory is asked for while it goes on."""
        factor = torch.tensor(matrix, device=self._device)
        product, spare = factor.clone(), torch.empty_like(factor)
        for _ in range(times):
            torch.mm(factor, product, out=spare)
            product, spare = spare, product
        return product.cpu().numpy()

    def step_part(self, part: StepPart) -> StepWork:
        """See `Adapter.step_part`."""
        step = Step(
            self._network,
            self._updates,
            self._images,
            self._labels,
            self._device,
            self.output,
            self.disarranged,
            self.synchronize,
        )
        return step.work(part)

    def output(self, made: Tensor) -> Tensor:
        """What a network's last layer makes of a batch, (B, H, W, C) or (B, features); a view."""
        return made

    def disarranged(self, images: Tensor) -> Tensor:
        """The way back of `Network.arrange`; a view."""
        return images

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
        return {"torch": torch.__version__, "numpy": np.__version__, **libraries}

    def memory(self) -> int:
        """The most that tensors have occupied on the GPU."""
        if self._device.type != "cuda":
            raise NotSupportedError("PyTorch counts a GPU's memory only")
        return torch.cuda.max_memory_allocated(self._device)

    def backward(self, rows: Tensor, draws: Sequence[Tensor]) -> Tensor:
        """Leave the gradients in every parameter's `.grad`, and return the loss, ()."""
        self._updates.clear()
        loss = self.loss(rows, draws)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    def loss_and_gradients(
        self, rows: Tensor, draws: Sequence[Tensor]
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """The loss, (), and its gradients in the order and layout of `parameters()`."""
        loss = self.loss(rows, draws)
        return loss, torch.autograd.grad(loss, [*self._network.parameters()])

    def loss(self, rows: Tensor, draws: Sequence[Tensor]) -> Tensor:
        """Mean cross-entropy of the loaded images in these rows, int32 (B,)."""
        logits = self._network(self._images.index_select(0, rows), draws)
        return functional.cross_entropy(
            logits, self._labels.index_select(0, rows), reduction="mean"
        )

    def _placed(self, group: BatchGroup) -> Iterator[Batch]:
        """The group's steps, on the device."""
        rows = torch.tensor(group.rows, device=self._device)
        draws = self._network.placed(group.draws, self._device)
        for row, *own in zip(rows, *draws, strict=True):
            yield row, own

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
