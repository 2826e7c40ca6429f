"""Shows a run as it goes: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from bench.config.plan import Cell, Plan
from bench.execution.runner import Progress
from bench.results.record import Record

Clock = Callable[[], float]
STOPPED = {"target": "at its target", "converged": "converged"}


class PlainLines:
    """One line when a cell begins and one when it ends."""

    def __init__(self, console: Console, cells: int, plan: Plan) -> None:
        self._console, self._cells, self._plan, self._number = console, cells, plan, 0
        self._waits, self._known = False, set[str]()

    def on(self, host: str) -> Progress:
        """Lines that begin with the host."""
        return _OnHost(self, host)

    def cell(self, cell: Cell) -> None:
        """A cell begins."""
        self._number += 1
        self.say(f"[{self._number}/{self._cells}] {cell.name} ...")

    def phase(self, name: str) -> None:
        """Nothing: a log need not tell each phase."""

    def epoch(self, measured: dict[str, Any]) -> None:
        """Nothing: a log need not tell each epoch."""

    def window(self, number: int, images_per_s: float) -> None:
        """Nothing: a log need not tell each window."""

    def more(self, cells: int) -> None:
        """So many cells come in addition: a line that says why."""
        if not cells:
            return
        self._cells += cells
        why = "to repeat what others disturbed"
        if self._plan.settings.precision is not None:
            why += ", or since intervals are wider than asked for"
        self.say(f"{cells} more cell{'s' * (cells > 1)}, {why}")

    def waiting(self, busy_cpus: float, left_s: float) -> None:
        """A line when the run begins to wait."""
        if not self._waits:
            self.say(f"{waiting(busy_cpus, left_s)}, to repeat what they have disturbed ...")
        self._waits = True

    def done(self, record: Record) -> None:
        """A cell has ended."""
        self._waits = False
        self.say(f"[{self._number}/{self._cells}] {outcome(record)}")

    def ended(self, cell: str, text: str) -> None:
        """One of several cells that run at once has ended; what was lost may end once more."""
        self._known.add(cell)
        self._number = len(self._known)
        self.say(f"[{self._number}/{self._cells}] {text}")

    def say(self, text: str) -> None:
        """A line, as it is."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Live(PlainLines):
    """A bar with the running cell, its epoch and images/s, and the time left."""

    def __init__(self, console: Console, cells: int, bar: Bars, epochs: int, plan: Plan) -> None:
        super().__init__(console, cells, plan)
        self._bar, self._images = bar, 0
        self._epochs = epochs  # those that a cell trains here
        self._task: TaskID = bar.add_task("", total=cells * epochs, now="", left="")
        self._ended = 0
        self._left = TimeLeft(cells * epochs, time.monotonic)

    def cell(self, cell: Cell) -> None:
        """A cell begins."""
        self._number += 1
        self._images = self._plan.settings.images_an_epoch(cell.batch_size)
        self._show(description=f"[{self._number}/{self._cells}] {cell.name}")

    def phase(self, name: str) -> None:
        """The running cell enters a phase."""
        self._show(now=name.replace("_", " "))

    def epoch(self, measured: dict[str, Any]) -> None:
        """The running cell has ended an epoch."""
        epoch_s = measured["epoch_s"]
        speed = self._images / epoch_s[-1]
        self._at(
            self._ended + len(epoch_s),
            now=f"epoch {len(epoch_s)}/{self._epochs}, {speed:,.0f} images/s{self._rate(measured)}",
        )

    def window(self, number: int, images_per_s: float) -> None:
        """The running cell has ended a window of throughput."""
        self._show(now=f"window {number}, {images_per_s:,.0f} images/s")

    def waiting(self, busy_cpus: float, left_s: float) -> None:
        """The run waits for others."""
        self._show(now=waiting(busy_cpus, left_s))

    def more(self, cells: int) -> None:
        """So many cells come in addition."""
        super().more(cells)
        self._left.more(cells * self._epochs)
        self._show(total=self._cells * self._epochs)

    def done(self, record: Record) -> None:
        """A cell has ended."""
        self._ended += self._epochs
        self._at(self._ended, now="")
        super().done(record)

    def ended(self, cell: str, text: str) -> None:
        """One of several cells that run at once has ended."""
        super().ended(cell, text)
        self._ended = self._number * self._epochs
        self._at(self._ended, now="")

    def _rate(self, measured: dict[str, Any]) -> str:
        """The learning rate, where it changes."""
        if self._plan.settings.schedule == "constant":
            return ""
        return f", learning rate {measured['learning_rates'][-1]:.2g}"

    def _at(self, epochs: int, now: str) -> None:
        self._show(completed=epochs, now=now, left=self._left.after(epochs))

    def _show(self, **changes: Any) -> None:
        """Draw anew, and only now: a display that refreshes itself takes time from the workers."""
        self._bar.update(self._task, refresh=True, **changes)


class _OnHost:
    """A line when a cell begins and one when it ends on a host; cells are counted with all others'.

    Several hosts are told of in turns, so that there is no bar of any of them.
    """

    def __init__(self, shared: PlainLines, host: str) -> None:
        self._shared, self._host = shared, host

    def cell(self, cell: Cell) -> None:
        """A cell begins."""
        self._shared.say(f"{self._host}: {cell.name} ...")

    def phase(self, name: str) -> None:
        """Nothing, as for the two methods below: of several hosts that would be much."""

    def epoch(self, measured: dict[str, Any]) -> None:
        """Nothing."""

    def window(self, number: int, images_per_s: float) -> None:
        """Nothing."""

    def done(self, record: Record) -> None:
        """A cell has ended."""
        self._shared.ended(record.identity.cell, f"{self._host}: {outcome(record)}")

    def more(self, cells: int) -> None:
        """So many cells come in addition."""
        self._shared.more(cells)

    def waiting(self, busy_cpus: float, left_s: float) -> None:
        """The host waits."""
        self._shared.say(f"{self._host}: {waiting(busy_cpus, left_s)}")

    def on(self, host: str) -> Progress:
        """Another host."""
        return self._shared.on(host)


class TimeLeft:
    """Guesses the time left from the share of epochs that is done; the clock is passed in."""

    def __init__(self, epochs: int, clock: Clock) -> None:
        self._epochs, self._clock, self._start = epochs, clock, clock()

    def more(self, epochs: int) -> None:
        """So many come in addition."""
        self._epochs += epochs

    def after(self, done: int) -> str:
        """The time left in words, after so many of the epochs."""
        if not done:
            return ""
        left_s = (self._clock() - self._start) * (self._epochs - done) / done
        minutes, seconds = divmod(round(left_s), 60)
        hours, minutes = divmod(minutes, 60)
        return (
            f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes}:{seconds:02} left"
        )


def waiting(busy_cpus: float, left_s: float) -> str:
    """That a run waits for others, in a line."""
    return f"other programs keep {busy_cpus:.1f} CPUs busy: waiting up to {left_s:.0f} s for them"


def outcome(record: Record) -> str:
    """A cell's result in a line."""
    if record.status.outcome != "ok":
        return f"{record.identity.cell}: {record.status.outcome}: {record.status.reason}"
    parts = []
    if record.learning.test_accuracy is not None:
        parts.append(f"test accuracy {record.learning.test_accuracy:.2%}")
    if record.throughput.images_per_s is not None:
        speed = f"{record.throughput.images_per_s:,.0f} images/s"
        parts.append(f"{speed} (disturbed)" if record.throughput.disturbed else speed)
    if record.timing.wall_s is not None:
        others = " (training disturbed)" if record.timing.training_disturbed else ""
        parts.append(f"{record.timing.wall_s:.1f} s in all{others}")
    if record.status.stopped_early is not None:
        parts.append(
            f"ended after epoch {record.learning.first_epoch - 1 + len(record.timing.epoch_s)}: "
            + STOPPED[record.status.stopped_early]
        )
    if record.weights.checkpoint_error is not None:
        parts.append(record.weights.checkpoint_error)
    return f"{record.identity.cell}: {', '.join(parts)}"


@contextlib.contextmanager
def make_progress(console: Console, plan: Plan, cells: int) -> Iterator[PlainLines]:
    """The display that fits the console, for so many cells of a run of the plan."""
    if not console.is_terminal:
        yield PlainLines(console, cells, plan)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[now]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
    )
    with Bars(*columns, console=console, transient=True, auto_refresh=False) as bar:
        epochs = 1 if plan.settings.throughput_only else plan.settings.epochs - plan.epochs_before
        yield Live(console, cells, bar, epochs, plan)
