"""The program in a process of its own: forked, which is quick, or started anew.

A forked one runs the same `main` with the modules that the campaign has loaded already. What NumPy
computes, it does itself where that is asked for; other cells are done by real workers.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import scipy.special
import scipy.stats  # noqa: F401

import impls.reference.adapter  # noqa: F401
from bench.cli import app
from bench.execution import ChildProcess
from bench.execution.executor import Outcome
from bench.execution.in_process import LEAST_LIMIT_S, InProcess
from bench.system import launch, machine
from bench.worker import throughput
from bench.worker.messages import Emit, Task

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = Path(__file__).parent / "plugins"
GRACE_S = 1.0  # in place of five seconds that a worker has to end, so that the campaign is shorter
TOLD_S = 2.0  # for a program to tell where it stands, before it is ended
STACK_LINES = 40
LIMIT_S = 240.0  # of every program that the campaign starts, on a machine that others use, too

Apart = Callable[[Task], bool]
Prepare = Callable[[], None]


def everything(task: Task) -> bool:
    """Every task in a process of its own, as a person's are."""
    return True


def nothing(task: Task) -> bool:
    """No task in a process of its own."""
    return False


class _Mostly:
    """Does here what is not to be done apart, with any time limit."""

    def __init__(self, apart: Apart) -> None:
        self._apart = apart

    def call(
        self, task: Task, *, log: Path, timeout_s: float, on_event: Emit = lambda event: None
    ) -> Outcome:
        """See `bench.execution.Executor`."""
        if self._apart(task):
            return ChildProcess().call(task, log=log, timeout_s=timeout_s, on_event=on_event)
        here = InProcess(ChildProcess(), (task.framework,))
        limit_s = max(timeout_s, LEAST_LIMIT_S)
        return here.call(task, log=log, timeout_s=limit_s, on_event=on_event)


@dataclass(frozen=True)
class Done:
    """What has come of a program: its exit code, negative for a signal, and what it has printed."""

    code: int
    out: str
    err: str
    peak_bytes: int

    @property
    def errors(self) -> list[str]:
        """The lines that say what went wrong."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


@dataclass(frozen=True)
class Program:
    """A program that runs."""

    pid: int
    out: Path
    err: Path

    def send(self, sign: int) -> None:
        """Send it a signal; one that has ended takes none."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, sign)

    def wait(self, limit_s: float = LIMIT_S) -> Done:
        """What has come of it; TimeoutError where it does not end, after it has been ended.

        One that was forked then tells where each of its threads stands.
        """
        deadline = time.monotonic() + limit_s
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                return Done(
                    os.waitstatus_to_exitcode(status),
                    self.out.read_text(errors="replace"),
                    self.err.read_text(errors="replace"),
                    launch.peak_rss_bytes(usage),
                )
            if time.monotonic() > deadline:
                self.send(signal.SIGUSR1)
                time.sleep(TOLD_S)
                self.send(signal.SIGKILL)
                os.wait4(self.pid, 0)
                told = self.err.read_text(errors="replace").splitlines()[-STACK_LINES:]
                raise TimeoutError(
                    "\n    ".join((f"the program has not ended after {limit_s:g} s", *told))
                )
            time.sleep(0.01)


def start(
    arguments: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    *,
    apart: Apart = nothing,
    prepare: Prepare = lambda: None,
    anew: bool = False,
) -> Program:
    """Start the program with these arguments in a folder, where it leaves what it prints.

    Args:
        arguments: those of the program
        env: its whole environment
        folder: the current one
        apart: which tasks are done in a process of their own
        prepare: is called in the process before anything else
        anew: whether it is a new interpreter, which does all tasks apart
    """
    number = len(list(folder.glob("*.err")))
    out, err = folder / f"{number}.out", folder / f"{number}.err"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        if anew:
            command = [sys.executable, "-m", "bench", *arguments]
            process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
                start_new_session=True,
                preexec_fn=partial(_as_of_a_person, prepare),
            )
            process.returncode = 0  # it is waited for by its number
            return Program(process.pid, out, err)
        pid = os.fork()
        if pid:
            return Program(pid, out, err)
        _become(list(arguments), env, folder, (to_out.fileno(), to_err.fileno()), apart, prepare)


def _as_of_a_person(prepare: Prepare) -> None:
    """A job in the background ignores Ctrl-C, and so would what it starts."""
    for sign in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(sign, signal.SIG_DFL)
    prepare()


def _become(
    arguments: list[str],
    env: Mapping[str, str],
    folder: Path,
    streams: tuple[int, int],
    apart: Apart,
    prepare: Prepare,
) -> NoReturn:
    """What a new interpreter would be."""
    code: Any = 70  # what no program of ours ends with
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in enumerate((null, *streams)):
            os.dup2(descriptor, number)
        os.closerange(3, 256)
        sys.stdout, sys.stderr = (open(n, "w", closefd=False, buffering=1) for n in (1, 2))  # noqa: SIM115
        os.environ.clear()
        os.environ.update(env)
        os.chdir(folder)
        sys.argv = ["bench", *arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for sign in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(sign, signal.SIG_DFL)
        faulthandler.register(signal.SIGUSR1, file=2)  # of no meaning to the program
        _quicken()
        app.call = partial(app.call, executor=partial(_Mostly, apart))
        prepare()
        app.main()
    except SystemExit as ended:
        code = ended.code
    except KeyboardInterrupt:
        traceback.print_exc()
        code = 130
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code or 0)


def _quicken() -> None:
    """What a tiny run would wait for longer than it trains."""
    launch.GRACE_S = GRACE_S
    machine.busy_cpus = lambda: 0.0
    throughput.MATRIX_SIZES = throughput.MATRIX_SIZES | {"cpu": 64}
    throughput.MATRIX_TRIES = 1
