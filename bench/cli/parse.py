"""Text of the command line → values; a UsageError names the option and what it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from bench.contract import Device
from bench.errors import UnknownNameError, UsageError
from bench.workload.training import Training

Value = TypeVar("Value")

TRAINING = tuple(field.name for field in fields(Training))  # settings that are one in `Options`


def flag(name: str) -> str:
    """A setting's name as it is typed: --batch-size."""
    return "--" + name.replace("_", "-").replace("batch-sizes", "batch-size")


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their options' names → the fields of `bench.config.options.Options`."""
    of_training = {name: settings[name] for name in TRAINING if settings.get(name) is not None}
    others = {name: value for name, value in settings.items() if name not in TRAINING}
    return others | {"training": Training(**of_training)}


def flat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `bench.config.options.Options`, dumped → settings by their options' names."""
    others = {name: value for name, value in asked.items() if name not in ("training", "recipe")}
    return others | dict(asked["training"])


def check_baseline(name: str | None, names: Collection[str], metric: str, where: str) -> None:
    """UsageError where a framework to which the others are held is not among the names."""
    if name is not None and name not in names:
        known = (
            f"choose from {', '.join(sorted(names))}" if names else "nor has any other framework"
        )
        raise UsageError(f"the baseline {name!r} has no {metric} in {where}: {known}")


def words(text: str) -> tuple[str, ...]:
    """Comma-separated words, without the blanks around them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def devices(text: str) -> tuple[str, ...]:
    """Such as cpu,gpu; or auto."""
    allowed = (*get_args(Device), "auto")
    named = words(text)
    for device in named:
        if device not in allowed:
            raise UnknownNameError("device", device, allowed)
    return named


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Such as 0,1,2."""
    return _each(option, text, int, "whole numbers with commas between, such as 0,1,2")


def numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    """Such as 0.49,0.48,0.45; None stays None."""
    if text is None:
        return None
    return _each(option, text, float, "numbers with commas between, such as 0.49,0.48,0.45")


def share(option: str, text: str) -> float:
    """Such as 2% or 0.02."""
    number = text.strip()
    try:
        return float(number[:-1]) / 100 if number.endswith("%") else float(number)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} cannot be read: give a share such as 2%") from error


def dataset(text: str) -> str:
    """A data set's name; the file of npz:FILE becomes absolute, so that workers find it."""
    kind, colon, path = text.partition(":")
    if kind == "npz" and colon:
        return f"npz:{Path(path).expanduser().resolve()}"
    return text


def _each(
    option: str, text: str, convert: Callable[[str], Value], example: str
) -> tuple[Value, ...]:
    try:
        return tuple(convert(word) for word in words(text))
    except ValueError as error:
        raise UsageError(f"{option} {text!r} cannot be read: give {example}") from error
