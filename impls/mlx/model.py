"""The network in MLX's operations, the table of its parameters, and the random numbers of its own.

Images are NHWC, as in the canonical layout, and the flatten order is H, W, C by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from bench.contract import RRELU_HIGHEST, RRELU_LOWEST, Conv, ModelSpec, Parameters
from impls._written.network import turned

Tree = dict[str, mx.array]  # by canonical path, in MLX's layout

# The axes of a canonical kernel in the order in which MLX wants them, and the way back.
TO_MLX = {4: (3, 0, 1, 2), 2: (1, 0)}  # HWIO → OHWI, (in, out) → (out, in)
TO_CANONICAL = {4: (1, 2, 3, 0), 2: (1, 0)}


class Operations:
    """See `impls._written.network.Operations`, and what the written optimizers need."""

    axis = 1
    where = staticmethod(mx.where)
    tanh = staticmethod(mx.tanh)
    exp_minus_1 = staticmethod(mx.expm1)
    expm1 = staticmethod(mx.expm1)
    sqrt = staticmethod(mx.sqrt)
    square = staticmethod(mx.square)

    def relu(self, z: mx.array) -> mx.array:
        """As `nn.relu`."""
        return mx.maximum(z, 0.0)

    def convolution(self, x: mx.array, kernel: mx.array, bias: mx.array, layer: Conv) -> mx.array:
        """See `impls._written.network.Operations.convolution`."""
        return mx.conv2d(x, kernel, stride=1, padding=layer.padding) + bias

    def linear(self, x: mx.array, kernel: mx.array, bias: mx.array) -> mx.array:
        """See `impls._written.network.Operations.linear`."""
        return mx.addmm(bias, x, kernel.T)

    def flatten(self, x: mx.array) -> mx.array:
        """See `impls._written.network.Operations.flatten`."""
        return mx.flatten(x, 1)

    def arrange(self, draw: mx.array) -> mx.array:
        """See `impls._written.network.Operations.arrange`."""
        return draw


OPERATIONS = Operations()


def to_mlx(canonical: Parameters) -> Tree:
    """Copies of a canonical tree in MLX's layout."""
    return {path: mx.array(turned(array, TO_MLX)) for path, array in canonical.items()}


def to_canonical(tree: Mapping[str, mx.array]) -> dict[str, NDArray[np.float32]]:
    """The way back; copies."""
    return {path: np.array(turned(np.asarray(array), TO_CANONICAL)) for path, array in tree.items()}


def own_draws(spec: ModelSpec, key: mx.array, batch: int) -> list[mx.array]:
    """What a step draws by itself: for each of `ModelSpec.random` numbers (B, *shape)."""
    drawn = []
    for one, own in zip(spec.random, mx.random.split(key, len(spec.random)), strict=True):
        shape = (batch, *one.shape)
        match one.kind:
            case "mask":
                drawn.append(mx.random.bernoulli(1 - one.level, shape, key=own))
            case "noise":
                drawn.append(one.level * mx.random.normal(shape, key=own))
            case "slope":
                drawn.append(mx.random.uniform(RRELU_LOWEST, RRELU_HIGHEST, shape, key=own))
    return drawn
