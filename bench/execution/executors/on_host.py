"""What the parent asks of a host, within the process of its Dask worker.

Tasks (`facts`, `find_data`, `prove`, `measure`) run in a thread of the worker, one at a time; calls
(`receive`, `part`, `acknowledge`, `end`) are answered beside them, at once. What crosses is text,
JSON and bytes. What a cell leaves stays here, in a folder of the block, until the parent has
written it and says so; only then does the next cell begin.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import psutil

from bench.config.plan import Plan
from bench.errors import BenchError, DataError
from bench.execution.block import (
    Block,
    BlockEvent,
    CellBegun,
    CellEnded,
    OnThisMachine,
)
from bench.execution.child import ChildProcess
from bench.execution.executors import facts as facts_of
from bench.execution.executors import slot
from bench.execution.observing import progress
from bench.results.store import CHECKPOINTS, LOGS
from bench.system import machine
from bench.system.quiet import Patience
from bench.worker.messages import EpochEnded, PhaseBegun, WindowEnded
from bench.workload import caches, datasets

PATIENCE_S = 120.0  # for the parent to write a record; after that it is taken for gone
LOOK_S = 1.0  # between looks at whether the parent is there
RECORD = "record.json"
WORKER = "bench.worker"  # in the command line of a process that measures
TRAVELLED = "travelled"  # the folder of what came from a parent, among the user's caches
EACH_WINDOW = 8  # of so many one is told: telling takes time of the CPUs that are measured
Tell = Callable[[str], None]
SELDOM_MS = 1000.0  # between looks of Dask's at its worker, while that measures


class RunOverError(BenchError):
    """The parent has ended the run, or is gone."""


@dataclass
class _Session:
    """What goes on here for one parent.

    is_over       set when what goes on now is to end, since the parent is gone or has lost touch
    is_ended      whether the parent has no more use of this host
    folder        of what the running block leaves; None between blocks
    acknowledged  set when the parent has written the last record
    patience      for others on this host; None before the first block
    is_disturbed  whether they disturbed the last block
    data_root     where this host has the data; None before it was looked for
    """

    here: OnThisMachine = field(
        default_factory=lambda: OnThisMachine(ChildProcess(), machine.describe())
    )
    is_over: threading.Event = field(default_factory=threading.Event)
    acknowledged: threading.Event = field(default_factory=threading.Event)
    is_ended: bool = False
    folder: Path | None = None
    patience: Patience | None = None
    is_disturbed: bool = False
    data_root: Path | None = None


_sessions: dict[str, _Session] = {}


def facts(names: Sequence[str]) -> str:
    """The facts of this host (`bench.execution.executors.facts.Facts`), as JSON."""
    return facts_of.of_this_host(names).model_dump_json()


def find_data(plan: str) -> str:
    """Where this host has the data of a plan: JSON of `{"root": path or null, "reason": text}`."""
    root, reason = _data_root(Plan.model_validate_json(plan))
    return json.dumps({"root": None if root is None else str(root), "reason": reason})


def receive(key: str, name: str, offset: int, content: bytes) -> None:
    """Take a part of a file of the parent's: what it is known by, and its name below that."""
    path = _travelled(key) / _below(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if offset else "wb") as file:
        file.seek(offset)
        file.write(content)


def prove(session: str, block: str, topic: str) -> None:
    """Examine the frameworks of a block."""
    found = _session(session)
    with _working(found, block, topic) as (given, tell):
        found.here.prove(given, lambda event: tell(event.model_dump_json()))


def measure(session: str, block: str, topic: str) -> None:
    """Measure a block, and tell of it under the topic; each record waits to be acknowledged."""
    found = _session(session)
    with _working(found, block, topic) as (given, tell):
        _wait_for_quiet(found, given, tell)
        found.here.measure(given, _Emitter(found, tell).emit)


def part(session: str, name: str, offset: int, size: int) -> bytes:
    """A part of a file that the running block has left."""
    folder = _session(session).folder
    if folder is None:
        raise RunOverError("no block runs here")
    with (folder / _below(name)).open("rb") as file:
        file.seek(offset)
        return file.read(size)


def acknowledge(session: str) -> None:
    """The parent has the last record."""
    _session(session).acknowledged.set()


def end(session: str) -> None:
    """The parent has no more use of what goes on here."""
    if session in _sessions:
        _sessions[session].is_ended = True
        _end(_sessions[session])


def _end(session: _Session) -> None:
    session.is_over.set()
    session.acknowledged.set()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if WORKER in child.cmdline():
                child.kill()


def _wait_for_quiet(session: _Session, block: Block, tell: Tell) -> None:
    """Where others disturbed the last block here, wait for them: so long in all as was allowed."""
    if session.patience is None:
        session.patience = Patience(block.plan.settings.wait_for_quiet_s)
    told = False

    def waiting(busy_cpus: float, left_s: float) -> None:
        nonlocal told
        if session.is_over.is_set():
            raise RunOverError("the run is over")
        if not told:
            tell(json.dumps({"note": progress.waiting(busy_cpus, left_s)}))
        told = True

    if session.is_disturbed:
        session.patience.wait(waiting)
    session.is_disturbed = False


class _Emitter:
    """Tells of a block's events, and keeps what a cell leaves until the parent has it."""

    def __init__(self, session: _Session, tell: Tell) -> None:
        self._session, self._tell = session, tell

    def emit(self, event: BlockEvent) -> None:
        if self._session.is_over.is_set():
            raise RunOverError("the run is over")
        match event:
            case CellEnded():
                self._hand_over(event)
            case WindowEnded() if event.number % EACH_WINDOW:
                pass
            case CellBegun() | PhaseBegun() | EpochEnded() | WindowEnded():
                self._tell(event.model_dump_json())

    def _hand_over(self, event: CellEnded) -> None:
        folder = self._session.folder
        if folder is None:
            raise RunOverError("no block runs here")
        self._session.is_disturbed |= not event.record.has_clean_speed
        (folder / RECORD).write_text(event.record.model_dump_json(), encoding="utf-8")
        names = [RECORD, f"{LOGS}/{event.record.identity.cell}.log"]
        names += [f"{CHECKPOINTS}/{name}" for name in event.record.weights.checkpoints]
        files = {
            name: (folder / name).stat().st_size for name in names if (folder / name).is_file()
        }
        self._session.acknowledged.clear()
        self._tell(json.dumps({"cell": event.record.identity.cell, "files": files}))
        if not self._session.acknowledged.wait(PATIENCE_S):
            raise RunOverError("the parent does not answer")
        if self._session.is_over.is_set():
            raise RunOverError("the run is over")
        for name in files:
            (folder / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _working(session: _Session, text: str, topic: str) -> Iterator[tuple[Block, Tell]]:
    """Have the host; the block as it is to be measured here, and what tells the parent lines."""
    from distributed import get_worker

    worker = get_worker()
    block = Block.model_validate_json(text)
    session.is_over.clear()
    if session.is_ended:
        raise RunOverError("the run is over")

    def tell(line: str) -> None:
        worker.log_event(topic, line)

    with contextlib.ExitStack() as held:
        held.enter_context(_seldom_watched(worker))
        held.enter_context(_ended_with_parent(worker, session))
        held.enter_context(
            slot.hold(
                shares_host=block.shares_host,
                waiting=lambda: tell(
                    json.dumps({"note": "somebody else measures there: waiting ..."})
                ),
                is_over=session.is_over.is_set,
            )
        )
        folder = Path(tempfile.mkdtemp(prefix="lenet-bench-block-"))
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        for name in (LOGS, CHECKPOINTS):
            (folder / name).mkdir()
        session.folder = folder
        held.callback(setattr, session, "folder", None)
        yield (
            block.model_copy(
                update={
                    "plan": _plan_here(session, block.plan),
                    "logs": folder / LOGS,
                    "checkpoints": folder / CHECKPOINTS,
                }
            ),
            tell,
        )


@contextlib.contextmanager
def _ended_with_parent(worker: Any, session: _Session) -> Iterator[None]:
    """Where the parent dies Dask takes the task back: then what goes on here is ended, too."""
    key, is_done = worker.get_current_task(), threading.Event()

    def look() -> None:
        while not is_done.wait(LOOK_S):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                _end(session)
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


@contextlib.contextmanager
def _seldom_watched(worker: Any) -> Iterator[None]:
    """What Dask does up to a hundred times a second it does each second meanwhile.

    It looks at its threads, its memory and its event loop, by the CPUs that are measured.
    """
    usual_ms = {one: one.callback_time for one in worker.periodic_callbacks.values()}
    for one, interval_ms in usual_ms.items():
        one.callback_time = max(interval_ms, SELDOM_MS)
    try:
        yield
    finally:
        for one, interval_ms in usual_ms.items():
            one.callback_time = interval_ms


def _session(name: str) -> _Session:
    return _sessions.setdefault(name, _Session())


def _plan_here(session: _Session, plan: Plan) -> Plan:
    """The plan with the places that its files have on this host."""
    if session.data_root is None:
        session.data_root, reason = _data_root(plan)
        if session.data_root is None:
            raise DataError(reason)
    changes: dict[str, Any] = {"settings": replace(plan.settings, data_root=session.data_root)}
    if plan.start is not None and not plan.start.file.is_file():
        file = _travelled(plan.start.sha256) / plan.start.file.name
        changes["start"] = plan.start.model_copy(update={"file": file})
    return plan.model_copy(update=changes)


def _data_root(plan: Plan) -> tuple[Path | None, str]:
    """The first root that has the plan's data, to the last bit; or why none has."""
    reasons = []
    for root in (plan.data_root, _travelled(plan.data_sha256 or "")):
        try:
            found = datasets.load(plan.settings.dataset, root, plan.input_size, plan.settings.fit)
        except BenchError as error:
            reasons.append(str(error))
            continue
        if found.sha256 == plan.data_sha256:
            return root, ""
        reasons.append(f"{plan.settings.dataset} in {root} has other content than the run's")
    return None, reasons[0]


def _travelled(key: str) -> Path:
    """Where what is known by a hash is kept that came from a parent."""
    if not key.isalnum():
        raise DataError(f"{key!r} is no hash")
    return caches.folder() / TRAVELLED / key[:32]


def _below(name: str) -> Path:
    """A name below a folder, whatever a parent says."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise DataError(f"{name!r} is no name below a folder")
    return Path(path)
