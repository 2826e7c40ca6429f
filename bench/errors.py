"""The exception tree. Each of them ends the program with exit code 2.

BenchError                   a fault that one clear line explains; its text is shown as it is
├── UsageError               what was asked for cannot be done
│   ├── UnknownNameError     a framework, data set, model or optimizer that does not exist
│   ├── DataError            a data set is missing, corrupt or not the one it claims to be
│   ├── StoreError           the results folder cannot be written, is in use or holds another plan
│   ├── CheckpointError      a checkpoint is missing, damaged, foreign or for another model
│   └── ImageError           a file is no image, or none that can be brought to the model
└── UnavailableError         a framework or a device that this machine does not have
    └── NotSupportedError    what an adapter cannot do: left out with its reason, where it can be
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_SAID = 800  # characters of an error's first line


def one_line(text: str) -> str:
    """Text out of a file, for an error: line breaks and what steers a terminal are spelled out."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def first_line(error: BaseException) -> str:
    """The first line of its message, printable and of no more than `MOST_SAID` characters.

    An exception of a library may fail to give one, or hold half a character or megabytes.
    """
    try:
        text = str(error)
    except Exception:
        return "no message that can be printed"
    said = one_line(next(iter(text.strip().splitlines()), "no message")[: MOST_SAID + 1])
    return said if len(said) <= MOST_SAID else f"{said[: MOST_SAID - 1]}…"


class BenchError(Exception):
    """A fault that one clear line explains."""


class UsageError(BenchError):
    """What was asked for cannot be done."""


class UnknownNameError(UsageError):
    """A name that does not exist; the message lists the ones that do."""

    def __init__(self, kind: str, given: str, allowed: Iterable[str]) -> None:
        names = tuple(allowed)
        close = difflib.get_close_matches(given, names, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        super().__init__(f"unknown {kind} {given!r}{hint}: choose from {', '.join(names)}")


class DataError(UsageError):
    """A data set is missing, truncated, corrupt or not the one it claims to be."""


class StoreError(UsageError):
    """The results folder cannot be written, is in use or holds another plan."""


class CheckpointError(UsageError):
    """A checkpoint is missing, damaged, foreign or for another model."""


class ImageError(UsageError):
    """A file is no image, or none that can be brought to the model."""


class UnavailableError(BenchError):
    """A framework or a device that this machine does not have."""


class NotSupportedError(UnavailableError):
    """What an adapter cannot do; the message is why.

    Adapters raise it. The harness leaves out what needs it and keeps the reason; where a person
    asked for it, the cell is unavailable.
    """
