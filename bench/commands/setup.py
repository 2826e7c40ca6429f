"""`bench setup`: what a framework needs that pip does not install, fetched when it is asked for."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from rich.console import Console

from bench import frameworks, probing
from bench.commands.console import say
from bench.errors import BenchError

FIRST_START_S = 3600.0  # Julia compiles the packages when they are first loaded


def setup(name: str) -> int:
    """Fetch, compile and start once; BenchError where one of these fails."""
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
        return 0
    started, free = datetime.now(), _free_bytes()
    expected = tools.expected()
    say(console, f"{framework.title}: {expected or 'everything is here, nothing is fetched'}")
    tools.setup()
    say(console, "Starting it once, in which what is new gets compiled: up to some minutes")
    answer = probing.probe(name, FIRST_START_S)
    if "reason" in answer:
        raise BenchError(f"{framework.title} does not start: {answer['reason']}")
    taken_s = (datetime.now() - started).total_seconds()
    used = max(0, free - _free_bytes()) / 1e9
    versions = ", ".join(f"{part} {version}" for part, version in answer["versions"].items())
    say(console, f"{framework.title} is ready: {versions}")
    say(console, f"{taken_s:,.0f} s, {used:.1f} GB less room on the disk", style="dim")
    return 0


def _free_bytes() -> int:
    return shutil.disk_usage(Path.home()).free
