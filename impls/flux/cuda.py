"""CUDA.jl: whether it was set up here and the driver counts a GPU, told without loading either.

CUDA.jl and cuDNN.jl are no part of `impls/juliapkg.json`: they bring NVIDIA's libraries, which are
larger than all else together. `python -m bench setup flux --devices gpu` adds them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping

from impls._julia.toolchain import Packages, absent_of

HELP = "python -m bench setup flux --devices gpu"
PACKAGE = "LenetBenchFluxCUDA"
# Name, uuid and version, as juliapkg and Julia's Pkg bound them: Flux 0.16 takes CUDA.jl 5, the
# packages below it 5.8 or later, and each cuDNN.jl of 1.4 one minor version of these.
PACKAGES: Packages = {
    "CUDA": ("052768ef-5323-5732-b1bb-66c8b64840ba", "5.8"),
    "cuDNN": ("02a925ec-e4fe-4b08-9a7e-0d78e3d38ccd", "1.4"),
}
EXPECTED = (
    "CUDA.jl with some 30 packages and NVIDIA's libraries, an estimate: 2 to 3 GB to fetch, 5 to 7 "
    "GB on the disk, 10 to 30 minutes, most of them for fetching and compiling"
)
DRIVER = "libcuda.so.1"  # the driver's own library; nothing that pip or Julia brings
OLDEST = 12  # the CUDA that CUDA.jl 5 wants of a driver
SUCCESS, NO_DEVICE = 0, 100  # of the driver's `CUresult`


def absent(manifests: Iterable[Mapping[str, str]]) -> str | None:
    """Which packages the Julia project has not, or not in a version that fits."""
    wrong = absent_of(PACKAGES, manifests)
    return f"the Julia project has no {wrong}: {HELP}" if wrong else None


def driver_complaint() -> str | None:
    """Why the driver gives no GPU to this process, or None; starts the driver, as any use would."""
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return f"no driver of NVIDIA's is here ({DRIVER}): install it, or take --devices cpu"
    version, count = ctypes.c_int(), ctypes.c_int()
    if driver.cuDriverGetVersion(ctypes.byref(version)) != SUCCESS:
        return "NVIDIA's driver does not tell its version: reinstall it, or take --devices cpu"
    if version.value < 1000 * OLDEST:
        major, minor = version.value // 1000, version.value % 1000 // 10
        return (
            f"NVIDIA's driver is for CUDA {major}.{minor} and CUDA.jl needs one for {OLDEST} or "
            "later: update it, or take --devices cpu"
        )
    begun = driver.cuInit(0)
    if begun == SUCCESS:
        begun = driver.cuDeviceGetCount(ctypes.byref(count))
    if begun not in (SUCCESS, NO_DEVICE):
        return f"NVIDIA's driver does not start (error {begun}): see nvidia-smi"
    if not count.value:
        return "NVIDIA's driver sees no GPU: see nvidia-smi and CUDA_VISIBLE_DEVICES"
    return None
