"""pip as a child process: which releases there are, and what it installs where."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.gate.environments import INSTALL_LIMIT_S, TAIL_LINES
from bench.system import git, signals
from bench.system.interpreter import alone

ANSWER_LIMIT_S = 120.0
QUIET = ("--disable-pip-version-check", "--no-input")
FEW_TRIES = ("--retries", "1", "--timeout", "20")
# Only what is built: sources would be compiled, for an hour and otherwise than their makers do.
BUILT = "--only-binary=:all:"
LISTED = re.compile(r"^Available versions: (.+)$", re.MULTILINE)
NO_NETWORK = ("connection broken", "Retrying (", "Temporary failure", "Max retries", "timed out")
NO_ROOM = ("No space left on device", "Disk quota exceeded")
CONFLICT = ("ResolutionImpossible", "conflicting dependencies", "No matching distribution found")
UNTOLD = ("WARNING: pip index is currently", "[notice]")


class PipError(BenchError):
    """pip could not do it; the text is the end of what it said.

    in_conflict  whether the packages that were asked for do not go together, or one is not there
    """

    def __init__(self, text: str, *, in_conflict: bool = False) -> None:
        super().__init__(text)
        self.in_conflict = in_conflict


class NoRoomError(BenchError):
    """The disk is full."""


class NoNetworkError(BenchError):
    """No index can be reached."""


def released(distribution: str) -> tuple[str, ...]:
    """The releases that have a wheel for this Python on this machine.

    PipError where there are none, NoNetworkError where the index cannot be reached.
    """
    name = distribution.partition("[")[0]
    done = _called(["index", "versions", name, "--pre", BUILT, *FEW_TRIES], ANSWER_LIMIT_S)
    found = LISTED.search(done.stdout)
    if found:
        return tuple(one.strip() for one in found[1].split(","))
    said = _tail(done.stderr)
    if any(sign in done.stderr for sign in NO_NETWORK):
        raise NoNetworkError(f"pip cannot reach an index to list the releases of {name}:{said}")
    raise PipError(f"pip finds no release of {name} with a wheel for this Python:{said}")


def make_environment(folder: Path) -> Path:
    """An empty virtual environment, without a pip of its own; its interpreter."""
    done = _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], INSTALL_LIMIT_S)
    _check(done, f"no environment can be made in {folder}")
    return folder / "bin" / "python"


def install(python: Path, requirements: Sequence[str], cache: Path) -> None:
    """Install wheels into the environment of an interpreter; they are kept in the cache.

    PipError where that cannot be done, NoRoomError where the disk is full, NoNetworkError where
    nothing can be fetched.
    """
    options = (*QUIET, "--quiet", "--no-warn-script-location", "--cache-dir", str(cache), BUILT)
    place = ("--python", str(python))
    done = _called([*place, "install", *options, *requirements], INSTALL_LIMIT_S)
    _check(done, f"{requirements[0]} cannot be installed", python)


def _check(done: subprocess.CompletedProcess[str], what: str, place: Path | None = None) -> None:
    if done.returncode == 0:
        return
    if any(sign in done.stderr for sign in NO_ROOM):
        where = f" at {place}" if place else ""
        raise NoRoomError(
            f"the disk is full{where}: {what}; make room, or name a folder on another disk by "
            "LENET_BENCH_CACHE"
        )
    if any(sign in done.stderr for sign in NO_NETWORK):
        raise NoNetworkError(f"{what}, pip cannot reach an index:{_tail(done.stderr)}")
    in_conflict = any(sign in done.stderr for sign in CONFLICT)
    raise PipError(f"{what}:{_tail(done.stderr)}", in_conflict=in_conflict)


def _tail(text: str) -> str:
    """The last lines that pip said, for an error."""
    told = [line for line in text.splitlines() if line.strip() and not line.startswith(UNTOLD)]
    return "".join(f"\n    {line}" for line in told[-TAIL_LINES:]) or " it says nothing"


def _called(arguments: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    if importlib.util.find_spec("pip") is None:
        raise BenchError(
            f"pip is not installed for {sys.executable}, and other releases are installed by it: "
            f"{sys.executable} -m ensurepip"
        )
    return _run([sys.executable, "-m", "pip", *arguments], limit_s)


def _run(command: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run to the end, or end it with all that it has started, also where this is interrupted."""
    process: subprocess.Popen[str] | None = None
    try:
        with signals.defer_signals():  # a process that has started is one that is ended
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=alone(git.outside_hooks(os.environ)),
                start_new_session=True,
            )
        out, told = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise PipError(f"{' '.join(command[1:4])} took over {limit_s:.0f} s") from error
    finally:
        if process is not None:
            _end(process)
    return subprocess.CompletedProcess(command, process.returncode, out, told)


def _end(process: subprocess.Popen[str]) -> None:
    """With the process that pip starts to do its work, which is in its group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
