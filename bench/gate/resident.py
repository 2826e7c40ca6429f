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

from bench import launch
from bench.errors import BenchError
from bench.gate.budget import Budget
from bench.gate.cases import Case, Name

WINDOWS = Path(__file__).with_name("windows.py")
START_LIMIT_S = 300.0  # a Julia that compiles itself for the first time takes minutes
ANSWER_LIMIT_S = 120.0
TAIL_LINES = 12
END_S = 5.0
# Where glibc's allocator gives memory back and takes it anew is a matter of how the heap happens to
# lie: identical processes of PyTorch had from 500 to 2,300 page faults a step, and were up to a
# quarter apart for as long as they lived. One that keeps its memory has none. Other C libraries
# ignore this.
KEEPS_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),  # the largest that every glibc accepts
    "MALLOC_TOP_PAD_": str(1 << 26),
}


class SideError(BenchError):
    """A revision cannot be measured; the text names the side and shows the end of its log."""


@dataclass(frozen=True, slots=True)
class Side:
    """A revision that can be measured.

    name      base or head
    checkout  its files
    python    the interpreter that runs it
    paths     folders that come first on its `sys.path`
    caches    a folder for what is compiled of it; made where something is
    foreign   the folder that nothing may be loaded from: where the checkout was copied from
    """

    name: Name
    checkout: Path
    python: Path
    paths: tuple[Path, ...]
    caches: Path
    foreign: Path | None = None


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
                    cwd=side.checkout,
                    pass_fds=(write_end,),
                    start_new_session=True,
                )
        except OSError as error:
            self._pipe.close()
            raise SideError(f"{side.name}: {side.python} cannot be started: {error}") from error
        finally:
            os.close(write_end)
        task = case.model_dump() | {"cpus": cpus, "paths": [str(path) for path in side.paths]}
        self._send(task)

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
        self._check_sources(self._answer(START_LIMIT_S)["ready"])

    def prepare(self, steps: int) -> None:
        """Have it compile for windows of so many steps."""
        self._send({"prepare": steps})
        self._answer(START_LIMIT_S)

    def window(self, steps: int) -> dict[str, Any]:
        """Have it time one window; see `bench.gate.windows` for what it answers."""
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
                code = self._process.wait(END_S)
                raise self._error(_ending(code))
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise self._error(f"failed: {answer['failed']}")
        return answer

    def _check_sources(self, sources: Mapping[str, str | None]) -> None:
        """The files must be the revision's: a comparison of other files could never fail."""
        found = {what: Path(file).resolve() for what, file in sources.items() if file}
        checkout = self.side.checkout.resolve()
        own = [what for what, file in found.items() if file.is_relative_to(checkout)]
        strangers = [
            file
            for what, file in found.items()
            if what not in own and self.side.foreign and file.is_relative_to(self.side.foreign)
        ]
        if strangers or not own:
            files = ", ".join(f"{what} from {file}" for what, file in found.items())
            raise SideError(
                f"{self.side.name}: {self._case.framework} is not measured from this revision: "
                f"{files}; the package must be importable from its top folder or src/"
            )

    def _error(self, what: str) -> SideError:
        tail = self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        shown = "".join(f"\n    {line}" for line in tail)
        return SideError(f"{self.side.name}: {self._case.framework} {what}{shown}")


def _environment(side: Side, threads: int) -> dict[str, str]:
    """A worker's environment, where what PYTHONPATH names of the repository is the side's."""
    env = launch.environment(threads, os.environ)
    given = [Path(part) for part in env.get("PYTHONPATH", "").split(os.pathsep) if part]
    moved = []
    for path in given:
        resolved = path.resolve()
        inside = side.foreign and resolved.is_relative_to(side.foreign)
        moved.append(
            side.checkout / resolved.relative_to(side.foreign)
            if inside and side.foreign
            else resolved
        )
    parts = dict.fromkeys(str(path) for path in (*side.paths, *moved))
    own = {
        "PYTHONPATH": os.pathsep.join(parts),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Of each package Julia keeps one compiled form a project, in the first of these folders:
        # the sides would throw away each other's, and compile anew in every process. That nothing
        # follows stands for Julia's own folders.
        "JULIA_DEPOT_PATH": os.pathsep.join((str(side.caches), env.get("JULIA_DEPOT_PATH", ""))),
    }
    return env | KEEPS_MEMORY | own


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"
