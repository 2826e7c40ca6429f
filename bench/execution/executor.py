"""What an executor is, and how a task comes out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.worker.messages import Emit, Ended, Event, Task

NO_LOG = Path(os.devnull)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a task took: wall and CPU seconds, and the largest resident set, in bytes."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task came out, whatever became of who did it.

    end     the worker's last word, or one in its place where it could not say any
    usage   what it took
    events  what it said before, in that order
    """

    end: Ended
    usage: Usage
    events: tuple[Event, ...] = field(default=(), repr=False)


class Executor(Protocol):
    """Does tasks, one at a time, each in surroundings that none before it has left traces in."""

    def call(
        self, task: Task, *, log: Path, timeout_s: float, on_event: Emit = lambda event: None
    ) -> Outcome:
        """Do the task, and pass on each event as it comes; what is printed goes to the log.

        Returns when the task has ended, its time is up or whoever does it has died: the outcome's
        status tells. Where anything is raised meanwhile, a KeyboardInterrupt included, the task is
        ended first.
        """
