"""What must be equal on two hosts for their figures to be of the same thing."""

from __future__ import annotations

import hashlib
import importlib.metadata
import time
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from bench import __version__, frameworks
from bench.errors import BenchError
from bench.execution.examined_files import examined_files
from bench.results.record import Machine
from bench.system import machine

MOST_TOLD = 4  # of differences of one kind
CLOCK_S = 60.0  # that a host's clock may be off, without a word


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Installed(_Part):
    """A framework on a host.

    missing       why it cannot be used there
    files_sha256  of all modules of ours and of the adapter's that compute with it
    """

    version: str | None
    missing: str | None
    files_sha256: str | None


class Facts(_Part):
    """What a host has.

    packages  installed ones and their versions
    now_s     seconds since 1970 by its clock
    """

    bench: str
    packages: dict[str, str]
    frameworks: dict[str, Installed]
    machine: Machine
    most_threads: int
    now_s: float


def of_this_host(names: Sequence[str]) -> Facts:
    """The facts of this host, and of the frameworks of these names on it."""
    return Facts(
        bench=__version__,
        packages={
            package.name.lower().replace("_", "-"): package.version
            for package in importlib.metadata.distributions()
        },
        frameworks={name: _installed(name) for name in dict.fromkeys(names)},
        machine=machine.describe(),
        most_threads=machine.most_threads(),
        now_s=time.time(),
    )


def differences(here: Facts, there: Facts) -> list[str]:
    """What of a host differs from this one, in words; empty where it may measure the same run.

    Of packages, those that both have; a framework that is not there is a matter of its own row.
    """
    told = []
    if here.bench != there.bench:
        told.append(f"lenet-bench {there.bench} in place of {here.bench}")
    if here.machine.python != there.machine.python:
        told.append(f"Python {there.machine.python} in place of {here.machine.python}")
    told += _shortened(
        [
            f"{name} {there.packages[name]} in place of {version}"
            for name, version in sorted(here.packages.items())
            if name in there.packages and there.packages[name] != version and name != "lenet-bench"
        ]
    )
    told += _shortened(
        [
            f"other code of lenet-bench or of the adapter for {name}"
            for name, one in here.frameworks.items()
            if name in there.frameworks and _is_other(one, there.frameworks[name])
        ]
    )
    return told


def clock_note(ahead_s: float) -> str | None:
    """What to say of a clock that is ahead of this one's by so many seconds; None where it is not.

    A negative number: behind.
    """
    if abs(ahead_s) <= CLOCK_S:
        return None
    way = "ahead of" if ahead_s > 0 else "behind"
    return f"its clock is {abs(ahead_s):,.0f} s {way} this one: its records have the times it tells"


def _installed(name: str) -> Installed:
    framework = frameworks.named(name)
    missing = frameworks.missing(framework)
    version = None if missing else frameworks.version(framework)
    return Installed(
        version=version, missing=missing, files_sha256=None if missing else _hash(framework)
    )


def _hash(framework: frameworks.Framework) -> str | None:
    """Of names and contents of the files, wherever they lie."""
    try:
        files = examined_files(framework)
    except BenchError:
        return None
    lines = sorted(f"{one.name} {hashlib.sha256(one.read_bytes()).hexdigest()}" for one in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _is_other(one: Installed, other: Installed) -> bool:
    known = None not in (one.files_sha256, other.files_sha256)
    return known and one.files_sha256 != other.files_sha256


def _shortened(told: list[str]) -> list[str]:
    more = len(told) - MOST_TOLD
    return told if more <= 0 else [*told[:MOST_TOLD], f"and {more} more"]
