"""The network as a PyTorch module, and where each canonical parameter is in it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from bench.contract import (
    LEAKY_SLOPE,
    Activation,
    Conv,
    Dense,
    Draws,
    Dropout,
    Flatten,
    ModelSpec,
    Noise,
    Parameters,
    Pool,
    is_random,
    parts,
    require_draws,
)
from impls.torch.random_layers import TakesDraws, random_layer

# The axes of a canonical kernel in the order in which PyTorch wants them, and the way back.
CONV_TO_TORCH = (3, 2, 0, 1)  # HWIO → OIHW
CONV_TO_CANONICAL = (2, 3, 1, 0)  # OIHW → HWIO
DENSE_TRANSPOSED = (1, 0)  # (in, out) ↔ (out, in)


class Network(nn.Module):
    """The layers of the description, in their order, without parameters until `set_parameters`.

    `channels_last` says how activations lie in memory: (B, H, W, C), or (B, C, H, W). It is in
    training mode but for `evaluated`, which matters to layers that draw by themselves.
    """

    def __init__(self, spec: ModelSpec, channels_last: bool) -> None:
        super().__init__()
        self.spec = spec
        self.channels_last = channels_last
        # On the meta device nothing is allocated and no random number is drawn.
        with torch.device("meta"):
            self.layers = nn.Sequential(OrderedDict(_modules(spec)))
        if spec.generator_seed is not None:
            torch.manual_seed(spec.generator_seed)

    def forward(self, images: Tensor, draws: Sequence[Tensor] = ()) -> Tensor:
        """Images as `arrange` gives them → logits (B, classes); with draws, as in training.

        The shapes of LeNet-5 on 32×32×1:
        conv1   (B, 6, 28, 28) → ReLU → pool (B, 6, 14, 14)
        conv2   (B, 16, 10, 10) → ReLU → pool (B, 16, 5, 5) → flatten (B, 400)
        dense1  (B, 120) → ReLU → dense2 (B, 84) → ReLU → dense3 (B, 10)
        """
        if self.channels_last:
            images = images.permute(0, 3, 1, 2)  # (B, C, H, W) by its axes, B, H, W, C in memory
        if not draws:
            logits: Tensor = self.layers(images)
            return logits
        remaining = iter(draws)
        for module in self.layers:
            takes = isinstance(module, TakesDraws)
            images = module(images, next(remaining)) if takes else module(images)
        return images

    @torch.inference_mode()
    def evaluated(self, images: Tensor) -> Tensor:
        """As `forward` without draws, and no layer draws by itself."""
        self.eval()
        try:
            logits: Tensor = self(images)
        finally:
            self.train()
        return logits

    def same_numbers(self) -> AbstractContextManager[None]:
        """Afterwards a generator of PyTorch's is where it was, if the network has drawn from it."""
        drew = self.spec.generator_seed is not None
        found: AbstractContextManager[None] = torch.random.fork_rng(enabled=drew)
        return found

    def arrange(self, images: Tensor) -> Tensor:
        """Images (n, H, W, C) in the layout in which `forward` takes them, contiguous.

        Gathered from this layout, a batch needs no copy on its way into the first convolution.
        """
        return images if self.channels_last else images.permute(0, 3, 1, 2).contiguous()

    def placed(self, draws: Draws, device: torch.device) -> tuple[Tensor, ...]:
        """Draws (..., B, *shape) as `forward` takes them, each in one transfer.

        Masks as factors: 1 / (1 − rate), or 0.
        """
        require_draws(self.spec, draws)
        found: list[Tensor] = []
        for one, array in zip(self.spec.drawn, draws, strict=True):
            tensor = torch.from_numpy(array).to(device)
            if one.kind == "mask":
                tensor = tensor.to(torch.float32).mul_(1 / (1 - one.level))
            if len(one.shape) == 3:
                tensor = tensor.movedim(-1, -3)  # (..., B, C, H, W) by its axes
                tensor = tensor if self.channels_last else tensor.contiguous()
            found.append(tensor)
        return tuple(found)

    def set_parameters(self, parameters: Parameters, device: torch.device) -> None:
        """Replace all parameters by copies of these canonical ones."""
        self.load_state_dict(self.arranged(parameters, device), assign=True)

    def arranged(self, tree: Parameters, device: torch.device) -> dict[str, Tensor]:
        """Copies of a canonical tree by PyTorch's names, in the order and layout of `parameters()`.

        The parameters themselves, or buffers of an optimizer.
        """
        memory = torch.channels_last if self.channels_last else torch.contiguous_format
        state: dict[str, Tensor] = {}
        for layer in self.spec.weighted_layers:
            kernel = torch.tensor(tree[f"{layer.name}/kernel"], device=device)
            if isinstance(layer, Conv):
                kernel = kernel.permute(CONV_TO_TORCH).contiguous(memory_format=memory)
            else:
                kernel = kernel.permute(DENSE_TRANSPOSED).contiguous()
            state[f"layers.{layer.name}.weight"] = kernel
            state[f"layers.{layer.name}.bias"] = torch.tensor(
                tree[f"{layer.name}/bias"], device=device
            )
            if "slope" in parts(layer):
                slope = torch.tensor(tree[f"{layer.name}/slope"], device=device)
                state[f"layers.{layer.name}_{layer.activation}.weight"] = slope
        return state

    def canonical(self, tensors: Iterator[Tensor]) -> dict[str, Tensor]:
        """Name and transpose tensors that come in the order and layout of `parameters()`.

        The parameters themselves, their gradients, or buffers; the results may be views.
        """
        tree: dict[str, Tensor] = {}
        for layer in self.spec.weighted_layers:
            axes = CONV_TO_CANONICAL if isinstance(layer, Conv) else DENSE_TRANSPOSED
            tree[f"{layer.name}/kernel"] = next(tensors).permute(axes)
            tree[f"{layer.name}/bias"] = next(tensors)
            if "slope" in parts(layer):
                tree[f"{layer.name}/slope"] = next(tensors)
        return tree


class FlattenCanonical(nn.Module):
    """(B, C, H, W) → (B, H · W · C), in the contract's order.

    With activations that lie as (B, H, W, C) it is a view; `nn.Flatten` would copy them to C, H, W.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) by its axes → (B, H · W · C)."""
        return x.permute(0, 2, 3, 1).flatten(1)


def _modules(spec: ModelSpec) -> Iterator[tuple[str, nn.Module]]:
    own = spec.generator_seed is not None
    random = (random_layer(one, own=own) for one in spec.random)
    for position, layer in enumerate(spec.layers):
        name = getattr(layer, "name", f"{type(layer).__name__}{position}".lower())
        if isinstance(layer, Dropout | Noise):
            yield name, next(random)
            continue
        yield name, _module(layer)
        if isinstance(layer, Conv | Dense) and layer.activation != "none":
            activation = next(random) if is_random(layer) else _activation(layer.activation)
            yield f"{layer.name}_{layer.activation}", activation


def _activation(name: Activation) -> nn.Module:
    """PyTorch's own, whose definitions are the contract's; but for rrelu, which is random."""
    match name:
        case "relu":
            return nn.ReLU()
        case "leakyrelu":
            return nn.LeakyReLU(LEAKY_SLOPE)
        case "prelu":
            return nn.PReLU(num_parameters=1, dtype=torch.float32)
        case "elu":
            return nn.ELU(alpha=1.0)
        case "selu":
            return nn.SELU()
        case "tanh":
            return nn.Tanh()
        case "none":
            return nn.Identity()
        case "rrelu":
            raise ValueError("rrelu is random: see random_layer")


def _module(layer: Conv | Dense | Pool | Flatten) -> nn.Module:
    match layer:
        case Conv():
            return nn.Conv2d(
                layer.in_channels,
                layer.out_channels,
                layer.kernel,
                stride=1,
                padding=layer.padding,
                padding_mode="zeros",
                bias=True,
                dtype=torch.float32,
            )
        case Dense():
            return nn.Linear(layer.in_features, layer.out_features, bias=True, dtype=torch.float32)
        case Pool(window=window, kind="max"):
            return nn.MaxPool2d(window, stride=window, padding=0, ceil_mode=False)
        case Pool(window=window):
            return nn.AvgPool2d(window, stride=window, padding=0, ceil_mode=False)
        case Flatten():
            return FlattenCanonical()
