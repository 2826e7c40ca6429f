"""Checks of one value: the value to use, or a UsageError that names the option and what is allowed.

Light to import, since the declarations of the settings name them and the command line reads those.
What only heavy modules know, such as the networks, is looked up when a value is checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import UnknownNameError, UsageError

Check = Callable[[str, Any], Any]  # (option as it is typed, value) → value
Value = TypeVar("Value")
Distinct = TypeVar("Distinct", bound=Hashable)


def default(value: Value | None, otherwise: Value) -> Value:
    """The value, or the other where none was given; 0 is a value."""
    return otherwise if value is None else value


def at_least(lowest: int, option: str, value: int) -> int:
    """A whole number not below `lowest`."""
    if value < lowest:
        raise UsageError(f"{option} {value} is too small: give {lowest} or more")
    return value


def above_zero(option: str, value: float) -> float:
    """A finite number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{option} {value:g} is not a finite number above 0")
    return value


def from_zero(option: str, value: float) -> float:
    """A finite number, 0 or more."""
    if not 0 <= value < math.inf:
        raise UsageError(f"{option} {value:g} is not a finite number from 0")
    return value


def finite(option: str, value: float) -> float:
    """A finite number."""
    if not math.isfinite(value):
        raise UsageError(f"{option} {value:g} is not a finite number")
    return value


def below_one(option: str, value: float) -> float:
    """A number from 0, below 1."""
    if not 0 <= value < 1:
        raise UsageError(f"{option} {value:g} is not allowed: give 0 or more, below 1")
    return value


def between_zero_and_one(option: str, value: float) -> float:
    """A number above 0 and below 1."""
    if not 0 < value < 1:
        raise UsageError(f"{option} {value:g} is not allowed: give a number above 0, below 1")
    return value


def share(option: str, value: float) -> float:
    """A part of a figure, above 0 and below 1."""
    if not 0 < value < 1:
        raise UsageError(
            f"{option} {value:.4g} is not a share above 0 and below 1: give one such as 2% or 0.02"
        )
    return value


def accuracy(option: str, value: float) -> float:
    """An accuracy that can be reached: above 0 and at most 1."""
    if not 0 < value <= 1:
        raise UsageError(f"{option} {value:g} is not an accuracy: give one above 0 and at most 1")
    return value


def distinct(option: str, values: tuple[Distinct, ...]) -> tuple[Distinct, ...]:
    """At least one value, and none twice."""
    if not values:
        raise UsageError(f"{option} is empty: give one value or several with commas between")
    twice = [str(value) for value in dict.fromkeys(values) if values.count(value) > 1]
    if twice:
        raise UsageError(f"{option} names {', '.join(twice)} more than once")
    return values


def yes_or_no(option: str, value: bool) -> bool:
    """True or False; a file could hold something else."""
    if not isinstance(value, bool):
        raise UsageError(f"{option} {value!r} is neither true nor false")
    return value


def folder(option: str, value: Path) -> Path:
    """A folder, also one that is not there yet."""
    if value.exists() and not value.is_dir():
        raise UsageError(f"{option} {value} is a file: give a folder")
    return value


def each(check: Check) -> Check:
    """A check of distinct values, of which each passes another one."""

    def checked(option: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return distinct(option, tuple(check(option, value) for value in values))

    return checked


def every(check: Check) -> Check:
    """A check of values, of which each passes another one; equal ones are allowed."""

    def checked(option: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(check(option, value) for value in values)

    return checked


def one_of(what: str, choices: Callable[[], Iterable[str]]) -> Check:
    """A check of a name: one of the choices, which are asked for when a value is checked."""

    def checked(_: str, value: str) -> str:
        allowed = tuple(choices())
        if value not in allowed:
            raise UnknownNameError(what, value, allowed)
        return value

    return checked
