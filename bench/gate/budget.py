"""The time that a gate may take; the only part of it that reads a clock in the parent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Self


class OutOfTimeError(Exception):
    """The budget is spent: what has been measured must do."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many seconds from when it was made."""

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self.started

    @property
    def left_s(self) -> float:
        """Seconds that are left; negative when it is overdrawn."""
        return self.seconds - self.spent_s

    def check(self) -> None:
        """OutOfTimeError when nothing is left."""
        if self.left_s <= 0:
            raise OutOfTimeError

    def after(self, seconds: float) -> Self:
        """A budget of so many seconds from now, within this one."""
        return type(self)(min(seconds, self.left_s))
