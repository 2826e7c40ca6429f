"""Flux.jl behind the adapter interface; importing this module is starting Julia."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contract import (
    Device,
    Gather,
    Layers,
    Loss,
    ModelSpec,
    OptimizerSpec,
    Parameters,
    StepPart,
    StepWork,
    Update,
)
from bench.errors import NotSupportedError, UnavailableError
from impls._julia.adapter import JuliaAdapter
from impls._julia.julia import Julia, complaint
from impls._julia.layout import images_to_julia, to_images, to_julia
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

    def step_part(self, part: StepPart) -> StepWork:
        """See `Adapter.step_part`; on the CPU."""
        if self._device != "cpu":
            raise NotSupportedError("the parts of a step on a GPU are not written for Flux")
        once, named = self._once(part)
        last = [self.julia.call_without_python("repeated", once, 1)]

        def run(times: int) -> None:
            last[0] = self.julia.call_without_python("repeated", once, times)

        return StepWork(run, lambda: named(last[0]))

    def _once(self, part: StepPart) -> tuple[Any, Callable[[Any], dict[str, NDArray[np.float32]]]]:
        """A function of Julia's that does the part once, and how its results are called."""
        match part:
            case Gather(rows=rows):

                def gathered(found: Any) -> dict[str, NDArray[Any]]:
                    images, labels = self.julia.call("joined_examples", found)
                    return {"images": to_images(images), "labels": np.array(labels)}

                return self.julia.call("gather_part", self._session, rows), gathered
            case Layers(above=above, inputs=inputs, parameters=parameters):

                def pulled(found: Any) -> dict[str, NDArray[np.float32]]:
                    output, of_images, arrays = self.julia.call("joined_layers", found)
                    named = {"output": to_images(output)}
                    if inputs:
                        named["inputs"] = to_images(of_images)
                    return named | (self._canonical(arrays) if parameters else {})

                placed = images_to_julia(above) if above.ndim == 4 else above.T
                given = (self._session, placed, inputs, parameters)
                return self.julia.call("layers_part", *given), pulled
            case Loss(logits=logits):

                def told(found: Any) -> dict[str, NDArray[np.float32]]:
                    loss, gradient = found
                    return {"loss": np.array(loss, np.float32), "logits": to_images(gradient)}

                return self.julia.call("loss_part", self._session, logits.T), told
            case Update(gradients=gradients, learning_rate=rate):
                arrays = to_julia(self._model, gradients, self.flipped)
                once = self.julia.call("update_part", self._session, arrays, rate)
                return once, lambda found: self.export()

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
