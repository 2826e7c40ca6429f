"""One process, one framework, one task: the only place that reads a clock.

`bench.system.launch` starts it; see there for how the task comes and the answers go, and
`bench.worker.messages` for what they are.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import threading
from typing import TextIO


def main(argv: list[str]) -> None:
    """Do the task on standard input; answer on the pipe whose number is the first argument."""
    descriptor = int(argv[1])
    os.set_inheritable(descriptor, False)
    tasks = _claim_stdin()
    cpus, task = [int(cpu) for cpu in tasks.readline().split()], tasks.readline()
    _be_killed_with_parent(tasks)
    threading.Thread(target=_end_with_parent, args=(tasks,), daemon=True).start()
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    # After the mask is set: they import NumPy, which counts the CPUs.
    from bench.worker import messages
    from bench.worker.tasks import failed, perform

    with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:

        def emit(event: messages.Event) -> None:
            pipe.write(messages.to_line(event) + "\n")
            pipe.flush()

        try:
            end = perform(messages.task_from(task), emit)
        except SystemExit:  # a library ends the process, and the exit code is what it says
            raise
        except BaseException as error:  # a library's KeyboardInterrupt: nobody's Ctrl-C comes here
            end = failed(error)
        emit(end)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a library that crashes while it is torn down cannot take the result along


def _claim_stdin() -> TextIO:
    """Standard input for ourselves; libraries find an empty one.

    Julia makes descriptor 0 non-blocking, for everyone who reads what it stands for.
    """
    ours = os.fdopen(os.dup(0), encoding="utf-8")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return ours


def _end_with_parent(tasks: TextIO) -> None:
    """The tasks end when the parent does, however it does; no second one is ever written.

    With the worker end the processes that its libraries have started, which are in its group.
    """
    tasks.read()
    if _leads_group():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _leads_group() -> bool:
    """Whether the group is the worker's own, as `bench.system.launch` makes it."""
    return os.getpgrp() == os.getpid()


def _be_killed_with_parent(tasks: TextIO) -> None:
    """Have the system do the same, where it can: it does so also to a process that is stopped.

    Nor does it need a turn with Python's lock, which a library may hold for ever. Linux sends the
    signal of a descriptor to a group when what it reads is closed (F_SETSIG in fcntl(2)).
    """
    if not hasattr(fcntl, "F_SETSIG") or not _leads_group():
        return
    with contextlib.suppress(OSError):
        fcntl.fcntl(tasks, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(tasks, fcntl.F_SETOWN, -os.getpgrp())
        flags = fcntl.fcntl(tasks, fcntl.F_GETFL)
        fcntl.fcntl(tasks, fcntl.F_SETFL, flags | os.O_ASYNC)


if __name__ == "__main__":
    main(sys.argv)
