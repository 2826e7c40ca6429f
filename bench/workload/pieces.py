"""A network cut into networks of one layer each, to find where a step's time goes.

What flattens before a dense layer stays with it: how the one is done decides the order of the
other's kernel, and often it is no work at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from bench.contract import Conv, Dense, Flatten, Layer, ModelSpec, Pool, Shape
from bench.errors import NotSupportedError
from bench.workload import flops


@dataclass(frozen=True, slots=True)
class Piece:
    """One layer, as a network of its own.

    name     of the layer; pool, or pool1, pool2, ...
    model    takes images of the shape that the layer is given, dense layers those of one pixel
    output   the shape of what the layer makes of one image
    is_first whether no layer below it has parameters: then nobody needs the gradient at its input
    flops    operations for one image of one pass, of three: forward, to the inputs, to the kernel
    """

    name: str
    model: ModelSpec
    output: Shape
    is_first: bool
    flops: int

    @property
    def has_parameters(self) -> bool:
        """Whether something in it is trained."""
        return bool(self.model.weighted_layers)


def pieces(model: ModelSpec) -> tuple[Piece, ...]:
    """All layers, in order; NotSupportedError where something in the network is random."""
    if model.random:
        raise NotSupportedError(
            f"{model.label} has layers that draw random numbers, and such a network is not cut: "
            "take --dropout 0 and --noise 0, and another activation than rrelu"
        )
    return tuple(_cut(model))


def _cut(model: ModelSpec) -> Iterator[Piece]:
    operations = {one.name: one.forward for one in flops.by_layer(model)}
    pools = sum(isinstance(layer, Pool) for layer in model.layers)
    numbers = count(1)
    shape: Shape = model.input_shape  # of what the layers so far have made
    before: list[Layer] = []  # what stays with the layer after it
    is_first = True
    for layer, output in zip(model.layers, model.output_shapes(), strict=True):
        before.append(layer)
        match layer:
            case Flatten():
                continue
            case Pool():
                name = f"pool{next(numbers)}" if pools > 1 else "pool"
            case Conv() | Dense():
                name = layer.name
        height, width, channels = shape if len(shape) == 3 else (1, 1, shape[0])
        if len(shape) == 1:
            before.insert(0, Flatten(1, 1, channels))
        images = (height, width, channels)
        own = ModelSpec(f"{model.name}-{name}", images, model.classes, tuple(before))
        yield Piece(name, own, output, is_first, operations.get(name, 0))
        shape, before = output, []
        is_first = is_first and not own.weighted_layers
