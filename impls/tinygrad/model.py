"""The network in tinygrad's operations, and its parameters.

Images are (B, C, H, W), as tinygrad's convolutions want them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from tinygrad import Tensor, dtypes

from bench.contract import Conv, Parameters
from impls._written.network import turned

Tree = dict[str, Tensor]  # by canonical path, in tinygrad's layout

# The axes of a convolution's kernel in the order in which tinygrad wants them, and the way back.
# All else is as in the canonical tree.
TO_TINYGRAD = {4: (3, 2, 0, 1)}  # HWIO → OIHW
TO_CANONICAL = {4: (2, 3, 1, 0)}
CHANNELS_FIRST = (0, 3, 1, 2)  # NHWC → NCHW


class Operations:
    """See `impls._written.network.Operations`, and what the written optimizers need."""

    axis = 2
    where = staticmethod(Tensor.where)
    relu = staticmethod(Tensor.relu)
    tanh = staticmethod(Tensor.tanh)
    sqrt = staticmethod(Tensor.sqrt)
    square = staticmethod(Tensor.square)

    def exp_minus_1(self, z: Tensor) -> Tensor:
        """Tinygrad has no expm1."""
        return z.exp() - 1

    def expm1(self, x: Tensor) -> Tensor:
        """Of a float32 scalar; in float64, for tinygrad has only exp."""
        return (x.cast(dtypes.float64).exp() - 1).cast(dtypes.float32)

    def convolution(self, x: Tensor, kernel: Tensor, bias: Tensor, layer: Conv) -> Tensor:
        """See `impls._written.network.Operations.convolution`."""
        return x.conv2d(kernel, bias, padding=layer.padding)

    def linear(self, x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        """See `impls._written.network.Operations.linear`."""
        return x.linear(kernel, bias)

    def flatten(self, x: Tensor) -> Tensor:
        """See `impls._written.network.Operations.flatten`."""
        return x.permute(0, 2, 3, 1).flatten(1)

    def arrange(self, draw: Tensor) -> Tensor:
        """See `impls._written.network.Operations.arrange`."""
        return draw.permute(*CHANNELS_FIRST) if draw.ndim == len(CHANNELS_FIRST) else draw


OPERATIONS = Operations()


def to_tinygrad(canonical: Parameters, device: str) -> Tree:
    """Copies of a canonical tree in tinygrad's layout."""
    return {
        path: on_device(turned(array, TO_TINYGRAD), device) for path, array in canonical.items()
    }


def to_canonical(tree: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """The way back; copies."""
    return {path: np.array(turned(one.numpy(), TO_CANONICAL)) for path, one in tree.items()}


def on_device(array: NDArray[np.generic], device: str) -> Tensor:
    """A copy in a buffer of its own, as programs that are compiled once want their inputs."""
    return Tensor(np.array(array, order="C"), device=device).clone().realize()
