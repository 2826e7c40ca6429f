"""Energy that a device has taken, from a counter of the machine; nothing where there is none."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.choices import Device

RAPL = Path("/sys/class/powercap")
Joules = Callable[[], float | None]


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter by name, `rapl` or `nvml`, and how to read it: joules, ever growing."""

    name: str
    read: Joules


def counter(device: Device, rapl: Path = RAPL) -> Counter | None:
    """The counter of the device: the CPU packages' by RAPL, a GPU's by NVML; None without one.

    RAPL counts for all that the packages do, other programs included, and is often for the
    administrator alone to read.
    """
    return _rapl(rapl) if device == "cpu" else _nvml()


def _rapl(folder: Path) -> Counter | None:
    """The sum over the CPU packages (`intel-rapl:0`, ..., on AMD too), freed of its wraps."""
    zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if zone.name.count(":") == 1]
    packages = [_Package(zone) for zone in zones if _says(zone, "name").startswith("package")]
    if not packages or any(package.read() is None for package in packages):
        return None

    def joules() -> float | None:
        values = [package.read() for package in packages]
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    return Counter("rapl", joules)


class _Package:
    """One package's counter in microjoules, which begins anew at `max_energy_range_uj`."""

    def __init__(self, zone: Path) -> None:
        self._zone = zone
        self._last_uj, self._wrapped_uj = 0, 0

    def read(self) -> float | None:
        try:
            now_uj = int(_says(self._zone, "energy_uj"))
            range_uj = int(_says(self._zone, "max_energy_range_uj"))
        except ValueError:
            return None
        if now_uj < self._last_uj:
            self._wrapped_uj += range_uj
        self._last_uj = now_uj
        return (self._wrapped_uj + now_uj) / 1e6


def _says(zone: Path, name: str) -> str:
    with contextlib.suppress(OSError):
        return (zone / name).read_text().strip()
    return ""


def _nvml() -> Counter | None:
    """The first visible GPU's counter, which NVIDIA's package `nvidia-ml-py` reads."""
    try:
        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
        handle = _handle(nvml, os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0])
        nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:  # absent, without a driver, or a GPU that does not count: all mean no counter
        return None

    def joules() -> float | None:
        with contextlib.suppress(nvml.NVMLError):
            return float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
        return None

    return Counter("nvml", joules)


def _handle(nvml: Any, visible: str) -> Any:
    """The GPU that CUDA_VISIBLE_DEVICES names first: an index, or GPU-… or MIG-… identifiers."""
    if visible.isdecimal():
        return nvml.nvmlDeviceGetHandleByIndex(int(visible))
    return nvml.nvmlDeviceGetHandleByUUID(visible)
