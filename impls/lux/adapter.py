"""Lux.jl behind the adapter interface; importing this module is starting Julia."""

from __future__ import annotations

from bench.contract import ModelSpec
from impls._julia.adapter import JuliaAdapter
from impls._julia.julia import Julia
from impls.lux.limits import lacking
from impls.lux.toolchain import JULIA, SOURCES


class LuxAdapter(JuliaAdapter):
    """Lux with Zygote: a chain of layers without parameters, and these in a vector, on the CPU."""

    julia = Julia(JULIA, SOURCES, "LenetBenchLux")

    def _lacking(self, model: ModelSpec) -> str | None:
        reason = lacking(model)
        return reason and f"Lux has {reason}"
