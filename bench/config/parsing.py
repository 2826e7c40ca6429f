"""Typed text → values; a UsageError names the option and what it takes. Light to import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.errors import UsageError

Value = TypeVar("Value")
SECONDS = {"s": 1, "m": 60, "h": 3600}


def split(text: str) -> tuple[str, ...]:
    """Comma-separated words, without the blanks around them; there may be none."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def words(option: str, text: str, *, such_as: str) -> tuple[str, ...]:
    """One word or more; `such_as` is an example of what the option takes."""
    return _some(option, text, f"one or several with commas between, such as {such_as}")


def _some(option: str, text: str, what: str) -> tuple[str, ...]:
    found = split(text)
    if not found:
        raise UsageError(f"{option} {text!r} is empty: give {what}")
    return found


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Such as 0,1,2."""
    return _each(option, text, int, "whole numbers with commas between, such as 0,1,2")


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Such as 0.49,0.48,0.45."""
    return _each(option, text, float, "numbers with commas between, such as 0.49,0.48,0.45")


def share(option: str, text: str) -> float:
    """Such as 2% or 0.02."""
    number = text.strip()
    try:
        return float(number[:-1]) / 100 if number.endswith("%") else float(number)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} cannot be read: give a share such as 2%") from error


def duration(option: str, text: str) -> float:
    """Seconds: such as 30s, 5m or 1h."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    try:
        seconds = float(number) * SECONDS[unit]
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"{option} {text!r} cannot be read: give a number with its unit, such as 30s, 5m or 1h"
        ) from error
    if seconds < 0:  # here, where it is told as it was typed
        raise UsageError(f"{option} {text!r} is below 0: give 0s or more, such as 30s, 5m or 1h")
    return seconds


def duration_as_typed(seconds: float) -> str:
    """In the largest unit that it is a whole number of."""
    unit = next((unit for unit in "hm" if seconds and seconds % SECONDS[unit] == 0), "s")
    return f"{seconds / SECONDS[unit]:g}{unit}"


def dataset(option: str, text: str) -> str:
    """A data set's name; a path, as in npz:FILE, becomes absolute, so that workers find it."""
    kind, _, path = text.partition(":")
    if kind == "npz" and path:
        from bench.workload.datasets.own.npz import names

        file, of_arrays = names.parted(path)
        return f"{kind}:{names.joined(_absolute(file), of_arrays)}"
    if kind == "folder" and path:
        return f"{kind}:{_absolute(path)}"
    return text


def with_arrays(dataset: str | None, text: str) -> str:
    """A data set's name with the names of its arrays, which were given beside it."""
    from bench.workload.datasets.own.npz import names

    option = names.OPTION
    kind, _, path = (dataset or "").partition(":")
    if kind != "npz" or not path:
        raise UsageError(f"{option} is for a data set of arrays: give npz:FILE with it")
    file, before = names.parted(path)
    if before is not None:
        raise UsageError(f"{option} {text!r}: {dataset} has names of its arrays: leave out one")
    found = names.Names.given(split(text))
    if found is None:
        raise UsageError(
            f"{option} {text!r} cannot be read: give four different names, {names.WHICH}, or six, "
            "with those of the images and labels for validation"
        )
    return f"{kind}:{names.joined(file, found)}"


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def as_typed(value: object) -> str:
    """A value as a person would type it: the elements of a tuple with commas between."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _each(
    option: str, text: str, convert: Callable[[str], Value], example: str
) -> tuple[Value, ...]:
    found = _some(option, text, example)
    try:
        return tuple(convert(word) for word in found)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} cannot be read: give {example}") from error
