"""What a worker measures with; passed to whatever measures, so that tests can pass their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.system.contention import Taken

Clock = Callable[[], float]


def _nothing() -> None:
    return None


def _unwatched() -> Taken:
    return Taken()


def _watch_nothing() -> Callable[[], Taken]:
    return _unwatched


@dataclass(frozen=True, slots=True)
class Clocks:
    """Counters that only ever grow.

    wall    seconds
    cpu     CPU seconds of this process, all of its threads together
    caller  CPU seconds of the thread that asks
    energy  joules that the device has taken; None where no counter can be read
    watch   begins to watch what others take, and gives what tells how much that was until then
    """

    wall: Clock
    cpu: Clock
    caller: Clock = field(default=time.thread_time, kw_only=True)
    energy: Callable[[], float | None] = _nothing
    watch: Callable[[], Callable[[], Taken]] = _watch_nothing
