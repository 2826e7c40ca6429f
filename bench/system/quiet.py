"""Waits for the machine to be quiet: for other programs to leave the CPUs alone."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.system import machine
from bench.system.contention import most_of_others

LOOK_S = 0.5
QUIET_S = 2.0  # without work of others, so that a pause between two bursts is none


class Patience:
    """So many seconds of waiting in all, over as many waits as there are.

    To look at a machine that is quiet takes none of them.

    busy_cpus  watches the machine for so many seconds, and gives the CPUs' worth of work
    """

    def __init__(
        self,
        limit_s: float,
        busy_cpus: Callable[[float], float] = machine.busy_cpus,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left_s, self._busy_cpus, self._clock = limit_s, busy_cpus, clock

    def wait(self, tell: Callable[[float, float], None]) -> bool:
        """Until the machine is quiet, and whether it is; False at once when no time is left.

        `tell` is told the busy CPUs and the seconds that are left, as long as others compute.
        """
        begun_s, was_busy = self._clock(), False
        cpus = len(machine.usable_cpus())
        most = cpus * most_of_others(LOOK_S, cpus)
        quiet_since_s: float | None = None
        try:
            while (left_s := self._left_s - (self._clock() - begun_s)) > 0:
                looked_s = self._clock()
                busy = self._busy_cpus(min(LOOK_S, left_s))
                if busy > most:
                    quiet_since_s, was_busy = None, True
                    tell(busy, left_s)
                    continue
                quiet_since_s = looked_s if quiet_since_s is None else quiet_since_s
                if self._clock() - quiet_since_s >= QUIET_S:
                    return True
            return False
        finally:
            self._left_s -= (self._clock() - begun_s) * was_busy
