"""`bench setup`: what a framework needs that pip does not install, fetched when it is asked for."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import get_args

from rich.console import Console

from bench import frameworks
from bench.choices import Device
from bench.cli import parse
from bench.cli.console import say
from bench.config import parsing
from bench.errors import BenchError, UsageError
from bench.execution import Executor, device_listing
from bench.system import git

FIRST_START_S = 3600.0  # Julia compiles the packages when they are first loaded


def setup(name: str, executor: Executor, devices: str = "cpu") -> int:
    """Fetch, compile and start once; BenchError where one of these fails."""
    wanted = _devices(devices)
    console = Console(highlight=False)
    framework = frameworks.named(name)
    tools = frameworks.toolchain(framework)
    absent = frameworks.absent_modules(framework)
    if absent:
        raise BenchError(absent)
    if tools is None:
        say(
            console, f"{framework.title} needs nothing but its packages of Python's, which are here"
        )
        if "gpu" in wanted:
            say(console, f"For a GPU: {framework.for_gpu}")
        return 0
    started, free = datetime.now(), _free_bytes()
    expected = tools.expected(wanted)
    say(console, f"{framework.title}: {expected or 'nothing is to be fetched'}")
    with git.hooks_forgotten():  # Julia's package manager runs git
        tools.setup(wanted)
    say(console, "Starting it once, in which what is new gets compiled: up to some minutes")
    answer = device_listing.probe(name, executor, FIRST_START_S)
    if answer.reason is not None:
        raise BenchError(f"{framework.title} does not start: {answer.reason}")
    if "gpu" in wanted and "gpu" not in answer.devices:
        reason = tools.gpu_missing() or "see python -m bench list frameworks"
        raise BenchError(f"{framework.title} starts and sees no GPU: {reason}")
    taken_s = (datetime.now() - started).total_seconds()
    used = max(0, free - _free_bytes()) / 1e9
    versions = ", ".join(f"{part} {version}" for part, version in answer.versions.items())
    say(console, f"{framework.title} is ready: {versions}")
    say(console, f"{taken_s:,.0f} s, {used:.1f} GB less room on the disk", style="dim")
    return 0


def _devices(text: str) -> tuple[Device, ...]:
    """Named ones: what `auto` would be is known once all is here."""
    named = parse.devices(text) if parsing.split(text) else ()
    if not named or "auto" in named:
        raise UsageError(f"--devices {text!r} is not possible here: give cpu, gpu or cpu,gpu")
    return tuple(device for device in get_args(Device) if device in named)


def _free_bytes() -> int:
    return shutil.disk_usage(Path.home()).free
