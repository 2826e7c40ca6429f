"""The random layers of a network: those whose numbers are given, and those that draw themselves.

`nn.Dropout` and `nn.RReLU` draw by themselves and cannot be told what, nor from which generator: it
is PyTorch's own of the device, which `Network` seeds. Without numbers the others do as in
evaluation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.contract import RRELU_HIGHEST, RRELU_LOWEST, RRELU_MEAN, Drawn


class TakesDraws(nn.Module):
    """A layer that is given an argument more in training."""


class MaskedDropout(TakesDraws):
    """x · factors, (B, features): 1 / (1 − rate) or 0, as `Network.placed` makes them of masks."""

    def forward(self, x: Tensor, factors: Tensor | None = None) -> Tensor:
        """(B, features)."""
        return x if factors is None else x * factors


class RandomSlopes(TakesDraws):
    """z where z > 0, else slope · z."""

    def forward(self, z: Tensor, slopes: Tensor | None = None) -> Tensor:
        """Of any shape; the slopes have the same."""
        if slopes is None:
            return functional.leaky_relu(z, RRELU_MEAN)
        # The factors are constants to autograd: the way back is one product.
        return z * torch.where(z.detach() > 0, 1.0, slopes)


class AddedNoise(TakesDraws):
    """x + noise."""

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """(B, C, H, W)."""
        return x if noise is None else x + noise


class DrawnNoise(nn.Module):
    """x + std · normal noise in training. PyTorch has no such layer."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W)."""
        return x + self.std * torch.randn_like(x) if self.training else x


def random_layer(of: Drawn, *, own: bool) -> nn.Module:
    """The layer that takes these numbers, or with `own` PyTorch's, which draws them by itself."""
    match of.kind:
        case "mask":
            return nn.Dropout(of.level) if own else MaskedDropout()
        case "slope":
            return nn.RReLU(RRELU_LOWEST, RRELU_HIGHEST) if own else RandomSlopes()
        case "noise":
            return DrawnNoise(of.level) if own else AddedNoise()
