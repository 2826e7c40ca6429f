"""The epochs of one cell: stretches of training, which are timed, and untimed work between them.

After an epoch its figures are emitted, `bench.worker.lr_schedule` says what follows from them, and
the keeper may save. An epoch with validations in it is trained in pieces, and so is one whose
random numbers are more than are held at a time; its time is that of the pieces. Drawing those
numbers is the harness's own work and untimed; that a framework takes them is part of its epoch, and
so is all that it draws by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.config.plan import Cell, Plan
from bench.contract import Adapter, EpochBatches, ModelSpec, blank_epoch, compile_for, require_form
from bench.results.checkpoint import Checkpoint, ScheduleState
from bench.system.clocks import Clocks
from bench.system.contention import Taken, total
from bench.worker import lr_schedule, oracle_losses
from bench.worker.lr_schedule import EpochDecision
from bench.worker.messages import Emit, EpochEnded, Measured
from bench.worker.prepared_data import Examples, Prepared, order_of
from bench.workload import metrics, order, random_inputs

# Fields of the record by the part that is evaluated after every epoch.
FIELDS = {
    "val": {"loss": "val_loss", "accuracy": "val_accuracy"},
    "test": {"loss": "test_loss_by_epoch", "accuracy": "test_accuracy_by_epoch"},
    "train": {"loss": "train_set_loss", "accuracy": "train_set_accuracy"},
}

Evaluate = Callable[[Adapter, Examples], Mapping[str, float | None]]  # loss and accuracy


class Keep(Protocol):
    """Saves what is worth it, untimed; see `bench.worker.checkpointing`."""

    def __call__(
        self,
        adapter: Adapter,
        data: Prepared,
        epoch: int,
        figures: Mapping[str, Any],
        after: EpochDecision | None = None,
    ) -> None:
        """An epoch, counted from 1, has ended with these figures; or the test has."""


@dataclass(frozen=True, slots=True)
class EpochsEnded:
    """How the epochs ended.

    epoch          the last one, counted from 1
    figures        of it
    after          what followed from it
    diverged_step  the first step, from 1, that is not finite; None when all went well
    """

    epoch: int
    figures: Mapping[str, Any]
    after: EpochDecision
    diverged_step: int | None = None


def compile_shapes(plan: Plan, cell: Cell, adapter: Adapter) -> None:
    """Compile for each shape that the epochs come in; NotSupportedError where it cannot."""
    whole, spec = order_of(plan, cell, 0), plan.network(cell)
    cut = [part for piece in _cut(plan, spec, whole) for part in piece]
    shapes = dict.fromkeys((len(part.batches), part.remainder.size) for part in cut)
    for steps, remainder in shapes:
        compile_for(adapter, blank_epoch(spec, steps, cell.batch_size, remainder))


def _cut(plan: Plan, spec: ModelSpec, whole: EpochBatches) -> list[list[EpochBatches]]:
    """An epoch in pieces between validations, each in the parts that draws are made for."""
    most = random_inputs.most_steps(spec, whole.batches.shape[1])
    return [order.pieces(piece, most) for piece in order.pieces(whole, plan.settings.val_every)]


@dataclass
class _Within:
    """Validations within epochs, by the fields of the record; steps count from the first epoch."""

    step_numbers: list[int] = field(default_factory=list)
    step_val_loss: list[float | None] = field(default_factory=list)
    step_val_accuracy: list[float | None] = field(default_factory=list)


class Epochs:
    """What the epochs of a cell share."""

    def __init__(
        self,
        plan: Plan,
        cell: Cell,
        start: Checkpoint | None,
        clocks: Clocks,
        evaluate: Evaluate,
        emit: Emit,
        keep: Keep | None,
    ) -> None:
        self._plan, self._cell, self._clock, self._watch = plan, cell, clocks.wall, clocks.watch
        self._taken: list[Taken] = []  # by others, in each stretch of training
        self._evaluate, self._emit, self._keep = evaluate, emit, keep
        self._steps = start.optimizer.steps if start else 0
        self._state = (start.header.schedule if start else None) or ScheduleState(
            plan.settings.learning_rate
        )
        self._within = _Within()
        self._spec = plan.network(cell)
        self._draw_s = 0.0

    def run(self, adapter: Adapter, data: Prepared) -> EpochsEnded:
        """Train until the epochs are over, or the rules end them, or a number is not finite."""
        if self._plan.settings.epoch_zero and not self._plan.start:
            self._emit(Measured(figures={"epoch_0": self._figures(adapter, data)}))
        ended = EpochsEnded(self._plan.epochs_before, {}, EpochDecision(self._state))
        for epoch in range(self._plan.epochs_before, self._plan.settings.epochs):
            ended = self._epoch(adapter, data, epoch)
            if ended.diverged_step is not None:
                break
            self._state = ended.after.state
            if self._keep:
                self._keep(adapter, data, ended.epoch, ended.figures, ended.after)
            if ended.after.stop:
                self._emit(Measured(figures={"stopped_early": ended.after.stop}))
                break
        return ended

    def _epoch(self, adapter: Adapter, data: Prepared, epoch: int) -> EpochsEnded:
        """One epoch, counted from 0."""
        whole = order_of(self._plan, self._cell, epoch)
        losses, epoch_s = self._train(adapter, data, whole, epoch)
        bad = _diverged_at(losses, adapter)
        sizes = whole.sizes()[: len(losses)]
        entry: dict[str, Any] = {
            "epoch_s": epoch_s,
            "learning_rates": self._state.learning_rate,
            "train_loss": metrics.finite(np.average(losses.astype(np.float64), weights=sizes)),
        }
        if bad is None:
            entry |= self._figures(adapter, data)
        self._emit(EpochEnded(figures=entry))
        if epoch == 0:
            shown = losses[: oracle_losses.count(self._cell.batch_size)]
            self._emit(Measured(figures={"step_loss": [metrics.finite(loss) for loss in shown]}))
        if self._within.step_numbers:
            self._emit(Measured(figures=vars(self._within)))
        if self._spec.drawn:
            self._emit(Measured(figures={"draw_s": self._draw_s}))
        self._taken = [total(self._taken)]
        self._emit(
            Measured(
                figures={
                    "training_disturbed": self._taken[0].is_disturbed,
                    "training_others_share": self._taken[0].others,
                    "training_stolen_share": self._taken[0].stolen,
                }
            )
        )
        if bad is not None:
            return EpochsEnded(epoch + 1, entry, EpochDecision(self._state), self._steps + bad + 1)
        self._steps += whole.steps
        accuracy = entry.get(FIELDS[self._plan.settings.monitor]["accuracy"])
        after = lr_schedule.after_epoch(self._plan.settings, self._state, epoch + 1, accuracy)
        return EpochsEnded(epoch + 1, entry, after)

    def _train(
        self, adapter: Adapter, data: Prepared, whole: EpochBatches, epoch: int
    ) -> tuple[NDArray[np.float32], float]:
        """Losses and seconds of an epoch, which ends early where a loss is not finite."""
        pieces = _cut(self._plan, self._spec, whole)
        losses: list[NDArray[np.float32]] = []
        epoch_s, done = 0.0, 0
        for number, piece in enumerate(pieces, 1):
            for part in piece:
                found, part_s = self._train_part(adapter, part, epoch, done)
                losses.append(found)
                epoch_s += part_s
                done += part.steps
                if metrics.first_not_finite(found) is not None:
                    return np.concatenate(losses), epoch_s
            if number < len(pieces):
                scores = self._evaluate(adapter, data.validation)
                self._within.step_numbers.append(self._steps + done)
                self._within.step_val_loss.append(scores["loss"])
                self._within.step_val_accuracy.append(scores["accuracy"])
        return np.concatenate(losses), epoch_s

    def _train_part(
        self, adapter: Adapter, part: EpochBatches, epoch: int, first: int
    ) -> tuple[NDArray[np.float32], float]:
        """Losses and seconds of the part of an epoch that begins at step `first`."""
        if self._spec.drawn:
            start = self._clock()
            part = random_inputs.drawn(self._spec, self._cell.seed, epoch, first, part)
            self._draw_s += self._clock() - start
        adapter.synchronize()
        taken = self._watch()
        start = self._clock()
        losses = adapter.train_epoch(part, self._state.learning_rate)
        adapter.synchronize()
        part_s = self._clock() - start
        self._taken.append(taken())
        return require_form(losses, (part.steps,), "the losses of train_epoch"), part_s

    def _figures(self, adapter: Adapter, data: Prepared) -> dict[str, float | None]:
        """The evaluations that belong to an epoch, by the fields of the record."""
        examples = {"val": data.validation, "test": data.test, "train": data.train}
        wanted = {"val", self._plan.settings.monitor, *self._plan.settings.evaluate}
        found: dict[str, float | None] = {}
        for part, fields in FIELDS.items():
            if part in wanted and len(examples[part].labels):
                values = self._evaluate(adapter, examples[part])
                found |= {fields[kind]: value for kind, value in values.items()}
        return found


def _diverged_at(losses: NDArray[np.float32], adapter: Adapter) -> int | None:
    """Index of the epoch's first step with a loss, or its last with weights, that is not finite."""
    bad = metrics.first_not_finite(losses)
    if bad is None and not all(np.isfinite(value).all() for value in adapter.export().values()):
        return len(losses) - 1
    return bad
