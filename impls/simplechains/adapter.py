"""SimpleChains.jl behind the adapter interface; importing this module is starting Julia."""

from __future__ import annotations

from bench.contract import (
    Conv,
    Dense,
    Device,
    Dropout,
    Flatten,
    ModelSpec,
    Noise,
    OptimizerSpec,
    Parameters,
    Pool,
)
from bench.errors import NotSupportedError
from impls._julia.adapter import JuliaAdapter
from impls._julia.julia import Julia
from impls.simplechains.toolchain import JULIA, SOURCES

# Its tanh is SLEEFPirates' fast one; others are generic functions. None of them is proved here.
ACTIVATIONS = ("relu", "none")


class SimpleChainsAdapter(JuliaAdapter):
    """SimpleChains: a chain of layers of known sizes on one vector of parameters, on the CPU.

    LoopVectorization, which writes its loops, has sizes for which it fails with a MethodError of
    Julia's, such as the second convolution of LeNet-5 on images of 20 × 28.
    """

    julia = Julia(JULIA, SOURCES, "LenetBenchSimpleChains")
    flipped = False  # its convolutions are cross-correlations

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `JuliaAdapter.build`.

        Raises:
            NotSupportedError: SimpleChains has no such layer, or not with what is asked of it.
        """
        if reason := lacking(model):
            raise NotSupportedError(f"SimpleChains has {reason}")
        super().build(model, parameters, optimizer, device, threads)

    def _layers(self, model: ModelSpec) -> tuple[tuple[str, object], ...]:
        """With the size of an image, which is part of the chain's type."""
        *first, last = super()._layers(model)
        match model.layers[-1]:
            case Flatten(height, width, channels):
                last = "flatten", (height, width, channels)
        return ("input", model.input_shape), *first, last


def lacking(model: ModelSpec) -> str | None:
    """What a network has in it that SimpleChains has not, or None."""
    before = (model.input_shape, *model.output_shapes())
    for layer, then, shape in zip(model.layers, (*model.layers[1:], None), before, strict=False):
        match layer:
            case Conv() if any(layer.padding):
                return "no padding of a convolution"
            case Conv() | Dense() if layer.activation not in ACTIVATIONS:
                return f"no activation {layer.activation} that is proved here"
            case Pool(kind="max", window=(rows, columns)) if shape[0] % rows or shape[1] % columns:
                return "no gradient of a pooling that leaves rows or columns out"
            case Pool(kind="average"):
                return "no average pooling"
            case Flatten() if not isinstance(then, Dense | None):
                return f"no flattening in the canonical order before {then}"
            case Dropout() | Noise():
                return "no random layer whose numbers are given"
    return None
