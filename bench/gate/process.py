"""The parent's end of a resident process: start it, ask it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.errors import BenchError
from bench.gate.budget import Budget
from bench.gate.cases import Case, Name
from bench.gate.origin import Loaded, Origins
from bench.system import environment, machine, signals
from bench.system.interpreter import alone

WINDOWS = Path(__file__).with_name("window_server.py")
START_LIMIT_S = 300.0  # a Julia that compiles itself for the first time takes minutes
ANSWER_LIMIT_S = 120.0
TAIL_LINES = 12
MOST_TOLD = 5  # modules that came from elsewhere
END_S = 5.0


class SideError(BenchError):
    """A revision cannot be measured; the text names the side and shows the end of its log."""


@dataclass(frozen=True, slots=True)
class Side:
    """A revision that can be measured.

    name     base or head
    python   the interpreter that runs it
    paths    folders that come first on its `sys.path`
    caches   a folder for what is compiled of it; made where something is
    origins  its files, and what is the repository's
    absent   its submodules that could not be had
    alone    whether the interpreter is to find no packages but those of its own environment
    """

    name: Name
    python: Path
    paths: tuple[Path, ...]
    caches: Path
    origins: Origins
    absent: tuple[str, ...] = ()
    alone: bool = False


class Resident:
    """A process that holds one side's adapter, warm; a context manager that ends it."""

    def __init__(
        self, side: Side, case: Case, cpus: tuple[int, ...], log: Path, budget: Budget
    ) -> None:
        self.side, self._case, self._log, self._budget = side, case, log, budget
        read_end, write_end = os.pipe()
        self._pipe = open(read_end, "rb", buffering=0)  # noqa: SIM115 -- closed by __exit__
        self._pending = b""
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    [str(side.python), "-P", str(WINDOWS), str(write_end)],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    env=_environment(side, case.threads),
                    cwd=side.paths[0],
                    pass_fds=(write_end,),
                    start_new_session=True,
                )
        except OSError as error:
            self._pipe.close()
            raise SideError(f"{side.name}: {side.python} cannot be started: {error}") from error
        finally:
            os.close(write_end)
        places = {
            "paths": [str(path) for path in side.paths],
            "checkout": str(side.origins.checkout),
            "worktrees": [str(tree) for tree in side.origins.worktrees],
            "instruction_sets": machine.instruction_sets(),
        }
        self._send(case.model_dump() | places | {"cpus": cpus})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):
            self._process.__exit__(None, None, None)
        self._pipe.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def await_ready(self) -> None:
        """Wait until the adapter is built; SideError where it cannot be, or is another one."""
        self._answer(START_LIMIT_S)
        self.check_origin()

    def prepare(self, steps: int) -> None:
        """Have it compile for windows of so many steps."""
        self._send({"prepare": steps})
        self._answer(START_LIMIT_S)

    def window(self, steps: int) -> dict[str, Any]:
        """Have it time one window; see `bench.gate.window_server` for what it answers."""
        self._send({"window": steps})
        return self._answer(ANSWER_LIMIT_S)

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the resident process has no standard input")
        with contextlib.suppress(BrokenPipeError):  # that it is gone is seen at the answer
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _answer(self, limit_s: float) -> dict[str, Any]:
        """The next line that it sends; SideError where none comes, OutOfTimeError at the end."""
        deadline = self._budget.after(limit_s)
        while b"\n" not in self._pending:
            with selectors.DefaultSelector() as selector:
                selector.register(self._pipe, selectors.EVENT_READ)
                if not selector.select(max(deadline.left_s, 0.0)):
                    self._budget.check()
                    raise self._error(f"gave no answer for {limit_s:.0f} s")
            chunk = os.read(self._pipe.fileno(), 65536)
            if not chunk:
                try:
                    raise self._error(_ending(self._process.wait(END_S)))
                except subprocess.TimeoutExpired:
                    raise self._error("has closed its pipe") from None
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise self._error(f"failed: {answer['failed']}")
        return answer

    def check_origin(self) -> None:
        """SideError where something of the repository's was not loaded from this revision."""
        self._send({"loaded": 0})
        loaded = Loaded(**self._answer(ANSWER_LIMIT_S))
        strangers = self.side.origins.strangers(loaded)
        about = f"{self.side.name}: {self._case.framework} is not measured from this revision"
        if strangers:
            absent = [
                f"the submodule {path} could not be had: git submodule update --init --recursive"
                for path in self.side.absent
            ]
            folders = ", ".join(str(path) for path in self.side.paths)
            lines = [*strangers[:MOST_TOLD], *absent, f"its packages are looked for in {folders}"]
            raise SideError("\n    ".join((f"{about}:", *lines)))
        if pointers := self.side.origins.pointers(loaded):
            raise SideError(
                f"{about}: {len(pointers)} of its files are with Git LFS and not here, such as "
                f"{pointers[0]}: git lfs install, then git lfs fetch --all"
            )

    def _error(self, what: str) -> SideError:
        tail = self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        shown = "".join(f"\n    {line}" for line in tail)
        return SideError(f"{self.side.name}: {self._case.framework} {what}{shown}")


def _environment(side: Side, threads: int) -> dict[str, str]:
    """A worker's environment, where what PYTHONPATH names of the repository is the side's."""
    env = environment.of_worker(threads, os.environ)
    if side.alone:
        env = alone(env)
    given = [Path(part) for part in env.get("PYTHONPATH", "").split(os.pathsep) if part]
    moved = [side.origins.moved(path.resolve()) for path in given]
    parts = dict.fromkeys(str(path) for path in (*side.paths, *moved))
    own = {
        "PYTHONPATH": os.pathsep.join(parts),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Of each package Julia keeps one compiled form a project, in the first of these folders:
        # the sides would throw away each other's, and compile anew in every process. That nothing
        # follows stands for Julia's own folders.
        "JULIA_DEPOT_PATH": os.pathsep.join((str(side.caches), env.get("JULIA_DEPOT_PATH", ""))),
    }
    return env | own


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signals.name_of(-code)}"
