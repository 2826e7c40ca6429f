"""What machine this is: read, never guessed; what the system does not tell is None."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from bench.system import host
from bench.system.control_group import ControlGroups
from bench.system.state import Machine

# By the name that they have in a record, and what else a system calls them: Linux in
# arch/x86/include/asm/cpufeatures.h and arch/arm64/kernel/cpuinfo.c, macOS in machdep.cpu.
INSTRUCTION_SETS = {
    "avx": ("avx1_0",),
    **dict.fromkeys(("fma", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16"), ()),
    "amx_tile": (),
    "neon": ("asimd",),
    **dict.fromkeys(("sve", "sve2", "bf16", "i8mm", "sme"), ()),
}
SYSCTL_FEATURES = ("machdep.cpu.features", "machdep.cpu.leaf7_features")


def describe() -> Machine:
    """The machine that this process runs on, with a fingerprint that equal machines share."""
    gpu, gpu_driver = _gpu()
    facts: dict[str, Any] = {
        "cpu": _cpu(),
        "architecture": platform.machine(),
        "instruction_sets": instruction_sets(),
        "logical_cpus": os.cpu_count() or 1,
        "usable_cpus": len(usable_cpus()),
        "cpu_quota": ControlGroups().quota(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpu": gpu,
        "gpu_driver": gpu_driver,
        "system": platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    return Machine(fingerprint=_fingerprint(facts), host=host.identity(), **facts)


def differences(before: Machine, after: Machine) -> list[str]:
    """What differs between two machines, such as `usable CPUs 2 → 1`; of hosts, only that they do.

    Empty where nothing is known to: identical machines may have fingerprints of two versions.
    """
    told = []
    for name in Machine.model_fields:
        values = [getattr(one, name) for one in (before, after)]
        if name not in ("fingerprint", "host") and values[0] != values[1]:
            words = name.replace("_", " ").replace("cpu", "CPU").replace("gpu", "GPU")
            told.append(f"{words} {' → '.join(map(_as_text, values))}")
    if None not in (before.host, after.host) and before.host != after.host:
        told.append("another host" if told else "another host, otherwise equal")
    return told


def _as_text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def instruction_sets() -> tuple[str, ...]:
    """Those of the CPU that libraries choose their code by, of INSTRUCTION_SETS; () if unknown."""
    text = _cpu_info("flags", "Features") or output("sysctl", "-n", *SYSCTL_FEATURES) or ""
    found = set(text.lower().replace(".", "_").split())
    if platform.machine() in ("arm64", "aarch64"):  # of which it is a part, told or not
        found.add("neon")
    return tuple(name for name, also in INSTRUCTION_SETS.items() if found & {name, *also})


def usable_cpus() -> tuple[int, ...]:
    """The CPUs in this process's affinity mask; all of them where the system has no mask."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def most_threads() -> int:
    """Threads that can run at a time: a CPU for each, and no more than the quota pays for."""
    cpus = len(usable_cpus())
    quota = ControlGroups().quota()
    return cpus if quota is None else min(cpus, math.ceil(quota))


def has_gpu() -> bool:
    """Whether an NVIDIA driver answers; says nothing of what a framework can do with it."""
    return _gpu()[0] is not None


def busy_cpus(watch_s: float = 0.5) -> float:
    """CPUs' worth of work done now on those that this process may use, watched for so long."""
    shares = psutil.cpu_percent(interval=watch_s, percpu=True)
    return sum(shares[cpu] for cpu in usable_cpus() if cpu < len(shares)) / 100


def spread_cpus(threads: int) -> tuple[int, ...]:
    """`threads` of the usable CPUs, each on a core of its own as long as there are cores."""
    first: list[int] = []
    siblings: list[int] = []
    seen: set[str] = set()
    for cpu in usable_cpus():
        core = _core(cpu)
        (siblings if core in seen else first).append(cpu)
        seen.add(core)
    return tuple((first + siblings)[:threads])


def _core(cpu: int) -> str:
    """The hyper-threads that share this CPU's core, in Linux's notation; its own number else."""
    try:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        return path.read_text().strip()
    except OSError:
        return str(cpu)


def _fingerprint(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _cpu() -> str | None:
    named = _cpu_info("model name", "Model", "Hardware")
    named = named or output("sysctl", "-n", "machdep.cpu.brand_string")
    return named or platform.processor() or None


def _cpu_info(*keys: str) -> str | None:
    """The first of these lines that Linux has of its CPUs; all of them are taken for alike."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in keys:
                return value.strip()
    return None


def _gpu() -> tuple[str | None, str | None]:
    """Names of the GPUs and the driver's version, from nvidia-smi."""
    text = output("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    rows = [line.rsplit(", ", 1) for line in text.splitlines() if ", " in line] if text else []
    if not rows:
        return None, None
    return ", ".join(name for name, _ in rows), rows[0][1]


def output(program: str, *arguments: str) -> str | None:
    """What a system tool prints, stripped; None where it is absent or fails."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
