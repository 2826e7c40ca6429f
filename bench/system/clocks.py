"""What a worker measures with; passed to whatever measures, so that tests can pass their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.system.contention import Taken

Clock = Callable[[], float]


def _nothing() -> None:
    return None


def _no_seconds() -> float:
    return 0.0


def _unwatched() -> Taken:
    return Taken()


def _watch_nothing() -> Callable[[], Taken]:
    return _unwatched


@dataclass(frozen=True, slots=True)
class Clocks:
    """Counters that only ever grow.

    wall    seconds
    cpu     CPU seconds of this process, all of its threads together
    caller  CPU seconds of the thread that asks; 0 where it is not asked for
    energy  joules that the device has taken; None where no counter can be read
    watch   begins to watch what others take, and gives what tells how much that was until then
    """

    wall: Clock
    cpu: Clock
    caller: Clock = _no_seconds
    energy: Callable[[], float | None] = _nothing
    watch: Callable[[], Callable[[], Taken]] = _watch_nothing
