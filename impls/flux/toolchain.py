"""Which Julia Flux runs in, and what it takes for a GPU besides."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.contract import Device
from bench.errors import BenchError
from impls._julia import fetching
from impls._julia.toolchain import (
    EXE,
    FLOAT32,
    PROJECT,
    SHARED,
    JuliaToolchain,
    Packages,
    project_here,
    versions_here,
)
from impls.flux import cuda

FLUX = "0.16"
SOURCES = Path(__file__).parent
SIZE = (
    "Julia, where none of the right version is found, and Flux with some 80 packages: a few "
    "hundred MB to fetch, 1 to 2 GB on the disk, 5 to 15 minutes, most of them for compiling"
)


class FluxToolchain(JuliaToolchain):
    """With CUDA.jl where a GPU is asked for."""

    def gpu_missing(self) -> str | None:
        """See `Toolchain.gpu_missing`."""
        return cuda.absent(versions_here()) or cuda.driver_complaint()

    def setup(self, devices: Sequence[Device] = ("cpu",)) -> None:
        """See `JuliaToolchain.setup`.

        For a GPU CUDA.jl is started once, since it fetches NVIDIA's libraries for the driver then.
        """
        with_gpu = "gpu" in devices
        if with_gpu and (complaint := cuda.driver_complaint()):
            # Without one CUDA.jl would choose no libraries, and would have to be set up again.
            raise BenchError(f"nothing was fetched: {complaint}")
        super().setup(devices)
        executable, folders = os.environ.get(EXE), (SHARED, SOURCES)
        if with_gpu and not fetching.start(
            executable, project_here(), folders, cuda.PACKAGE, FLOAT32
        ):
            raise BenchError(
                "CUDA.jl and cuDNN are here and do not start: what Julia says is above; "
                f"{cuda.HELP} begins again"
            )

    def _wanted(self, devices: Sequence[Device]) -> Packages:
        return cuda.PACKAGES if "gpu" in devices else {}

    def _more_expected(self, devices: Sequence[Device]) -> Iterable[str]:
        if "gpu" in devices and self._absent(cuda.PACKAGES):
            yield cuda.EXPECTED

    def _fetched(self, devices: Sequence[Device]) -> str:
        return "CUDA.jl" if "gpu" in devices and not self.missing() else "Julia and Flux"

    def _absent(self, packages: Packages) -> str | None:
        reason = cuda.absent(versions_here()) if packages else None
        if reason and (named := os.environ.get(PROJECT)):
            wanted = " and ".join(f"{name} {bound}" for name, (_, bound) in packages.items())
            return f"{PROJECT}={named} lacks packages for a GPU: Pkg.add {wanted} there"
        return reason


JULIA = FluxToolchain("flux", "Flux", FLUX, SIZE)
