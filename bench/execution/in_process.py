"""Does tasks of the NumPy reference in this process.

For tests and demonstrations, where a process for every task would take most of the time. What is
measured so is not to be compared with anything: other work of this process, such as the collection
of its garbage, is in it.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from pathlib import Path

from bench.execution.executor import Executor, Outcome, Usage
from bench.messages import Emit, Event, Task

OURS = "reference"


class InProcess:
    """Does what the NumPy reference can do here, and hands all else to another executor.

    There is no time limit here: a task whose limit is below a minute is handed on, too.
    """

    def __init__(self, otherwise: Executor, least_limit_s: float = 60.0) -> None:
        self._otherwise, self._least_limit_s = otherwise, least_limit_s

    def call(
        self, task: Task, *, log: Path, timeout_s: float, on_event: Emit = lambda event: None
    ) -> Outcome:
        """See `bench.execution.Executor`."""
        from bench import worker  # a worker's code, which a parent has no use for

        if task.framework != OURS or timeout_s < self._least_limit_s:
            return self._otherwise.call(task, log=log, timeout_s=timeout_s, on_event=on_event)
        events: list[Event] = []

        def emit(event: Event) -> None:
            events.append(event)
            on_event(event)

        wall_s, cpu_s = time.monotonic(), time.process_time()
        with log.open("a") as output, contextlib.redirect_stderr(output):
            end = worker.perform(task, emit)
        usage = Usage(time.monotonic() - wall_s, time.process_time() - cpu_s, _peak_rss_bytes())
        return Outcome(end, usage, tuple(events))


def _peak_rss_bytes() -> int:
    of_unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * of_unit
