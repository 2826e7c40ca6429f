"""Which devices the frameworks see here, asked of each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import frameworks, launch, machine


def probe(name: str, timeout_s: float = 120) -> dict[str, Any]:
    """A framework's devices and versions, asked of it in a process of its own.

    {"devices": [...], "versions": {...}}, or {"reason": why it cannot be used}.
    """
    framework = frameworks.named(name)
    absent = frameworks.missing(framework)
    if absent:
        return {"reason": absent}
    heard: dict[str, Any] = {}

    def take(event: launch.Event) -> None:
        heard.update(event)

    env = launch.environment(len(machine.usable_cpus()), os.environ)
    ending = launch.run_worker({"probe": name}, env, Path(os.devnull), timeout_s, take)
    end = heard.get("end", {"status": "failed", "reason": f"its worker {ending.describe()}"})
    if end["status"] != "ok":
        return {"reason": end["reason"]}
    return dict(heard["measured"])


def choose_devices(asked: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """`auto` becomes gpu where there is one and every framework that is here sees it, else cpu."""
    if "auto" not in asked:
        return tuple(asked)
    if not machine.has_gpu():
        best = "cpu"
    else:
        answers = [probe(name) for name in names]
        here = [answer["devices"] for answer in answers if "devices" in answer]
        best = "gpu" if here and all("gpu" in devices for devices in here) else "cpu"
    return tuple(dict.fromkeys(best if device == "auto" else device for device in asked))
