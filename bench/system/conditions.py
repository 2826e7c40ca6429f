"""The state of the machine around a cell, and what of it may have disturbed the measurement."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bench.system.control_group import ControlGroups
from bench.system.machine import output
from bench.system.state import SystemState

CPUS = Path("/sys/devices/system/cpu")

# What is worth a warning. An idle desktop uses less than these; one that computes, more.
OTHER_CPUS = 0.3
STOLEN_SHARE = 0.02  # of the time of all CPUs
THROTTLED_SHARE = 0.01  # of the wall time
MORE_THREADS = 0.1


def now() -> SystemState:
    """The state at this moment; what this system does not tell is None."""
    times: Any = psutil.cpu_times()
    guest_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    stolen_s = getattr(times, "steal", None)
    busy_s = sum(times) - times.idle - getattr(times, "iowait", 0.0) - guest_s - (stolen_s or 0.0)
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    gpu_temperature_c, gpu_throttle = _gpu()
    return SystemState(
        load_1min=os.getloadavg()[0],
        cpu_busy_s=busy_s,
        cpu_stolen_s=stolen_s,
        quota_throttled_s=ControlGroups().throttled_s(),
        thermal_throttles=_thermal_throttles(),
        temperature_c=_temperature_c(),
        frequency_mhz=_frequency_mhz(),
        governor=_read(CPUS / "cpu0/cpufreq/scaling_governor"),
        available_memory_bytes=psutil.virtual_memory().available,
        on_battery=None if battery is None else not battery.power_plugged,
        gpu_temperature_c=gpu_temperature_c,
        gpu_throttle=gpu_throttle,
    )


def others_busy(
    before: SystemState, after: SystemState, own_s: float, wall_s: float
) -> float | None:
    """CPUs' worth of work that others than the worker did: (all CPU seconds − its own) / wall."""
    if before.cpu_busy_s is None or after.cpu_busy_s is None or wall_s <= 0:
        return None
    return max(after.cpu_busy_s - before.cpu_busy_s - own_s, 0.0) / wall_s


def warnings(
    before: SystemState,
    after: SystemState,
    *,
    wall_s: float,
    cpus: int,
    threads: int,
    other_busy_cpus: float | None,
    busy_threads: float | None,
    steady: bool | None,
) -> list[str]:
    """What may have disturbed a cell that ran between the two for `wall_s` seconds.

    `cpus` is how many the machine has, `threads` how many the cell might keep busy.
    """
    found = list(_of_machine(before, after, wall_s, cpus))
    if other_busy_cpus is not None and other_busy_cpus > OTHER_CPUS:
        found.append(
            f"other programs kept {other_busy_cpus:.1f} CPUs busy meanwhile: end them, or run on a "
            "machine of its own"
        )
    if busy_threads is not None and busy_threads > threads + MORE_THREADS:
        found.append(
            f"the framework kept {busy_threads:.1f} threads busy where {threads} were allowed: its "
            "figures are not comparable; look for a setting of its threads that it does not heed"
        )
    if steady is False:
        found.append(
            "no steady state: the speed still changed from window to window; give more --windows, "
            "and look at what else runs"
        )
    return found


def _of_machine(before: SystemState, after: SystemState, wall_s: float, cpus: int) -> Iterator[str]:
    stolen = _growth(before.cpu_stolen_s, after.cpu_stolen_s) / (wall_s * cpus)
    if stolen > STOLEN_SHARE:
        yield (
            f"other virtual machines took {stolen:.0%} of the CPUs' time: use a host of its own, "
            "or repeat with --precision"
        )
    throttled = _growth(before.quota_throttled_s, after.quota_throttled_s) / wall_s
    if throttled > THROTTLED_SHARE:
        yield (
            f"the control group's CPU quota held processes back for {throttled:.0%} of the time: "
            "take fewer --threads than the quota has CPUs, or raise it"
        )
    hot = _growth(before.thermal_throttles, after.thermal_throttles)
    if hot:
        yield f"the CPU was slowed down for its heat, {hot:.0f} times: cool it, or wait in between"
    if after.governor == "powersave" and before.governor == after.governor:
        yield (
            "the CPUs' frequency is governed by 'powersave': set 'performance' with cpupower "
            "frequency-set -g performance"
        )
    if after.on_battery:
        yield "the machine runs on its battery, which may slow it down: plug it in"
    if after.gpu_throttle:
        yield f"the GPU's clock was held back: {after.gpu_throttle}; cool it or raise its limit"


def _growth(before: float | None, after: float | None) -> float:
    return 0.0 if before is None or after is None else max(after - before, 0.0)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _thermal_throttles(folder: Path = CPUS) -> int | None:
    texts = [_read(p) for p in folder.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    counts = [int(text) for text in texts if text and text.isdecimal()]
    return sum(counts) if counts else None


def _temperature_c() -> float | None:
    """The hottest sensor of a CPU, by the names of its drivers."""
    sensors: Any = getattr(psutil, "sensors_temperatures", dict)()
    drivers = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz")
    return max((s.current for name in drivers for s in sensors.get(name, ())), default=None)


def _frequency_mhz() -> float | None:
    try:
        found: Any = psutil.cpu_freq()
    except (OSError, NotImplementedError, RuntimeError):
        return None
    return found.current if found else None


def _gpu() -> tuple[float | None, str | None]:
    """The hottest GPU's temperature, and why clocks are held back, from nvidia-smi."""
    reasons = ("hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "sw_power_cap")
    query = ",".join(["temperature.gpu", *(f"clocks_event_reasons.{name}" for name in reasons)])
    text = output("nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits")
    rows = [line.split(", ") for line in text.splitlines()] if text else []
    rows = [row for row in rows if len(row) == 1 + len(reasons)]
    active = {
        name
        for row in rows
        for name, said in zip(reasons, row[1:], strict=True)
        if said == "Active"
    }
    temperatures = [float(row[0]) for row in rows if row[0].isdecimal()]
    return max(temperatures, default=None), ", ".join(sorted(active)) or None
