"""Does tasks of what computes in NumPy in this process.

For tests and demonstrations, where a process for every task would take most of the time. What is
measured so is not to be compared with anything: other work of this process, such as the collection
of its garbage, is in it.
"""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Collection
from pathlib import Path

from bench.execution.executor import Executor, Outcome, Usage
from bench.system import launch
from bench.worker.messages import Emit, Event, Task

LEAST_LIMIT_S = 60.0


class InProcess:
    """Does here what `frameworks` are to do, which compute in NumPy; all else, another executor.

    There is no time limit here: a task whose limit is below a minute is handed on, too.
    """

    def __init__(self, otherwise: Executor, frameworks: Collection[str] = ("reference",)) -> None:
        self._otherwise, self._frameworks = otherwise, frameworks

    def call(
        self, task: Task, *, log: Path, timeout_s: float, on_event: Emit = lambda event: None
    ) -> Outcome:
        """See `bench.execution.Executor`."""
        if task.framework not in self._frameworks or timeout_s < LEAST_LIMIT_S:
            return self._otherwise.call(task, log=log, timeout_s=timeout_s, on_event=on_event)
        from bench.worker import tasks  # a worker's code, which a parent has no use for

        events: list[Event] = []

        def emit(event: Event) -> None:
            events.append(event)
            on_event(event)

        wall_s, cpu_s = time.monotonic(), time.process_time()
        with log.open("a") as output, contextlib.redirect_stderr(output):
            end = tasks.perform(task, emit, is_watched=False)  # what else this process does is own
        peak = launch.peak_rss_bytes(resource.getrusage(resource.RUSAGE_SELF))
        usage = Usage(time.monotonic() - wall_s, time.process_time() - cpu_s, peak)
        return Outcome(end, usage, tuple(events))
