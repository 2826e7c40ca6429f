"""What several commands take as text, beside the settings of a run."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

from bench.choices import Device
from bench.config.parsing import words
from bench.errors import UnknownNameError, UsageError


def check_baseline(name: str | None, names: Collection[str], metric: str, where: str) -> None:
    """UsageError where a framework to which the others are held is not among the names."""
    if name is not None and name not in names:
        known = (
            f"choose from {', '.join(sorted(names))}" if names else "nor has any other framework"
        )
        raise UsageError(f"the baseline {name!r} has no {metric} in {where}: {known}")


def devices(text: str) -> tuple[str, ...]:
    """Such as cpu,gpu; or auto."""
    allowed = (*get_args(Device), "auto")
    named = words("--devices", text, such_as="cpu,gpu, or auto")
    for device in named:
        if device not in allowed:
            raise UnknownNameError("device", device, allowed)
    return named
