"""Writes a cell's checkpoints as its epochs end: the best, the last, every so many."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import __version__, frameworks
from bench.config.plan import Cell, Plan
from bench.contract import Adapter
from bench.errors import CheckpointError
from bench.results import naming
from bench.results.checkpoint import Header, ScheduleState, encode
from bench.results.store import write_atomically
from bench.worker.epochs import FIELDS
from bench.worker.lr_schedule import EpochDecision, is_better
from bench.worker.messages import Emit, Measured
from bench.worker.prepared_data import Prepared


class CheckpointWriter:
    """Keeps what the plan asks for, and tells the parent which files there are.

    The best is the one of the highest monitored accuracy, of validation unless the plan says
    otherwise, and of several equal ones the one that the plan says; the last one where there is no
    such accuracy. The one before is removed when a better one lies there whole. A write that fails
    is told, and the training goes on.
    """

    def __init__(self, plan: Plan, cell: Cell, folder: Path, emit: Emit) -> None:
        self._plan, self._cell, self._folder, self._emit = plan, cell, folder, emit
        self._stem = naming.stem(plan, cell)
        self._files: list[str] = []
        self._lasting: set[str] = set()  # those that no better one replaces
        self._best: tuple[float, str] | None = None
        self._state: ScheduleState | None = None

    def __call__(
        self,
        adapter: Adapter,
        data: Prepared,
        epoch: int,
        figures: Mapping[str, Any],
        after: EpochDecision | None = None,
    ) -> None:
        """After an epoch, counted from 1, with its figures; again when the test's are known."""
        self._state = after.state if after else None
        accuracy = figures.get(FIELDS[self._plan.settings.monitor]["accuracy"])
        name = naming.file_name(self._stem, epoch, accuracy)
        if "test_accuracy" in figures:
            if name in self._files:
                self._write(adapter, data, epoch, figures, name)
            return
        last = epoch == self._plan.settings.epochs or bool(after and after.stop)
        every = self._plan.settings.save_every
        lasting = (last and "last" in self._plan.settings.save) or bool(
            every and epoch % every == 0
        )
        best = "best" in self._plan.settings.save and self._is_best(accuracy, last)
        if not (lasting or best) or not self._write(adapter, data, epoch, figures, name):
            return
        self._files.append(name)
        if lasting:
            self._lasting.add(name)
        if best:
            self._replace_best(accuracy or 0.0, name)
        self._emit(Measured(figures={"checkpoints": self._files}))

    def _is_best(self, accuracy: float | None, last: bool) -> bool:
        if accuracy is None:
            return last
        return is_better(self._plan.settings, accuracy, self._best[0] if self._best else None)

    def _replace_best(self, accuracy: float, name: str) -> None:
        earlier, self._best = self._best, (accuracy, name)
        if earlier is not None and earlier[1] not in self._lasting:
            with contextlib.suppress(OSError):
                (self._folder / earlier[1]).unlink(missing_ok=True)
            self._files.remove(earlier[1])

    def _write(
        self, adapter: Adapter, data: Prepared, epoch: int, figures: Mapping[str, Any], name: str
    ) -> bool:
        state = adapter.export_optimizer()
        header = self._header(data, epoch, state.steps, figures)
        try:
            content = encode(header, adapter.export(), state.buffers)
            self._folder.mkdir(exist_ok=True)
            write_atomically(self._folder / name, content)
        except (OSError, CheckpointError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._emit(
                Measured(figures={"checkpoint_error": f"{name} could not be written: {why}"})
            )
            return False
        return True

    def _header(self, data: Prepared, epoch: int, steps: int, figures: Mapping[str, Any]) -> Header:
        plan, cell = self._plan, self._cell
        return Header(
            bench_version=__version__,
            framework=cell.framework,
            framework_version=frameworks.version(frameworks.named(cell.framework)),
            device=cell.device,
            model=plan.network(cell),
            settings=plan.settings.training,
            data_sha256=plan.data_sha256,
            classes=data.classes,
            native_size=data.native_size,
            mean=data.mean,
            std=data.std,
            pool_images=plan.pool_images,
            own_test_set=plan.own_test_set,
            own_validation_set=plan.own_validation_set,
            split_sha256=data.split_sha256,
            seed=cell.seed,
            epoch=epoch,
            batch_size=cell.batch_size,
            optimizer=plan.setting(cell).optimizer,
            steps=steps,
            train_loss=figures.get("train_loss"),
            val_loss=figures.get("val_loss"),
            val_accuracy=figures.get("val_accuracy"),
            test_loss=figures.get("test_loss"),
            test_accuracy=figures.get("test_accuracy"),
            schedule=self._state,
        )
