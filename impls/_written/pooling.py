"""Pooling by slices, in the operations of any library.

For a library whose own is slower, or has another gradient where two values are equal.
"""

from __future__ import annotations

import functools
from typing import Any

from bench.contract import Pool

Tensor = Any  # of the library
Operations = Any  # a module of it with where


def _placed(x: Tensor, window: tuple[int, int], axis: int = 1) -> list[list[Tensor]]:
    """What stands at each place of the windows of `axis` and the next one, row by row.

    The stride equals the window; rows and columns that fill none are left out.
    """
    before = (slice(None),) * axis
    (rows, columns), (height, width) = window, x.shape[axis : axis + 2]
    height, width = height - height % rows, width - width % columns
    return [
        [
            x[(*before, slice(row, height, rows), slice(column, width, columns))]
            for column in range(columns)
        ]
        for row in range(rows)
    ]


def max_pool(ops: Operations, x: Tensor, window: tuple[int, int], axis: int = 1) -> Tensor:
    """The maximum of each window; its gradient goes to the first maximum in row-major order.

    Rows are compared by their maxima. One comparison after the other would be as right, and leaves
    a compiler that joins operations more to compute again in the gradient.
    """

    def greatest(values: list[Tensor]) -> Tensor:
        return functools.reduce(lambda first, then: ops.where(first >= then, first, then), values)

    return greatest([greatest(row) for row in _placed(x, window, axis)])


def pooled(ops: Operations, x: Tensor, layer: Pool, axis: int = 1) -> Tensor:
    """The layer's pooling of `axis` and the next one."""
    if layer.kind == "max":
        return max_pool(ops, x, layer.window, axis)
    values = [value for row in _placed(x, layer.window, axis) for value in row]
    return sum(values[1:], start=values[0]) * (1 / len(values))
