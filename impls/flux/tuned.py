"""Flux with a faster method of NNlib's for the gradient of a convolution's input."""

from __future__ import annotations

from bench.contract import Device
from impls.flux.adapter import FluxAdapter

PACKAGE = "LenetBenchFluxTuned"


class FluxTuned(FluxAdapter):
    """The plain adapter; see `LenetBenchFluxTuned/src/LenetBenchFluxTuned.jl`."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.julia.imported(PACKAGE)

    def devices(self) -> tuple[Device, ...]:
        """The CPU: on a GPU cuDNN convolves."""
        return ("cpu",)
