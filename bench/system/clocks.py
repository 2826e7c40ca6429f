"""What a worker measures with; passed to whatever measures, so that tests can pass their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Clocks:
    """Counters that only ever grow.

    wall    seconds
    cpu     CPU seconds of this process, all of its threads together
    energy  joules that the device has taken; None where no counter can be read
    """

    wall: Clock
    cpu: Clock
    energy: Callable[[], float | None] = _nothing
