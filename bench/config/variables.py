"""Environment variables that a run is given: `--env NAME=VALUE`, or `--env flax:NAME=VALUE`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bench.errors import UnknownNameError, UsageError
from bench.system import environment

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
EXAMPLE = "NAME=VALUE, or FRAMEWORK:NAME=VALUE for one framework"


def check(option: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """Each of them one that a worker can be given, and none twice."""
    seen: set[str] = set()
    for one in given:
        target, separator, _ = one.partition("=")
        name = target.rpartition(":")[2]
        if not separator or not NAME.match(name):
            raise UsageError(f"{option} {one!r} cannot be read: give {EXAMPLE}")
        if reason := environment.why_not(name):
            raise UsageError(f"{option} {one!r} is not possible: {reason}")
        if target in seen:
            raise UsageError(f"{option} gives {target} more than once")
        seen.add(target)
    return given


def of_framework(framework: str, given: Iterable[str]) -> dict[str, str]:
    """Those that the framework gets, by name: what is given to all, then what is given to it.

    What is said of a framework holds for its variants, too, and what is said of a variant goes
    before it.
    """
    found: dict[str, tuple[int, str]] = {}
    for one in given:
        target, _, value = one.partition("=")
        whose, _, name = target.rpartition(":")
        if whose in ("", framework) or framework.startswith(f"{whose}:"):
            found[name] = max(found.get(name, (-1, "")), (len(whose), value))
    return {name: value for name, (_, value) in found.items()}


def require_frameworks(option: str, given: Iterable[str], frameworks: Iterable[str]) -> None:
    """UnknownNameError where a variable is given to a framework that the run has not."""
    known = [*frameworks]
    known += [name.partition(":")[0] for name in known if ":" in name]
    for one in given:
        whose = one.partition("=")[0].rpartition(":")[0]
        if whose and whose not in known:
            raise UnknownNameError(f"framework in {option}", whose, dict.fromkeys(known))
