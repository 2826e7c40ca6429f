"""Runs the cells of a plan, block after block, and saves each one's record as it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, Protocol

from bench.config.plan import Cell
from bench.execution import repeats
from bench.execution.block import (
    Block,
    BlockEvent,
    Blocks,
    CellBegun,
    CellEnded,
    EmitBlockEvent,
    Fields,
)
from bench.results.record import Record
from bench.results.store import CHECKPOINTS, LOGS, Run
from bench.system.quiet import Patience
from bench.worker.messages import EpochEnded, PhaseBegun, WindowEnded


class Progress(Protocol):
    """Shows a run as it goes; see `bench.execution.observing.progress`."""

    def cell(self, cell: Cell) -> None:
        """A cell begins."""

    def phase(self, name: str) -> None:
        """The running cell enters a phase."""

    def epoch(self, measured: dict[str, Any]) -> None:
        """The running cell has ended an epoch; the lists of the record so far."""

    def window(self, number: int, images_per_s: float) -> None:
        """The running cell has ended a window of throughput, counted from 1."""

    def done(self, record: Record) -> None:
        """The running cell has ended."""

    def more(self, cells: int) -> None:
        """So many cells come in addition to those that were known of."""

    def waiting(self, busy_cpus: float, left_s: float) -> None:
        """The run waits, for so many seconds at most, since others keep so many CPUs busy."""

    def on(self, host: str) -> Progress:
        """What shows a block on a host of a cluster, where several go on at once."""


class _Listener:
    """Saves what comes of a block's cells, and shows what goes on.

    Of a cell on another host, an earlier try stays until the new record is here: the host may be
    lost before.
    """

    def __init__(self, run_: Run, progress: Progress, tried: set[str], *, is_here: bool) -> None:
        self._run, self._progress, self._fields = run_, progress, Fields()
        self._tried, self._is_here = tried, is_here
        self._cell: Cell | None = None

    def take(self, event: BlockEvent) -> None:
        self._fields.take(event)
        match event:
            case CellBegun():
                self._cell, self._fields = event.cell, Fields()
                self._run.set_events_aside(event.cell)
                if self._is_here:
                    self._run.set_aside(event.cell)
                self._progress.cell(event.cell)
            case PhaseBegun():
                self._progress.phase(event.name)
            case EpochEnded():
                self._progress.epoch(self._fields.values)
            case WindowEnded():
                self._progress.window(event.number, event.images_per_s)
            case CellEnded():
                if not self._is_here and self._cell is not None:
                    self._run.set_aside(self._cell)
                if event.files is not None:
                    self._run.adopt(event.files)
                self._run.save(event.record)
                self._progress.done(event.record)
                self._tried.add(event.record.identity.cell)


def run(run_: Run, progress: Progress, blocks: Blocks, patience: Patience | None) -> None:
    """Run what is missing of the plan, and save each cell's record.

    A cell that ended well, or diverged, is not run again; any other is, and its earlier record is
    set aside. What others have disturbed is repeated when they are gone, as long as there is
    patience to wait for that; without any, whoever measures waits by itself. What is done stays
    when this is interrupted.
    """
    plan, tried = run_.manifest.plan, set[str]()

    def listen(block: Block, host: str | None = None) -> EmitBlockEvent:
        shown = progress if host is None else progress.on(host)
        return _Listener(run_, shown, tried, is_here=host is None).take

    planned = set(plan.cells())
    records = run_.records()
    due, is_disturbed = repeats.due(plan, records), repeats.any_disturbed(records)
    while due:
        cells = [cell for one in due for cell in one.cells]
        # A block of the plan waits for nothing, nor does one after others that were left alone.
        is_further = planned.isdisjoint(cells)
        must_wait = is_further and is_disturbed
        if must_wait and patience is not None and not patience.wait(progress.waiting):
            break
        if blocks.is_whole:
            due = [replace(one, cells=repeats.whole_blocks(plan, one.cells)) for one in due]
            cells = [cell for one in due for cell in one.cells]
        blocks.measure([block for one in due for block in _blocks(run_, one)], listen)
        records, last = run_.records(), {cell.name for cell in cells}
        is_disturbed = repeats.any_disturbed(one for one in records if one.identity.cell in last)
        due = repeats.due(plan, records, tried)
        progress.more(sum(len(one.cells) for one in due))


def unsettled(run_: Run) -> list[Cell]:
    """The cells without which the run is not complete; what was disturbed does not prevent that."""
    plan, records = run_.manifest.plan, run_.records()
    if repeats.any_disturbed(records):
        return repeats.unsettled(plan, records)
    return repeats.pending(plan, records)


def _blocks(run_: Run, due: repeats.Due) -> Iterator[Block]:
    """The cells, those of one seed and repeat together, since they are compared in pairs."""
    manifest, folder = run_.manifest, run_.folder.absolute()
    for _, alike in groupby(due.cells, key=lambda cell: (cell.repeat, cell.seed)):
        yield Block(
            run=manifest.name,
            run_id=manifest.run_id,
            plan=manifest.plan,
            recipe=manifest.recipe,
            cells=tuple(alike),
            logs=folder / LOGS,
            checkpoints=folder / CHECKPOINTS,
            host=due.host,
        )
