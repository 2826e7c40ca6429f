"""Starts a worker, listens to it and enforces its time limit.

The worker gets two lines on standard input, the CPUs that it is bound to and its task, and answers
with lines over a pipe of its own; what it or its libraries print goes to a log file. Standard input
stays open: when this process dies, however it dies, the worker finds the end of it and ends too,
with all that it has started.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from bench.system import signals
from bench.system.interpreter import Interpreter

GRACE_S = 5.0  # between asking a worker to end and ending it
POLL_S = 0.02
LOOK_S = 1.0  # between two looks whether a worker that says nothing is still there


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker ended.

    exit_code         as the worker gave it; negative: the signal that ended it
    timed_out         whether the time limit ended it
    not_started       why there was no process at all; None where there was
    peak_rss_bytes    largest resident set of the process
    cpu_s             user and system time of the process
    """

    exit_code: int
    timed_out: bool
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    not_started: str | None = None

    def describe(self) -> str:
        """The ending in words."""
        if self.not_started is not None:
            return f"could not be started: {self.not_started}"
        if self.exit_code >= 0:
            return f"ended with exit code {self.exit_code}"
        name = signals.name_of(-self.exit_code)
        hint = ": perhaps the system ran out of memory" if name == "SIGKILL" else ""
        return f"ended by {name}{hint}"


def run_worker(
    task: str,
    cpus: Sequence[int],
    env: Mapping[str, str],
    log: Path,
    timeout_s: float,
    on_line: Callable[[bytes], None],
    interpreter: Interpreter | None = None,
) -> Ending:
    """Run one worker to its end and pass on each line that it says; both are of JSON.

    It runs in this Python, or in that of the `interpreter`. It is bound to the CPUs before any
    library counts them; without any it may use all.

    A worker that outlives `timeout_s` is ended, and so is one that still runs when something is
    raised here, a KeyboardInterrupt included.
    """
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        process: subprocess.Popen[bytes] | None = None
        patience_s, timed_out = 0.0, False
        try:
            with signals.defer_signals():  # a process that has started is one that is ended
                process, pipe = _started(env, log, stack, interpreter)
            _send(process, [" ".join(map(str, cpus)), task])
            for line in _lines(pipe, process.pid, started + timeout_s):
                on_line(line)
            patience_s = GRACE_S
        except _NotStartedError as error:
            return Ending(0, False, time.monotonic() - started, 0.0, 0, str(error))
        except _OverdueError:
            timed_out = True
        finally:
            if process is not None:
                status, usage = _end(process, patience_s)
    return Ending(
        exit_code=os.waitstatus_to_exitcode(status),
        timed_out=timed_out,
        wall_s=time.monotonic() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_rss_bytes=peak_rss_bytes(usage),
    )


def peak_rss_bytes(usage: resource.struct_rusage) -> int:
    """The largest resident set, which macOS counts in bytes and Linux in KiB."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class _OverdueError(Exception):
    """A worker has had its time; no TimeoutError, which the system has, too."""


class _NotStartedError(Exception):
    """The system has no process, no descriptor or no room for the log; the text is its reason."""


def _started(
    env: Mapping[str, str],
    log: Path,
    stack: contextlib.ExitStack,
    interpreter: Interpreter | None,
) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """A worker, and the pipe that it speaks on; _NotStartedError where the system has none."""
    try:
        output = stack.enter_context(log.open("ab"))
        read_end, write_end = os.pipe()
        pipe = os.fdopen(read_end, "rb", buffering=0)
        stack.enter_context(pipe)
        try:
            return _start(env, output, write_end, interpreter), pipe
        finally:
            os.close(write_end)
    except OSError as error:
        raise _NotStartedError(error.strerror or str(error)) from error


def _start(
    env: Mapping[str, str],
    output: IO[bytes],
    write_end: int,
    interpreter: Interpreter | None,
) -> subprocess.Popen[bytes]:
    """Start the worker in a session of its own, so that a Ctrl-C reaches only this process."""
    command = (
        interpreter.command("bench.worker")
        if interpreter
        else [sys.executable, *_flags(), "-m", "bench.worker"]
    )
    return subprocess.Popen(
        [*command, str(write_end)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        env=interpreter.environment(env) if interpreter else dict(env),
        pass_fds=(write_end,),
        start_new_session=True,
    )


def _flags() -> list[str]:
    """What has the worker look for modules where this process does.

    Without -P the current folder would come first: another harness than this one, where a command
    that is installed is called in a checkout.
    """
    is_here = any(not entry or Path(entry).resolve() == Path.cwd() for entry in sys.path)
    return [*([] if is_here else ["-P"]), *(["-s"] if sys.flags.no_user_site else [])]


def _send(process: subprocess.Popen[bytes], lines: Sequence[str]) -> None:
    """Give the worker its task; a worker that is gone already will tell by its exit code."""
    if process.stdin is None:
        raise RuntimeError("the worker has no standard input")
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        process.stdin.flush()


def _lines(pipe: IO[bytes], pid: int, deadline: float) -> Iterator[bytes]:
    """Every whole line that comes, until the worker closes the pipe, or has ended.

    What a library has forked may hold the pipe open for longer than the worker lives. A last line
    without its end was cut off with the worker, and is left out. _OverdueError at the deadline.
    """
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                raise _OverdueError
            if not selector.select(min(remaining_s, LOOK_S)):
                if _is_over(pid) and not selector.select(0):
                    return
                continue
            chunk = os.read(pipe.fileno(), 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            yield from lines


def _is_over(pid: int) -> bool:
    """Whether a child has ended, and waits for `_end` to be told of."""
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def _end(process: subprocess.Popen[bytes], patience_s: float) -> tuple[int, Any]:
    """Wait, then ask, then force the worker to end; its wait status and resource usage.

    Without patience where this is interrupted itself: who presses Ctrl-C twice does not want to
    wait, and a worker must not be left.
    """
    try:
        ended = _wait(process.pid, patience_s)
        if ended is None:
            _signal_group(process.pid, signal.SIGTERM)
            ended = _wait(process.pid, GRACE_S)
    except KeyboardInterrupt:
        with signals.defer_signals():
            _force_end(process, None)
        raise
    with signals.defer_signals():
        return _force_end(process, ended)


def _force_end(process: subprocess.Popen[bytes], ended: tuple[int, Any] | None) -> tuple[int, Any]:
    """End the worker, if it has not `ended`, and what it may have started."""
    _signal_group(process.pid, signal.SIGKILL)
    status, usage = ended or os.wait4(process.pid, 0)[1:]
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    return status, usage


def _wait(pid: int, limit_s: float) -> tuple[int, Any] | None:
    """The wait status and usage of a child that ends within the limit, else None."""
    deadline = time.monotonic() + limit_s
    while True:
        found, status, usage = os.wait4(pid, os.WNOHANG)
        if found:
            return status, usage
        if time.monotonic() >= deadline:
            return None
        time.sleep(POLL_S)


def _signal_group(pid: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sign)
