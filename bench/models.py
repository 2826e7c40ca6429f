"""The networks, each described once for all implementations."""

from __future__ import annotations

from collections.abc import Callable

from bench.contract import Conv, Dense, Flatten, Layer, MaxPool, ModelSpec
from bench.errors import UnknownNameError, UsageError


def lenet5(input_shape: tuple[int, int, int], classes: int) -> ModelSpec:
    """LeNet-5 with ReLU and max pooling: 61,706 parameters at 32×32×1, 62,006 at 32×32×3.

    After Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86 (1998), in the form that is taught today.
    """
    height, width, channels = input_shape
    if min(height, width) < 12:  # two 5×5 convolutions and two poolings leave nothing of less
        raise UsageError(f"lenet5 needs images of at least 12×12, got {height}×{width}")
    rows, columns = ((size - 4) // 2 for size in (height, width))
    rows, columns = ((size - 4) // 2 for size in (rows, columns))
    layers: tuple[Layer, ...] = (
        Conv("conv1", (5, 5), channels, 6, "relu"),
        MaxPool((2, 2)),
        Conv("conv2", (5, 5), 6, 16, "relu"),
        MaxPool((2, 2)),
        Flatten(rows, columns, 16),
        Dense("dense1", rows * columns * 16, 120, "relu"),
        Dense("dense2", 120, 84, "relu"),
        Dense("dense3", 84, classes, "none"),
    )
    return ModelSpec("lenet5", input_shape, classes, layers)


CATALOGUE: dict[str, Callable[[tuple[int, int, int], int], ModelSpec]] = {"lenet5": lenet5}


def build(name: str, input_shape: tuple[int, int, int], classes: int) -> ModelSpec:
    """The named network for images (height, width, channels) of so many classes."""
    if name not in CATALOGUE:
        raise UnknownNameError("model", name, CATALOGUE)
    return CATALOGUE[name](input_shape, classes)
