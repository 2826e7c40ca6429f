"""Does each task in a process of its own on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bench.execution.executor import Outcome, Usage
from bench.system import environment, launch, machine
from bench.system.interpreter import Interpreter
from bench.worker.messages import Emit, Ended, Event, Task, event_from, to_line


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """Starts a worker for each task, with the same environment for all but the count of threads.

    interpreter  the Python that it runs in, where it is another one than this
    """

    interpreter: Interpreter | None = None

    def call(
        self, task: Task, *, log: Path, timeout_s: float, on_event: Emit = lambda event: None
    ) -> Outcome:
        """See `bench.execution.Executor`."""
        events: list[Event] = []
        ends: list[Ended] = []

        def take(line: bytes) -> None:
            event = event_from(line)
            if isinstance(event, Ended):
                ends.append(event)
            else:
                events.append(event)
                on_event(event)

        ending = launch.run_worker(
            to_line(task),
            machine.spread_cpus(task.threads) if task.on_own_cpus else (),
            environment.of_worker(task.threads, os.environ, task.variables),
            log,
            timeout_s,
            take,
            self.interpreter,
        )
        end = ends[-1] if ends else _without_last_word(ending, timeout_s)
        usage = Usage(ending.wall_s, ending.cpu_s, ending.peak_rss_bytes)
        return Outcome(end, usage, tuple(events))


def _without_last_word(ending: launch.Ending, timeout_s: float) -> Ended:
    if ending.timed_out:
        return Ended(outcome="timeout", reason=f"not done after {timeout_s:g} s")
    return Ended(outcome="failed", reason=f"the worker {ending.describe()}")
