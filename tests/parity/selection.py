"""Which frameworks this run tests, on which device, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NoReturn, cast, get_args

import pytest

from bench.contract import Adapter, Device
from bench.errors import UnavailableError
from bench.frameworks import BUILT_IN, create, named


def chosen(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The frameworks to test: those named and those required, or all built-in ones.

    UnknownNameError lists the valid names.
    """
    listed = _names(environment, "BENCH_FRAMEWORKS")
    listed = listed or [own.name for own in BUILT_IN if own.name != "reference"]
    names = list(dict.fromkeys([*listed, *required(environment)]))
    return [named(name).name for name in names]


def required(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The frameworks whose absence is a failure."""
    return _names(environment, "BENCH_REQUIRE")


def device(environment: Mapping[str, str] = os.environ) -> Device:
    """Where the frameworks compute in this run."""
    given = environment.get("BENCH_DEVICE", "cpu")
    if given not in get_args(Device):
        raise ValueError(f"BENCH_DEVICE={given!r}: choose from {', '.join(get_args(Device))}")
    return cast(Device, given)


def obtain(name: str) -> Adapter:
    """The framework's adapter; where it cannot be had, the test fails or is skipped."""
    try:
        adapter = create(named(name))
    except UnavailableError as error:
        absent(name, str(error))
    if device() not in adapter.devices():
        absent(name, f"no {device()} here: {name} can use {', '.join(adapter.devices())}")
    return adapter


def absent(name: str, reason: str) -> NoReturn:
    """Fail where the framework was required, skip otherwise."""
    if name in required():
        pytest.fail(f"{name} was required (BENCH_REQUIRE): {reason}", pytrace=False)
    pytest.skip(f"{name}: {reason}")


def _names(environment: Mapping[str, str], variable: str) -> list[str]:
    return [name for name in environment.get(variable, "").replace(" ", "").split(",") if name]
