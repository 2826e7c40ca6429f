"""SimpleChains.jl behind the adapter interface; importing this module is starting Julia."""

from __future__ import annotations

from bench.contract import Flatten, ModelSpec
from impls._julia.adapter import FORMS, JuliaAdapter
from impls._julia.julia import Julia
from impls.simplechains.limits import lacking
from impls.simplechains.toolchain import JULIA, SOURCES


class SimpleChainsAdapter(JuliaAdapter):
    """SimpleChains: a chain of layers of known sizes on one vector of parameters, on the CPU.

    LoopVectorization, which writes its loops, has sizes for which it fails with a MethodError of
    Julia's, such as the second convolution of LeNet-5 on images of 20 × 28.
    """

    julia = Julia(JULIA, SOURCES, "LenetBenchSimpleChains")
    # Optimizers of its own have no momentum: they are the matched ones in every regime.
    optimizers = dict.fromkeys(FORMS, ())
    flipped = False  # its convolutions are cross-correlations

    def _lacking(self, model: ModelSpec) -> str | None:
        reason = lacking(model)
        return reason and f"SimpleChains has {reason}"

    def _layers(self, model: ModelSpec) -> tuple[tuple[str, object], ...]:
        """With the size of an image, which is part of the chain's type."""
        *first, last = super()._layers(model)
        match model.layers[-1]:
            case Flatten(height, width, channels):
                last = "flatten", (height, width, channels)
        return ("input", model.input_shape), *first, last
