"""The random layers of a network, whose numbers are given; without them, as in evaluation.

`nn.Dropout` and `nn.RReLU` draw by themselves and cannot be told what.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.contract import RRELU_MEAN


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
