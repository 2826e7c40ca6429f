"""What an adapter is: the model, the optimizer, the batch order and the canonical parameter tree.

Everything that crosses between the harness and a framework is defined here, and is NumPy.

Canonical layout
    images            float32 (N, H, W, C), normalised
    labels            int32 (N,)
    conv kernel       float32 (kernel_h, kernel_w, in_channels, out_channels), cross-correlation
    dense kernel      float32 (in_features, out_features)
    bias              float32 (out,)
    flatten order     H, W, C
Parameters are a flat mapping in the order of the layers: `conv1/kernel`, `conv1/bias`, ...
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError

Device = Literal["cpu", "gpu"]
Activation = Literal["relu", "none"]
OptimizerName = Literal["sgd", "rmsprop", "adam", "adamw"]
EpsilonForm = Literal["outside", "inside", "hat"]

Images = NDArray[np.float32]
Labels = NDArray[np.int32]
Indices = NDArray[np.int32]
Parameters = Mapping[str, NDArray[np.float32]]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution without padding, stride 1, with bias, then the activation."""

    name: str
    kernel: tuple[int, int]
    in_channels: int
    out_channels: int
    activation: Activation

    @property
    def kernel_shape(self) -> Shape:
        """(kernel_h, kernel_w, in_channels, out_channels)."""
        return (*self.kernel, self.in_channels, self.out_channels)

    @property
    def bias_shape(self) -> Shape:
        """(out_channels,)."""
        return (self.out_channels,)

    @property
    def fan_in(self) -> int:
        """How many inputs each output sums over."""
        return math.prod(self.kernel) * self.in_channels


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Max pooling without padding; the stride equals the window."""

    window: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Flatten:
    """(B, height, width, channels) → (B, height · width · channels), in the order H, W, C."""

    height: int
    width: int
    channels: int


@dataclass(frozen=True, slots=True)
class Dense:
    """x · kernel + bias, then the activation."""

    name: str
    in_features: int
    out_features: int
    activation: Activation

    @property
    def kernel_shape(self) -> Shape:
        """(in_features, out_features)."""
        return (self.in_features, self.out_features)

    @property
    def bias_shape(self) -> Shape:
        """(out_features,)."""
        return (self.out_features,)

    @property
    def fan_in(self) -> int:
        """How many inputs each output sums over."""
        return self.in_features


Layer = Conv | MaxPool | Flatten | Dense


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A network, layer by layer; each implementation builds its own from this description.

    `input_shape` is (height, width, channels); the last layer yields logits (B, classes).
    """

    name: str
    input_shape: tuple[int, int, int]
    classes: int
    layers: tuple[Layer, ...]

    @property
    def weighted_layers(self) -> tuple[Conv | Dense, ...]:
        """The layers that have a kernel and a bias, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv | Dense))

    def parameter_shapes(self) -> dict[str, Shape]:
        """The shape of every canonical parameter, in order: kernel, then bias, of each layer."""
        shapes: dict[str, Shape] = {}
        for layer in self.weighted_layers:
            shapes[f"{layer.name}/kernel"] = layer.kernel_shape
            shapes[f"{layer.name}/bias"] = layer.bias_shape
        return shapes

    def parameter_count(self) -> int:
        """How many trainable numbers the network has."""
        return sum(math.prod(shape) for shape in self.parameter_shapes().values())


@dataclass(frozen=True, slots=True)
class OptimizerSpec:
    """An optimizer, with every constant given; in PyTorch's definitions unless said otherwise.

    With gradient g, weight p, learning rate η, weight decay λ; t counts steps from 1:

    sgd      g ← g + λp;  v ← μv + g;  p ← p − ηv                              (v₀ = 0)
    rmsprop  g ← g + λp;  s ← αs + (1 − α)g²;  b ← μb + g/(√s + ε);  p ← p − ηb
    adam     g ← g + λp;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;
             p ← p − η · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
    adamw    p ← p − ηλp;  then as adam with λ = 0

    The learning rate is not part of it: it is given with every epoch and never enters a buffer.
    Source: the algorithm boxes of the torch.optim documentation (SGD, RMSprop, Adam, AdamW).

    The last three fields are for the definitions of other frameworks' own optimizers:

    epsilon_form      "inside", rmsprop: g/√(s + ε) in place of g/(√s + ε)
                      "hat", adam and adamw: p ← p − η · √(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v + ε), the
                      form before section 2.1 in Kingma & Ba, arXiv:1412.6980, with its ε̂
    rate_in_momentum  sgd: v ← μv + ηg;  p ← p − v.   rmsprop: b ← μb + ηg/(√s + ε);  p ← p − b
    decoupled_decay   p ← p − ηλp before the step, which then has λ = 0; adamw always does so
    """

    name: OptimizerName
    momentum: float = 0.0
    weight_decay: float = 0.0
    alpha: float = 0.99
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_form: EpsilonForm = "outside"
    rate_in_momentum: bool = False
    decoupled_decay: bool = False

    @property
    def forms(self) -> tuple[str, ...]:
        """Where it leaves PyTorch's definitions, by the fields that say so; only what has effect.

        Of `epsilon_inside`, `epsilon_hat`, `rate_in_momentum` and `decoupled_decay`.
        """
        found = {
            f"epsilon_{self.epsilon_form}": self.epsilon_form != "outside" and self.name != "sgd",
            "rate_in_momentum": self.rate_in_momentum and "momentum" in self.buffers,
            "decoupled_decay": self.decoupled_decay and self.weight_decay and self.name != "adamw",
        }
        return tuple(form for form, used in found.items() if used)

    def refuse_forms_but(self, allowed: Collection[str], framework: str) -> None:
        """UsageError where the framework cannot build one of the forms; for implementations."""
        unknown = [form for form in self.forms if form not in allowed]
        if unknown:
            raise UsageError(
                f"{framework} cannot compute {self.name} with {', '.join(unknown)}: it has "
                f"{', '.join(allowed) or 'none of these forms'}; take another regime or framework"
            )

    @property
    def buffers(self) -> tuple[str, ...]:
        """What it remembers of each parameter: `mean` is m, `square` v or s, `momentum` v or b."""
        match self.name:
            case "sgd":
                return ("momentum",) if self.momentum else ()
            case "rmsprop":
                return ("square", "momentum") if self.momentum else ("square",)
            case "adam" | "adamw":
                return ("mean", "square")


@dataclass(frozen=True, slots=True)
class OptimizerState:
    """What an optimizer remembers between steps.

    steps    how many have been taken
    buffers  for each of `OptimizerSpec.buffers` a canonical tree, shaped as the parameters
    """

    steps: int
    buffers: Mapping[str, Parameters]


@dataclass(frozen=True, slots=True)
class Order:
    """Which images each step of an epoch trains on: rows of what `Adapter.load` was given.

    batches    int32 (steps, batch_size): the full batches, consumed from first to last
    remainder  int32 (r,), 0 ≤ r < batch_size: the last, smaller batch; none where r = 0
    """

    batches: NDArray[np.int32]
    remainder: NDArray[np.int32]

    @property
    def steps(self) -> int:
        """Optimizer steps in the epoch, the remainder's included."""
        return int(self.batches.shape[0]) + (self.remainder.size > 0)

    @property
    def images(self) -> int:
        """Images consumed in the epoch."""
        return int(self.batches.size + self.remainder.size)

    def sizes(self) -> NDArray[np.int64]:
        """Images in each step, (steps,): the weights of a mean over the epoch's losses."""
        full = np.full(self.batches.shape[0], self.batches.shape[1], dtype=np.int64)
        return np.append(full, self.remainder.size) if self.remainder.size else full


class Adapter(Protocol):
    """One framework behind the interface that the worker drives.

    The worker makes one per process and calls, in this order: `devices`, `build`, `load`,
    `compile`, then `train_epoch` and `predict` in turns. Rules for an implementation:

    - float32 throughout: no TF32, no bfloat16, no fast-math.
    - Loss: softmax cross-entropy of the logits, mean over the images of the batch.
    - Never read a clock, print, or seed a global generator.
    - Import the framework when the adapter's module is imported, not earlier.
    """

    def devices(self) -> tuple[Device, ...]:
        """The kinds of device that the framework can compute on here, `cpu` first."""

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """Make the network with these parameters, and the optimizer with empty buffers.

        `parameters` are canonical and may be read-only. `threads` is how many CPU threads the
        framework may compute with; it must be set before the framework's first operation.
        May be called again, and then begins anew.
        """

    def load(self, images: Images, labels: Labels) -> None:
        """Put the training set, (N, H, W, C) and (N,), where and as the framework likes it."""

    def compile(self, steps: int, batch_size: int, remainder: int) -> None:
        """Do now what would otherwise make the first epoch of this shape slower than the others.

        Trace, compile, choose kernels. Parameters and optimizer state are afterwards what they
        were before, bit for bit.
        """

    def train_epoch(self, order: Order, learning_rate: float) -> NDArray[np.float32]:
        """Take one step a batch, in order; return each step's loss before its update, (steps,).

        The losses come to the host in one transfer, at the end.
        """

    def predict(self, images: Images) -> NDArray[np.float32]:
        """The logits, (n, classes), of images (n, H, W, C) that need not have been loaded."""

    def gradients(self, indices: Indices) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """Loss and canonical gradients for one batch of loaded images; changes nothing."""

    def export(self) -> dict[str, NDArray[np.float32]]:
        """The current parameters, canonical, as copies that later steps do not change."""

    def export_optimizer(self) -> OptimizerState:
        """The optimizer's buffers and step count, as copies that later steps do not change."""

    def restore_optimizer(self, state: OptimizerState) -> None:
        """Continue from this state: called after `build`, with the same kind of optimizer.

        The arrays may be read-only and are copied.
        """

    def synchronize(self) -> None:
        """Return only when everything that was asked of the device is done."""

    def versions(self) -> dict[str, str]:
        """What computes: packages and libraries, each with its version or build."""

    def memory(self) -> int | None:
        """The device's peak use in bytes by the framework's own counter; None where it has none."""
