"""What machine this is: read, never guessed; what the system does not tell is None."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

from bench.system.control_group import ControlGroups
from bench.system.state import Machine


def describe() -> Machine:
    """The machine that this process runs on, with a fingerprint that equal machines share."""
    gpu, gpu_driver = _gpu()
    facts: dict[str, Any] = {
        "cpu": _cpu(),
        "architecture": platform.machine(),
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
    return Machine(fingerprint=_fingerprint(facts), **facts)


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
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model", "Hardware"):
                return value.strip()
    except OSError:
        pass
    return output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or None


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
