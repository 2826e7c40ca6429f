"""Runs the cells of a plan one after the other and saves each one's record as it ends."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from bench import frameworks
from bench.config.plan import Cell, Plan
from bench.execution import Executor, Usage, repeats
from bench.execution.baselines import Yardsticks
from bench.execution.certify import VerificationResult, certify
from bench.execution.record_builder import asked_for, derived, tail, whole_request
from bench.results.certificate import Subject
from bench.results.record import Record, SystemState
from bench.results.store import CHECKPOINTS, Run
from bench.system import conditions
from bench.verification.problems import MOST_IN_A_BATCH
from bench.worker.messages import (
    Ended,
    EpochEnded,
    Event,
    Measured,
    PhaseBegun,
    TrainCell,
    WindowEnded,
)

UNEXAMINED = VerificationResult(None)
LISTS = ("epoch_s", "train_loss", "val_loss", "val_accuracy")


class Progress(Protocol):
    """Shows a run as it goes; see `bench.execution.progress`."""

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


@dataclass
class _Heard:
    """Fields of the record that the worker has told so far; shows what goes on."""

    progress: Progress
    fields: dict[str, Any] = field(default_factory=lambda: {name: [] for name in LISTS})

    def take(self, event: Event) -> None:
        match event:
            case PhaseBegun():
                self.progress.phase(event.name)
            case Measured():
                self.fields |= event.figures
            case EpochEnded():
                for name, entry in event.figures.items():
                    self.fields.setdefault(name, []).append(entry)
                self.progress.epoch(self.fields)
            case WindowEnded():
                self.progress.window(event.number, event.images_per_s)


def run(run_: Run, progress: Progress, executor: Executor) -> None:
    """Run what is missing of the plan, and save each cell's record.

    A framework is examined before it is timed, and not timed where the examination fails.
    A cell that ended well, or diverged, is not run again; any other is, and its earlier record is
    set aside. What is done stays when this is interrupted.
    """
    plan = run_.manifest.plan
    verdicts: dict[Subject, VerificationResult] = {}  # one examination serves every seed
    yardsticks = Yardsticks(plan, progress.phase, executor)
    tried: set[str] = set()
    cells = unsettled(run_)
    while cells:
        for cell in cells:
            run_.set_aside(cell)
            progress.cell(cell)
            of = subject(plan, cell)
            if not plan.settings.unverified and of not in verdicts:
                progress.phase("verify")
                verdicts[of] = certify(of, run_.log_path(cell), lambda check: None, executor)
            verdict = verdicts.get(of, UNEXAMINED)
            record = _run_cell(run_, cell, verdict, yardsticks, progress, executor)
            run_.save(record)
            progress.done(record)
            tried.add(cell.name)
        cells = repeats.pending(plan, run_.records(), tried)
        progress.more(len(cells))


def unsettled(run_: Run) -> list[Cell]:
    """The cells that have yet to end well or diverge, in the order of the plan."""
    return repeats.pending(run_.manifest.plan, run_.records())


def subject(plan: Plan, cell: Cell) -> Subject:
    """What must be proved of the cell before it is timed."""
    return Subject(
        framework=cell.framework,
        device=cell.device,
        model=plan.settings.model,
        options=plan.model_options,
        input_shape=plan.spec().input_shape,
        classes=plan.classes,
        optimizers=(plan.setting(cell).optimizer,),
        threads=cell.threads,
        batch_size=min(cell.batch_size, MOST_IN_A_BATCH),
        remainder=0
        if plan.training.drop_last
        else min(plan.settings.train_size % cell.batch_size, MOST_IN_A_BATCH - 1),
    )


def _run_cell(
    run_: Run,
    cell: Cell,
    verdict: VerificationResult,
    yardsticks: Yardsticks,
    progress: Progress,
    executor: Executor,
) -> Record:
    """One cell in a process of its own, whatever becomes of it."""
    plan = run_.manifest.plan
    started_at = datetime.now(UTC)
    framework = frameworks.named(cell.framework)
    absent = frameworks.missing(framework)
    heard = _Heard(progress)
    if absent:
        end = Ended(status="unavailable", reason=absent)
    elif verdict.status is not None:
        end = Ended(status=verdict.status, reason=verdict.reason)
    else:
        heard.fields |= yardsticks.of(cell)
        checkpoints = (run_.folder / CHECKPOINTS).absolute()
        task = TrainCell(plan=plan, cell=cell, checkpoints=checkpoints)
        log, before = run_.log_path(cell), conditions.now()
        outcome = executor.call(
            task, log=log, timeout_s=plan.settings.timeout_s, on_event=heard.take
        )
        end, usage = outcome.end, outcome.usage
        heard.fields |= {"wall_s": usage.wall_s, "peak_rss_bytes": usage.peak_rss_bytes}
        heard.fields |= _surroundings(cell, before, usage, heard.fields)
    if end.status == "timeout" and verdict.status is None:
        end = Ended(
            status="timeout", reason=f"not done after --timeout {plan.settings.timeout_s:g} s"
        )
    asked = asked_for(run_.manifest.name, plan, cell, run_.manifest.machine)
    return Record.model_validate(
        heard.fields
        | derived(heard.fields, plan, cell)
        | asked
        | whole_request(plan, run_.manifest.recipe)
        | {"started_at": started_at.isoformat(timespec="seconds")}
        | {"certificate": verdict.certificate, "unverified": plan.settings.unverified}
        | {"framework_version": frameworks.version(framework)}
        | {"status": end.status, "reason": end.reason, "diverged_step": end.diverged_step}
        | {"log_tail": tail(run_.log_path(cell)) if end.status == "failed" else None}
    )


def _surroundings(
    cell: Cell, before: SystemState, usage: Usage, fields: dict[str, Any]
) -> dict[str, Any]:
    """The state of the machine around the cell, and what of it may have disturbed the cell."""
    after = conditions.now()
    other = conditions.others_busy(before, after, usage.cpu_s, usage.wall_s)
    warnings = conditions.warnings(
        before,
        after,
        wall_s=usage.wall_s,
        cpus=os.cpu_count() or 1,
        threads=cell.threads,
        other_busy_cpus=other,
        busy_threads=fields.get("busy_threads"),
        steady=fields.get("steady"),
    )
    return {
        "conditions_before": before,
        "conditions_after": after,
        "other_busy_cpus": other,
        "warnings": warnings,
    }
