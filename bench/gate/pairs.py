"""A pair of fresh processes, one of each revision, that take turns in short windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.gate.budget import Budget
from bench.gate.cases import NAMES, Case, Name, Pair, Windows
from bench.gate.process import Resident, Side
from bench.system import interpreter, machine, signals

PROBE_STEPS = 4
HALF = 3  # windows of which the later must not be faster than as many earlier ones
WARM_RATIO = 0.97
MOST_WARM_UPS = 15
PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How a pair is measured: quadruples of windows, and how long a window should last.

    On a machine so busy that they take `PATIENCE` times as long, half of them must do.
    """

    quadruples: int = 8
    window_s: float = 0.1

    @property
    def windows_s(self) -> float:
        """Seconds that a pair's windows last in all."""
        return 4 * self.quadruples * self.window_s


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is the same for all pairs of a gate."""

    sides: dict[Name, Side]
    shape: Shape
    logs: Path
    budget: Budget


def measure(with_: Measuring, case: Case, number: int, first: Name, steps: int | None) -> Pair:
    """Start both sides, warm them up, and have them alternate; `steps` None: choose them now.

    Pair `number` gets CPUs of its own choosing, the same for both sides. The side that is `first`
    is first in all, from the start of its process, so that no order is a difference between the
    sides. Raises SideError, OutOfTimeError.
    """
    started = with_.budget.spent_s
    cpus = _cpus(case.threads, number)
    order: tuple[Name, Name] = (first, "head" if first == "base" else "base")
    _forget_libraries(with_.sides.values())
    with ExitStack() as stack:
        with signals.defer_signals():  # until the stack would end them
            residents = {
                name: stack.enter_context(
                    Resident(
                        with_.sides[name], case, cpus, with_.logs / f"{name}.log", with_.budget
                    )
                )
                for name in order
            }
        for resident in residents.values():
            resident.await_ready()
        if steps is None:
            steps = _choose_steps(residents["base"], case, with_.shape.window_s)
        for resident in residents.values():
            resident.prepare(steps)
        _warm_up(residents, steps)
        windows = _alternate(residents, order, steps, with_)
        for resident in residents.values():  # again: some modules are loaded when first needed
            resident.check_origin()
    took_s = round(with_.budget.spent_s - started, 2)
    return Pair(case=case, first=first, steps=steps, took_s=took_s, **windows)


def _forget_libraries(sides: Collection[Side]) -> None:
    """Where the sides have packages of their own, both load them from the disk, in each pair.

    What one of them had in memory as it was installed, and the other as it was read, would be a
    difference between them in all pairs alike.
    """
    pythons = dict.fromkeys(side.python for side in sides)
    if len(pythons) > 1:
        folders = (folder for python in pythons for folder in interpreter.packages_of(python))
        interpreter.forget_libraries(folders)


def _cpus(threads: int, number: int) -> tuple[int, ...]:
    """CPUs for a pair: another set each time, so that no one busy CPU decides."""
    every = machine.spread_cpus(len(machine.usable_cpus()))
    start = number * threads % len(every)
    return (every[start:] + every[:start])[:threads]


def _choose_steps(base: Resident, case: Case, window_s: float) -> int:
    """How many steps last about as long as a window should: of the base, once for both sides."""
    base.prepare(PROBE_STEPS)
    base.window(PROBE_STEPS)
    step_s: float = min(_idle_s(base.window(PROBE_STEPS), case) for _ in range(3)) / PROBE_STEPS
    return max(2, ceil(window_s / step_s))


def _idle_s(window: Mapping[str, Any], case: Case) -> float:
    """How long a window would be on an idle machine: others' load must not shorten the windows."""
    seconds: float = window["seconds"]
    if case.device != "cpu":
        return seconds
    cpu_s: float = window["cpu_s"]
    return min(seconds, max(cpu_s / case.threads, seconds / 4))


def _warm_up(residents: dict[Name, Resident], steps: int) -> None:
    """Windows in turns until neither side's later ones are faster than its earlier ones."""
    seen: dict[Name, list[float]] = {name: [] for name in residents}
    for _ in range(MOST_WARM_UPS):
        for name, resident in residents.items():
            seen[name].append(resident.window(steps)["seconds"])
        if all(_is_warm(seconds) for seconds in seen.values()):
            return


def _is_warm(seconds: list[float]) -> bool:
    if len(seconds) < 2 * HALF:
        return False
    return median(seconds[-HALF:]) >= WARM_RATIO * median(seconds[-2 * HALF : -HALF])


def _alternate(
    residents: dict[Name, Resident], order: tuple[Name, Name], steps: int, with_: Measuring
) -> dict[Name, Windows]:
    """Quadruples A B B A and B A A B in turns; one in which something compiled is repeated once."""
    taken: dict[Name, list[dict[str, Any]]] = {name: [] for name in NAMES}
    first, second = order
    shape = with_.shape
    patience = with_.budget.after(PATIENCE * shape.windows_s)
    for number in range(shape.quadruples):
        if 2 * number >= shape.quadruples and patience.left_s <= 0:
            break
        a, b = (first, second) if number % 2 == 0 else (second, first)
        for _ in range(2):
            answers = [(name, _watched(residents[name], steps)) for name in (a, b, b, a)]
            if not any(answer["compiled"] for _, answer in answers):
                break
        for name, answer in answers:
            taken[name].append(answer)
    return {name: _windows(answers) for name, answers in taken.items()}


def _windows(answers: list[dict[str, Any]]) -> Windows:
    """Rounded to what can be told apart."""
    return Windows(
        seconds=tuple(float(f"{answer['seconds']:.5g}") for answer in answers),
        own_cpus=tuple(round(answer["cpu_s"] / answer["seconds"], 2) for answer in answers),
        other_cpus=tuple(round(answer["other_cpus"], 2) for answer in answers),
    )


def _watched(resident: Resident, steps: int) -> dict[str, Any]:
    """A window, and how many CPUs the processes of others kept busy meanwhile."""
    before = _busy_s()
    answer = resident.window(steps)
    other_s = _busy_s() - before - answer["cpu_s"]
    return answer | {"other_cpus": max(0.0, other_s / answer["seconds"])}


def _busy_s() -> float:
    """CPU seconds that all processes of the machine have used since it was started."""
    times = psutil.cpu_times()._asdict()
    # A guest's time is in user's; time that is stolen is another machine's work.
    return float(sum(times.get(kind, 0.0) for kind in ("user", "nice", "system", "steal")))
