"""Blocks on the hosts of a cluster, one a host at a time, and what becomes of those that are lost.

A thread serves each host: it asks what is there, brings the data, has frameworks examined, and then
takes block after block until none is left. All of them write records under one lock, so that this
process stays the only one that writes a run's folder.
"""

from __future__ import annotations

import contextlib
import json
import queue
import secrets
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.config.plan import Cell, Plan
from bench.errors import BenchError
from bench.execution.block import (
    Block,
    CellBegun,
    CellEnded,
    EmitBlockEvent,
    Listen,
    event_from,
)
from bench.execution.executors import facts, on_host
from bench.execution.executors.link import Host, Link, LostError
from bench.execution.record_builder import build
from bench.results.record import Machine, Record
from bench.results.store import INCOMING
from bench.workload import datasets

MOST_ATTEMPTS = 3  # at a block: once, and twice more
POLL_S = 0.5  # between looks at what other threads have done
LOOK_S = 2.0  # between looks at which hosts there are, each of which costs the scheduler time
HOSTS_S = 60.0  # for a host to come, where there is none that could go on
END_S = 15.0  # for hosts to end what they do, when the run ends early
PIECE_BYTES = 4 * 2**20


class ClusterError(BenchError):
    """The run cannot go on: no host can measure, or the scheduler is gone."""


class _RefusedError(Exception):
    """A host that must not measure this run; the text is why."""


@dataclass
class _Work:
    """Blocks to be measured, and those that are.

    first  any of them: what a host needs to know before it measures one
    saved  names of the cells of a block that was lost, by its number, whose records are written
    """

    listen: Listen
    first: Block
    waiting: deque[tuple[int, Block]]
    running: int = 0
    saved: dict[int, set[str]] = field(default_factory=dict)
    fault: BaseException | None = None


class Cluster:
    """See `bench.execution.block.Blocks`.

    Args:
        link: to the scheduler.
        folder: of the run; what comes from hosts is put together in it.
        machine: this one, for records of cells that no host has answered for.
        shares_host: whether a host may do several measurements at once.
        say: where is told what goes on.
    """

    is_whole = True

    def __init__(
        self,
        link: Link,
        folder: Path,
        machine: Machine,
        say: Callable[[str], None],
        *,
        shares_host: bool = False,
    ) -> None:
        self._link, self._folder, self._machine = link, folder, machine
        self._say, self._shares_host = say, shares_host
        self._session = secrets.token_hex(8)
        self._ready: set[str] = set()  # addresses of hosts that may measure
        self._refused: dict[str, str] = {}  # by address, why
        self._machines: dict[str, Machine] = {}
        self._changed = threading.Condition()
        self._hosts: dict[str, Host] = {}  # that are there
        self._threads: dict[str, threading.Thread] = {}
        self._here: facts.Facts | None = None
        self._is_over = False

    def measure(self, blocks: Sequence[Block], listen: Listen) -> None:
        """See `bench.execution.block.Blocks`.

        Raises:
            ClusterError: what is not measured cannot be; the records that are there stay.
        """
        work = _Work(listen, blocks[0], deque(enumerate(blocks)))
        try:
            self._attend(work)
        except BaseException:
            self._end()
            raise
        for thread in self._threads.values():
            thread.join()
        self._threads.clear()

    def _attend(self, work: _Work) -> None:
        """Give each host that comes a thread, until all is done."""
        idle_since = time.monotonic()
        while True:
            with self._changed:
                if work.fault is not None:
                    raise work.fault
                if not work.waiting and not work.running:
                    return
            self._look(work)
            if any(thread.is_alive() for thread in self._threads.values()):
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > HOSTS_S or (self._hosts and self._all_refused()):
                raise ClusterError(self._why_nobody())
            with self._changed:
                self._changed.wait(LOOK_S)

    def _look(self, work: _Work) -> None:
        """Which hosts have come, and which have gone."""
        try:
            found = {host.address: host for host in self._link.hosts()}
        except LostError as error:
            raise ClusterError(
                f"the scheduler does not answer any more ({error}); what is measured is saved"
            ) from error
        if not self._link.is_there():
            raise ClusterError("the scheduler does not answer any more; what is measured is saved")
        self._hosts = found
        for address, host in found.items():
            thread = self._threads.get(address)
            if address not in self._refused and (thread is None or not thread.is_alive()):
                thread = threading.Thread(target=self._serve, args=(host, work), daemon=True)
                self._threads[address] = thread
                thread.start()

    def _serve(self, host: Host, work: _Work) -> None:
        """Have a host measure block after block, as long as there are any and it is there."""
        try:
            if host.address not in self._ready:
                self._prepare(host, work.first)
                self._ready.add(host.address)
            while (taken := self._next(host, work)) is not None:
                self._try(host, work, *taken)
        except _RefusedError as refused:
            self._refused[host.address] = str(refused)
            self._say(f"{host.label}: measures nothing of this run: {refused}")
            self._wake()
        except LostError as lost:
            if not self._is_over:
                self._say(f"{host.label}: lost: {lost}")
        except BaseException as error:  # of this process, such as a full disk
            with self._changed:
                work.fault = work.fault or error
                self._changed.notify_all()

    def _wake(self) -> None:
        """Have the thread that attends to the hosts look at once."""
        with self._changed:
            self._changed.notify_all()

    def _next(self, host: Host, work: _Work) -> tuple[int, Block] | None:
        """The host's next block; None when there is none left, nor any that could come to it."""
        with self._changed:
            while not work.fault and not self._is_over:
                if (place := self._place_of_next(host, work)) is not None:
                    taken = work.waiting[place]
                    del work.waiting[place]
                    work.running += 1
                    return taken
                if not work.waiting and not work.running:
                    return None
                self._changed.wait(POLL_S)
            return None

    def _place_of_next(self, host: Host, work: _Work) -> int | None:
        """Of the first block that is for any host, for this one, or for one that is gone."""
        others = {
            self._machines[address].host
            for address in self._ready & self._hosts.keys()
            if address != host.address
        } - {None, self._machines[host.address].host}
        for place, (_, block) in enumerate(work.waiting):
            if block.host not in others:
                return place
        return None

    def _try(self, host: Host, work: _Work, number: int, block: Block) -> None:
        """Have the block measured there; what is lost with the host comes again, or is given up."""
        saved: set[str] = set()  # the cells whose records came from this host
        try:
            self._measure(host, work, block, saved)
        except LostError as lost:
            with self._changed:
                work.saved.setdefault(number, set()).update(saved)
                missing = _missing(block, saved)  # nothing where it was lost once it was done
                if missing and block.attempt + 1 < MOST_ATTEMPTS:
                    again = block.model_copy(update={"attempt": block.attempt + 1})
                    work.waiting.appendleft((number, again))
                elif missing and not self._is_over:
                    self._give_up(host, work, number, block, str(lost))
            raise
        finally:
            with self._changed:
                work.running -= 1
                self._changed.notify_all()

    def _prepare(self, host: Host, block: Block) -> None:
        """See that the host may measure, bring it the data, and have the frameworks examined."""
        if host.slots < 1:
            raise _RefusedError(
                "it has no slot: start it with `dask worker … --nthreads 1 --resources slot=1`"
            )
        plan = block.plan
        names = [*plan.settings.frameworks, "reference"]
        there = facts.Facts.model_validate_json(self._answer(host, on_host.facts, names))
        with self._changed:
            if self._here is None:
                self._here = facts.of_this_host(names)
        self._machines[host.address] = there.machine
        different = facts.differences(self._here, there)
        if different:
            raise _RefusedError(f"it has {'; '.join(different)}")
        threads = max(plan.settings.threads)
        if there.most_threads < threads:
            raise _RefusedError(
                f"this process may use {there.most_threads} CPUs there, and --threads is {threads}"
            )
        note = facts.clock_note(there.now_s - time.time())
        if note:
            self._say(f"{host.label}: {note}")
        self._bring_files(host, plan)
        if not plan.settings.unverified:
            self._say(f"{host.label}: examining the frameworks ...")
            self._follow(host, on_host.prove, block, lambda said, _: self._note(host, said))

    def _bring_files(self, host: Host, plan: Plan) -> None:
        """The data and the checkpoint that training begins with, where the host has them not."""
        found = json.loads(self._answer(host, on_host.find_data, plan.model_dump_json()))
        if found["root"] is None:
            if ":" in plan.settings.dataset:
                raise _RefusedError(f"{found['reason']}: put it at the same path there")
            self._say(f"{host.label}: sending it {plan.settings.dataset} ...")
            for one in datasets.verify(plan.settings.dataset, plan.data_root):
                if one.path.is_relative_to(plan.data_root):
                    name = one.path.relative_to(plan.data_root).as_posix()
                    self._send(host, plan.data_sha256 or "", name, one.path)
            found = json.loads(self._answer(host, on_host.find_data, plan.model_dump_json()))
            if found["root"] is None:
                raise _RefusedError(found["reason"])
        if plan.start is not None:
            self._send(host, plan.start.sha256, plan.start.file.name, plan.start.file)

    def _send(self, host: Host, key: str, name: str, path: Path) -> None:
        with path.open("rb") as file:
            while content := file.read(PIECE_BYTES):
                offset = file.tell() - len(content)
                self._link.call(host, on_host.receive, key, name, offset, content)

    def _answer(self, host: Host, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a task on the host comes to."""
        future = self._link.task(host, function, *arguments)
        while not future.done():
            self._require(host)
            time.sleep(POLL_S / 10)
        return self._result(future)

    def _result(self, future: Any) -> Any:
        try:
            return self._link.result(future)
        except BenchError as error:
            raise _RefusedError(str(error)) from error

    def _require(self, host: Host) -> None:
        """That the host is there, and the run goes on."""
        if self._is_over:
            raise LostError("the run is over")
        if host.address not in self._hosts:
            raise LostError("it does not answer any more")

    def _measure(self, host: Host, work: _Work, block: Block, saved: set[str]) -> None:
        """One block on one host, and each of its records written before the next cell begins.

        The names of its cells come into `saved`.
        """
        emit = work.listen(block, host.label)

        def take(said: dict[str, Any], line: str) -> None:
            if "files" in said:
                self._save(host, said, emit, saved)
            elif not self._note(host, said):
                with self._changed:
                    emit(event_from(line))

        try:
            self._follow(host, on_host.measure, block, take)
        except _RefusedError as refused:  # not to be asked again, but the block can go elsewhere
            raise LostError(str(refused)) from refused
        if missing := _missing(block, saved):
            told = ", ".join(cell.name for cell in missing)
            raise LostError(f"it has sent no record of {told}")

    def _follow(
        self,
        host: Host,
        function: Callable[[str, str, str], None],
        block: Block,
        take: Callable[[dict[str, Any], str], object],
    ) -> None:
        """Have a task done with a block, and take what it tells, line by line."""
        said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        topic = f"lenet-bench {self._session} {host.address}"
        sent = block.model_copy(update={"shares_host": self._shares_host}).model_dump_json()
        self._link.listen(topic, said.put)
        future = self._link.task(host, function, self._session, sent, topic)
        future.add_done_callback(lambda _: said.put(None))
        try:
            while True:
                try:
                    line = said.get(timeout=POLL_S)
                except queue.Empty:
                    self._require(host)
                    continue
                if line is None:
                    break
                take(json.loads(line), line)
            self._result(future)
        except LostError:
            self._link.cancel(future)
            raise
        finally:
            self._link.ignore(topic)

    def _save(
        self, host: Host, said: dict[str, Any], emit: EmitBlockEvent, saved: set[str]
    ) -> None:
        """Write what a cell has left on a host, and tell the host so."""
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=INCOMING) as incoming:
            record = self._fetch(host, Path(incoming), said)
            with self._changed:
                emit(CellEnded(record=record, files=Path(incoming)))
                saved.add(record.identity.cell)
        self._link.call(host, on_host.acknowledge, self._session)

    def _note(self, host: Host, said: dict[str, Any]) -> bool:
        """Say what a host has to say to a person; whether it was that."""
        if "note" not in said:
            return False
        self._say(f"{host.label}: {said['note']}")
        return True

    def _fetch(self, host: Host, incoming: Path, said: dict[str, Any]) -> Record:
        """The record of a cell that has ended there, and its files."""
        for name, size in said["files"].items():
            path = incoming / name
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                while file.tell() < size:
                    piece = (self._session, name, file.tell(), PIECE_BYTES)
                    content = self._link.call(host, on_host.part, *piece)
                    if not content:
                        raise LostError(f"{name} is shorter than it said")
                    file.write(content)
        try:
            record = Record.model_validate_json((incoming / on_host.RECORD).read_bytes())
        except (ValidationError, OSError) as error:
            raise LostError(f"what it sent of {said['cell']} is no record: {error}") from error
        if record.identity.cell != said["cell"]:
            raise LostError(f"it sent {record.identity.cell} in place of {said['cell']}")
        return record

    def _give_up(self, host: Host, work: _Work, number: int, block: Block, why: str) -> None:
        """Records that say so, of the cells of which none was ever saved."""
        emit = work.listen(block, host.label)
        for cell in _missing(block, work.saved[number]):
            emit(CellBegun(cell=cell))
            emit(CellEnded(record=self._failed(host, block, cell, why)))

    def _failed(self, host: Host, block: Block, cell: Cell, why: str) -> Record:
        known = {
            "run_id": block.run_id,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "outcome": "failed",
            "reason": f"{MOST_ATTEMPTS} hosts were lost while its block ran there; the last: {why}",
            "recipe": block.recipe,
            "attempt": block.attempt,
            "unverified": block.plan.settings.unverified,
        }
        machine = self._machines.get(host.address, self._machine)
        return build(block.run, block.plan, cell, machine, known)

    def _all_refused(self) -> bool:
        return all(address in self._refused for address in self._hosts)

    def _why_nobody(self) -> str:
        if self._refused:
            told = "; ".join(f"{address}: {why}" for address, why in self._refused.items())
            return f"no host can measure this run: {told}"
        return f"no host has come for {HOSTS_S:g} s: start `dask worker` on one"

    def _end(self) -> None:
        """Have the hosts end what they do, and wait for that, for a while."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        for host in list(self._hosts.values()):
            if host.address in self._threads and self._link.is_there():
                with contextlib.suppress(LostError):
                    self._link.call(host, on_host.end, self._session)
        deadline = time.monotonic() + END_S
        for thread in self._threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))


def _missing(block: Block, saved: Collection[str]) -> list[Cell]:
    """The cells of a block of which there is no record."""
    return [cell for cell in block.cells if cell.name not in saved]
