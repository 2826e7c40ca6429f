"""The devices that JAX sees, and the threads of its CPU."""

from __future__ import annotations

import os

import jax

from bench.contract import Device
from bench.errors import BenchError, UnavailableError


def gpus() -> list[jax.Device]:
    """All that JAX can compute on; none where there is no GPU, or JAX has no support for it."""
    try:
        return jax.devices("gpu")
    except RuntimeError:
        return []


def device_of(kind: Device) -> jax.Device:
    """The first of its kind.

    Raises:
        UnavailableError: there is none.
    """
    if kind == "cpu":
        return jax.devices("cpu")[0]
    found = gpus()
    if not found:
        raise UnavailableError(
            "JAX sees no gpu here: install jax[cuda12] and the driver, or take the device cpu"
        )
    return found[0]


def pool_threads() -> int:
    """Threads of XLA's CPU pool, as its client counts them when it starts."""
    given = os.environ.get("PJRT_NPROC") or os.environ.get("NPROC")
    return int(given) if given else _usable_cpus()


def check_threads(threads: int) -> None:
    """JAX sizes its pool when it starts, from NPROC or else from the CPUs that it may use.

    Raises:
        BenchError: an NPROC that is not `threads`.
    """
    is_set = "PJRT_NPROC" in os.environ or "NPROC" in os.environ
    if is_set and pool_threads() != threads:
        raise BenchError(
            f"JAX was to compute with {threads} threads and was started with {pool_threads()}: "
            f"set NPROC={threads} before the process starts"
        )


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
