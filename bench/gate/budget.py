"""The time that a gate may take; the only part of it that reads a clock in the parent."""

from __future__ import annotations

import time
from collections.abc import Callable


class OutOfTimeError(Exception):
    """The budget is spent: what has been measured must do."""


class Budget:
    """So many seconds, by a clock that only goes on, from when it was made."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._clock, self._started = seconds, clock, clock()

    @property
    def spent_s(self) -> float:
        """Seconds since it was made."""
        return self._clock() - self._started

    @property
    def left_s(self) -> float:
        """Seconds that are left; negative when it is overdrawn."""
        return self.seconds - self.spent_s

    def check(self) -> None:
        """OutOfTimeError when nothing is left."""
        if self.left_s <= 0:
            raise OutOfTimeError

    def after(self, seconds: float) -> Budget:
        """A budget of so many seconds from now, within this one."""
        return Budget(min(seconds, self.left_s), self._clock)
