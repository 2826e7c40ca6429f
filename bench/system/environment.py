"""The environment of a worker: the same for all frameworks, but for what is said of one.

Of what a person has set little reaches a worker, since it could change what is measured. The rest
is named as ignored, and can be given to a run (`bench run --env`).
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.workload import caches

# What a worker may see of this process's environment: where things are, the language, and the
# settings of devices and of juliacall. All else could change what is measured.
PASSED_ON = frozenset(
    name
    for line in (
        "PATH USER LOGNAME SHELL LANG LC_ALL LC_CTYPE TZ TMPDIR TEMP TMP",
        "VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME LD_LIBRARY_PATH DYLD_LIBRARY_PATH",
        "XDG_CACHE_HOME XDG_DATA_HOME",
        "CXX TORCHINDUCTOR_CACHE_DIR",  # of torch.compile: its compiler, and what it has compiled
        "CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUDA_HOME NVIDIA_VISIBLE_DEVICES",
        "JULIA_DEPOT_PATH JULIA_LOAD_PATH JULIA_PROJECT JULIAUP_DEPOT_PATH",
        "PYTHON_JULIACALL_EXE PYTHON_JULIACALL_PROJECT",
        "PYTHON_JULIAPKG_EXE PYTHON_JULIAPKG_PROJECT PYTHON_JULIAPKG_OFFLINE",
    )
    for name in line.split()
)
OF_THIS_PYTHON = ("PYTHONPATH", "PYTHONHOME")  # what -E and -I have it ignore
# A worker has no home, so that it reads none of the files by which a person sets a library up, of
# whatever name. A path below a device exists for nobody and can be made by nobody. Keras would take
# its settings from /tmp where it may not write to a home.
NO_HOME = {"HOME": os.devnull, "KERAS_HOME": os.devnull}
# Where libraries keep in a home what is no setting, such as what they have compiled: they find it
# where it is. Nothing follows the last colon: it stands for the folders that are Julia's own.
PLACES = {
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "CUDA_CACHE_PATH": ".nv/ComputeCache",
    "TRITON_HOME": "",
    "JULIA_DEPOT_PATH": f".julia{os.pathsep}",
    "JULIAUP_DEPOT_PATH": ".julia",
}
# Julia's usual load path without the environment of a person's own, whose preferences would hold
# for every package: https://docs.julialang.org/en/v1/manual/code-loading/
JULIA_LOAD_PATH = os.pathsep.join(("@", "@stdlib"))
THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "NPROC",  # JAX's pool of CPU threads
    "PJRT_NPROC",
    "PYTHON_JULIACALL_THREADS",
)
# Where glibc's allocator gives memory back and takes it anew is a matter of how the heap happens to
# lie: identical processes of PyTorch had from 500 to 2,300 page faults a step, and were up to a
# quarter apart for as long as they lived. One that keeps its memory has none. Other C libraries
# ignore this.
KEEPS_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),  # the largest that every glibc accepts
    "MALLOC_TOP_PAD_": str(1 << 26),
}
# What a library or the loader reads when a process starts, by the beginnings of the names.
READ_BY_LIBRARIES = (
    *("LD_", "DYLD_", "MALLOC_", "GLIBC_", "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "BLIS_"),
    *("ONEDNN_", "DNNL_", "TORCH", "PYTORCH_", "ATEN_", "TF_", "KERAS_", "XLA_", "JAX_", "JULIA_"),
    *("CUDA_LAUNCH_", "CUDA_MODULE_", "CUDA_DEVICE_", "CUDNN_", "CUBLAS_"),
)
# What begins so and is another program's, which is Terraform.
OF_OTHERS = (
    *("TF_CLI_", "TF_VAR_", "TF_LOG", "TF_INPUT", "TF_WORKSPACE", "TF_DATA_DIR", "TF_PLUGIN_"),
    *("TF_REGISTRY_", "TF_IN_AUTOMATION"),
)
SET_ALIKE = ("PYTHONUNBUFFERED", "PYTHONHASHSEED", "NVIDIA_TF32_OVERRIDE")
# What is a row of its own for each of its values.
OF_ROWS = {"KERAS_BACKEND": "take the row of that backend: keras, keras:jax or keras:torch"}


def of_worker(
    threads: int, parent: Mapping[str, str], more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A worker's environment: what may pass, and the same number of threads for all libraries.

    `more` is what this worker has besides, see `why_not`.
    """
    home = Path(parent.get("HOME") or os.path.expanduser("~"))
    places = {name: str(home / below) for name, below in PLACES.items()}
    if site.ENABLE_USER_SITE:
        places["PYTHONUSERBASE"] = site.getuserbase()
    places["JULIA_LOAD_PATH"] = JULIA_LOAD_PATH
    given = {name: value for name, value in parent.items() if value or name not in PLACES}
    kept = {name: value for name, value in given.items() if name in PASSED_ON}
    if sys.flags.ignore_environment:
        kept = {name: value for name, value in kept.items() if name not in OF_THIS_PYTHON}
    counts = dict.fromkeys(THREAD_COUNTS, str(threads))
    # Without a home a worker could not find it on all systems, nor read a `~` in its name.
    own = {caches.VARIABLE: str(caches.folder(parent))}
    alike = {"PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0"}
    return places | kept | KEEPS_MEMORY | dict(more or {}) | NO_HOME | counts | alike | own


def why_not(name: str) -> str | None:
    """Why a run cannot be given a variable of this name, and what does it instead; None: it can."""
    if name in THREAD_COUNTS:
        return "it is set for all frameworks alike: give --threads"
    if name in PASSED_ON or name == caches.VARIABLE:
        return "workers see it as it is: set it before the program starts"
    if name in PLACES or name in NO_HOME or name in SET_ALIKE:
        return "it is set for all frameworks alike"
    return OF_ROWS.get(name)


def ignored(parent: Mapping[str, str]) -> list[str]:
    """Names of what is set here, would be read by a library, and reaches no worker."""
    told = (*OF_ROWS, *THREAD_COUNTS)
    return sorted(
        name
        for name, value in parent.items()
        if value and name.startswith(READ_BY_LIBRARIES) and not name.startswith(OF_OTHERS)
        if why_not(name) is None or name in told
    )
