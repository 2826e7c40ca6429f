"""Pooling by slices, in the operations of any library.

For a library whose own is slower, or has another gradient where two values are equal.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

from bench.contract import Pool

Tensor = Any  # of the library
Operations = Any  # a module of it with where


def _placed(x: Tensor, window: tuple[int, int], axis: int = 1) -> list[Tensor]:
    """What stands at each place of the windows of `axis` and the next one, in row-major order.

    The stride equals the window; rows and columns that fill none are left out.
    """
    before = (slice(None),) * axis
    (rows, columns), (height, width) = window, x.shape[axis : axis + 2]
    height, width = height - height % rows, width - width % columns
    return [
        x[(*before, slice(row, height, rows), slice(column, width, columns))]
        for row, column in itertools.product(range(rows), range(columns))
    ]


def max_pool(ops: Operations, x: Tensor, window: tuple[int, int], axis: int = 1) -> Tensor:
    """The maximum of each window; its gradient goes to the first maximum in row-major order."""
    return functools.reduce(
        lambda first, then: ops.where(first >= then, first, then), _placed(x, window, axis)
    )


def pooled(ops: Operations, x: Tensor, layer: Pool, axis: int = 1) -> Tensor:
    """The layer's pooling of `axis` and the next one."""
    if layer.kind == "max":
        return max_pool(ops, x, layer.window, axis)
    values = _placed(x, layer.window, axis)
    return sum(values[1:], start=values[0]) * (1 / len(values))
