"""Flux.jl behind the adapter interface; importing this module is starting Julia."""

from __future__ import annotations

from typing import Any

from bench.contract import Device, ModelSpec, OptimizerSpec, Parameters
from bench.errors import UnavailableError
from impls._julia.adapter import JuliaAdapter
from impls._julia.julia import Julia, complaint
from impls.flux import cuda
from impls.flux.toolchain import JULIA, SOURCES


class FluxAdapter(JuliaAdapter):
    """Flux. On a GPU one task queues whole batches; rows, draws and losses cross at its edges."""

    julia = Julia(JULIA, SOURCES, "LenetBenchFlux")

    def devices(self) -> tuple[Device, ...]:
        """The CPU, and the GPU where CUDA.jl was set up and the driver counts one.

        CUDA.jl itself is loaded by `build`, where a GPU is asked for: it takes memory and seconds.
        """
        return ("cpu",) if JULIA.gpu_missing() else ("cpu", "gpu")

    def make_deterministic(self) -> None:
        """The shares of a batch are summed in their order, as always.

        Not on a GPU: CUDA.jl takes the fastest of cuDNN's algorithms, some of which add in any
        order, and has no switch for that.
        """

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
            UnavailableError: CUDA.jl or cuDNN cannot be used, in their words; or the network is
                to draw by itself on a GPU.
        """
        if device == "gpu" and model.generator_seed is not None:
            raise UnavailableError(
                "Flux draws with its own generator on the CPU only here: take the regime matched, "
                "in which random numbers are given, or --devices cpu"
            )
        super().build(model, parameters, optimizer, device, threads)

    def _device_of(self, name: Device) -> Any:
        """UnavailableError where the GPU's packages or the GPU cannot be used."""
        if name == "cpu":
            return super()._device_of(name)
        try:
            return self.julia.imported(cuda.PACKAGE).gpu()
        except self.julia.error as error:
            told = complaint(str(error))
            refused = UnavailableError(f"{told}; {JULIA.gpu_missing() or cuda.HELP}")
            refused.add_note("\n".join(told.__notes__))
            raise refused from None
