"""Event files for TensorBoard: curves of every cell, as a run goes."""

from __future__ import annotations

import time
from typing import Any

from bench.config.plan import Cell, Plan
from bench.results.record import Record
from bench.results.store import Run

EVALUATIONS = {
    "val_loss": "loss/validation",
    "val_accuracy": "accuracy/validation",
    "test_loss_by_epoch": "loss/test",
    "test_accuracy_by_epoch": "accuracy/test",
    "train_set_loss": "loss/train_set",
    "train_set_accuracy": "accuracy/train_set",
}


class EventFiles:
    """Writes one TensorBoard run a cell, by TensorBoard's own writer, which loads no framework.

    Scalars by optimizer steps: loss/train, loss/validation, loss/test, accuracy/validation,
    accuracy/test, learning_rate, images_per_s/epoch; loss/train_set and accuracy/train_set where
    they were asked for; by number of the window, whose steps train nothing: images_per_s/windows.
    What was found before training is at step 0.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._writer: Any = None
        self._cell: Cell | None = None

    def __str__(self) -> str:
        return str(self._run.folder / "tensorboard")

    def on(self, host: str) -> EventFiles:
        """Of the cells that run there, each of which has files of its own, as here."""
        return EventFiles(self._run)

    @property
    def _plan(self) -> Plan:
        return self._run.manifest.plan

    def cell(self, cell: Cell) -> None:
        """A cell begins."""
        from tensorboard.summary.writer.record_writer import RecordWriter  # only where asked for

        self.close()
        self._cell = cell
        folder = self._run.events_folder(cell)
        folder.mkdir(parents=True, exist_ok=True)
        now_s = time.time()
        path = folder / f"events.out.tfevents.{int(now_s)}.{cell.name}"
        self._writer = RecordWriter(path.open("wb"))
        self._write(wall_time=now_s, file_version="brain.Event:2")

    def phase(self, name: str) -> None:
        """Nothing that a curve could show."""

    def epoch(self, measured: dict[str, Any]) -> None:
        """The epoch's last entries."""
        number = len(measured["epoch_s"])
        if number == 1 and measured.get("epoch_0"):
            before = measured["epoch_0"]
            self._scalars({tag: before.get(name) for name, tag in EVALUATIONS.items()}, 0)
        values = {
            "loss/train": measured["train_loss"][-1],
            "learning_rate": measured["learning_rates"][-1],
            "images_per_s/epoch": self._images() / measured["epoch_s"][-1],
        } | {tag: (measured.get(name) or [None])[-1] for name, tag in EVALUATIONS.items()}
        self._scalars(values, self._steps(self._plan.epochs_before + number))

    def window(self, number: int, images_per_s: float) -> None:
        """A window of throughput."""
        self._scalars({"images_per_s/windows": images_per_s}, number)

    def done(self, record: Record) -> None:
        """The test's figures."""
        values = {
            "accuracy/test": record.learning.test_accuracy,
            "loss/test": record.learning.test_loss,
        }
        self._scalars(values, self._steps(self._plan.epochs_before + len(record.timing.epoch_s)))
        self.close()

    def more(self, cells: int) -> None:
        """Nothing that a curve could show."""

    def waiting(self, busy_cpus: float, left_s: float) -> None:
        """Nothing that a curve could show."""

    def close(self) -> None:
        """Bring all to the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _steps(self, epochs: int) -> int:
        return epochs * self._plan.settings.steps(self._cell.batch_size if self._cell else 1)

    def _images(self) -> int:
        return self._plan.settings.images_an_epoch(self._cell.batch_size if self._cell else 1)

    def _scalars(self, values: dict[str, float | None], step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        known = {tag: value for tag, value in values.items() if value is not None}
        if known:
            entries = [Summary.Value(tag=tag, simple_value=value) for tag, value in known.items()]
            self._write(wall_time=time.time(), step=step, summary=Summary(value=entries))

    def _write(self, **fields: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.write(Event(**fields).SerializeToString())
        self._writer.flush()
