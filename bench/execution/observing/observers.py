"""Whoever looks on while a run goes: several at once, a state that others can follow, event files.

All of them are told by the parent process, off the worker's clock, and none may stop a run: one
that cannot write says so once and is left out from then on.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.config.plan import Cell
from bench.execution.observing.tensorboard import EventFiles
from bench.execution.runner import Progress
from bench.results.record import Record
from bench.results.store import Run

STATE, NEW_STATE = "state.json", "state.new"
LEAST_PAUSE_S = 0.5  # between two writings of the state, of which nobody sees more

Warn = Callable[[str], None]


class ObserverList:
    """Tells each of them everything; the first is the display, and may fail as it likes."""

    def __init__(self, display: Progress, others: Sequence[Progress], warn: Warn) -> None:
        self._display, self._others, self._warn = display, list(others), warn

    def cell(self, cell: Cell) -> None:
        """See `bench.execution.runner.Progress`, as for the methods below."""
        self._tell("cell", cell)

    def phase(self, name: str) -> None:
        """A phase begins."""
        self._tell("phase", name)

    def epoch(self, measured: dict[str, Any]) -> None:
        """An epoch has ended."""
        self._tell("epoch", measured)

    def window(self, number: int, images_per_s: float) -> None:
        """A window has ended."""
        self._tell("window", number, images_per_s)

    def done(self, record: Record) -> None:
        """A cell has ended."""
        self._tell("done", record)

    def more(self, cells: int) -> None:
        """More cells come."""
        self._tell("more", cells)

    def waiting(self, busy_cpus: float, left_s: float) -> None:
        """The run waits for others."""
        self._tell("waiting", busy_cpus, left_s)

    def on(self, host: str) -> Progress:
        """What tells each of them what goes on there."""
        return ObserverList(
            self._display.on(host), [other.on(host) for other in self._others], self._warn
        )

    def _tell(self, method: str, *arguments: Any) -> None:
        getattr(self._display, method)(*arguments)
        for other in [*self._others]:
            try:
                getattr(other, method)(*arguments)
            except OSError as error:
                self._others.remove(other)
                self._warn(f"{other} cannot be written any more: {error.strerror or error}")


class RunState:
    """Keeps what goes on in the run's `state.json`, for `bench watch`.

    {"cell", "phase", "epoch", "epochs", "images_per_s", "val_accuracy", "learning_rate", "done",
    "cells"}; on a cluster the same by host, under "hosts".
    """

    def __init__(self, run: Run, cells: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock, self._written_s = run.folder / STATE, clock, -math.inf
        self._plan, self._images = run.manifest.plan, 0
        epochs = run.manifest.plan.settings.epochs
        self._now: dict[str, Any] = {"done": 0, "cells": cells, "epochs": epochs}

    def on(self, host: str) -> Progress:
        """What goes on there, in the same file."""
        return _StateOnHost(self, host)

    def take(self, host: str, now: dict[str, Any], *, ended: bool) -> None:
        """What goes on on a host now, and whether a cell has ended there."""
        self._now.setdefault("hosts", {})[host] = now
        self._now["done"] += ended
        self._write(rarely=not ended)

    def __str__(self) -> str:
        return str(self._path)

    def cell(self, cell: Cell) -> None:
        """A cell begins."""
        kept = {name: self._now[name] for name in ("done", "cells", "epochs")}
        self._images = self._plan.settings.images_an_epoch(cell.batch_size)
        self._now = {**kept, "cell": cell.name, "phase": "start", "epoch": 0}
        self._write()

    def phase(self, name: str) -> None:
        """A phase begins."""
        self._now["phase"] = name
        self._write()

    def epoch(self, measured: dict[str, Any]) -> None:
        """An epoch has ended."""
        self._now |= {
            "epoch": len(measured["epoch_s"]),
            "images_per_s": self._images / measured["epoch_s"][-1],
            "val_accuracy": measured["val_accuracy"],
            "learning_rate": measured["learning_rates"][-1],
        }
        self._write(rarely=True)

    def window(self, number: int, images_per_s: float) -> None:
        """A window has ended."""
        self._now |= {"window": number, "images_per_s": images_per_s}
        self._write(rarely=True)

    def done(self, record: Record) -> None:
        """A cell has ended."""
        self._now["done"] += 1
        self._write()

    def more(self, cells: int) -> None:
        """More cells come."""
        self._now["cells"] += cells
        self._write()

    def waiting(self, busy_cpus: float, left_s: float) -> None:
        """The run waits for others."""
        self._now["phase"] = "waiting for a quiet machine"
        self._write(rarely=True)

    def _write(self, *, rarely: bool = False) -> None:
        """Whole or not at all, but without waiting for the disk: it is worth nothing tomorrow."""
        if rarely and self._clock() - self._written_s < LEAST_PAUSE_S:
            return
        self._written_s = self._clock()
        new = self._path.with_name(NEW_STATE)
        new.write_text(json.dumps(self._now), encoding="utf-8")
        os.replace(new, self._path)


class _StateOnHost(RunState):
    """The part of a run's state that is of one host."""

    def __init__(self, whole: RunState, host: str) -> None:
        self._whole, self._host = whole, host
        self._plan, self._images = whole._plan, 0
        self._now = {"done": 0, "cells": 0, "epochs": self._plan.settings.epochs}

    def done(self, record: Record) -> None:
        """A cell has ended."""
        self._now["done"] += 1
        self._whole.take(self._host, {"phase": "between cells"}, ended=True)

    def _write(self, *, rarely: bool = False) -> None:
        self._whole.take(self._host, self._now, ended=False)


@contextlib.contextmanager
def observed(
    display: Progress, run: Run, cells: int, *, event_files: bool, warn: Warn
) -> Iterator[Progress]:
    """The display, and beside it those that write into the run's folder."""
    events = [EventFiles(run)] if event_files else []
    try:
        yield ObserverList(display, [RunState(run, cells), *events], warn)
    finally:
        for one in events:
            one.close()
        for name in (NEW_STATE, STATE):
            with contextlib.suppress(OSError):
                (run.folder / name).unlink(missing_ok=True)
