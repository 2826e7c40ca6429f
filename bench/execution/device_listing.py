"""Which devices the frameworks see here, asked of each in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench import frameworks
from bench.choices import Device
from bench.execution import Executor
from bench.execution.executor import NO_LOG
from bench.system import machine
from bench.worker.messages import FindDevices, FrameworkAnswered


@dataclass(frozen=True, slots=True)
class Answer:
    """What a framework says of itself.

    reason  why it cannot be used here; then there are neither devices nor versions
    """

    devices: tuple[Device, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    reason: str | None = None


def probe(name: str, executor: Executor, timeout_s: float = 120) -> Answer:
    """A framework's devices and versions, asked of it in a process of its own."""
    absent = frameworks.missing(frameworks.named(name))
    if absent:
        return Answer(reason=absent)
    task = FindDevices(framework=name, threads=machine.most_threads())
    outcome = executor.call(task, log=NO_LOG, timeout_s=timeout_s)
    for event in outcome.events:
        if isinstance(event, FrameworkAnswered):
            return Answer(event.devices, event.versions)
    return Answer(reason=outcome.end.reason)


def choose_devices(
    asked: Sequence[str], names: Sequence[str], executor: Executor
) -> tuple[str, ...]:
    """`auto` becomes gpu where there is one and every framework that is here sees it, else cpu."""
    if "auto" not in asked:
        return tuple(asked)
    best = "cpu"
    if machine.has_gpu():
        answers = [probe(name, executor) for name in names]
        here = [answer.devices for answer in answers if answer.reason is None]
        best = "gpu" if here and all("gpu" in devices for devices in here) else "cpu"
    return tuple(dict.fromkeys(best if device == "auto" else device for device in asked))
