"""Runs the cells of a plan one after the other and saves each one's record as it ends."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from bench import conditions, frameworks, launch, machine, repeats
from bench.certificate import Subject
from bench.equivalence.certify import Verdict, certify
from bench.equivalence.problems import MOST_IN_A_BATCH
from bench.plan import Cell, Plan
from bench.record import Conditions, Record, Status
from bench.recording import asked_for, derived, tail, whole_request
from bench.store import CHECKPOINTS, Run
from bench.yardsticks import Yardsticks

UNEXAMINED = Verdict(None)
LISTS = ("epoch_s", "train_loss", "val_loss", "val_accuracy")


class Progress(Protocol):
    """Shows a run as it goes; see `bench.progress`."""

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
    """What a worker has said so far."""

    progress: Progress
    fields: dict[str, Any] = field(default_factory=lambda: {name: [] for name in LISTS})
    end: dict[str, Any] | None = None

    def take(self, event: launch.Event) -> None:
        for kind, value in event.items():
            if kind == "phase":
                self.progress.phase(value)
            elif kind == "measured":
                self.fields |= value
            elif kind == "epoch":
                for name, entry in value.items():
                    self.fields.setdefault(name, []).append(entry)
                self.progress.epoch(self.fields)
            elif kind == "window":
                self.progress.window(**value)
            elif kind == "end":
                self.end = value


def run(run_: Run, progress: Progress) -> None:
    """Run what is missing of the plan, and save each cell's record.

    A framework is examined before it is timed, and not timed where the examination fails.
    A cell that ended well, or diverged, is not run again; any other is, and its earlier record is
    set aside. What is done stays when this is interrupted.
    """
    plan = run_.manifest.plan
    verdicts: dict[Subject, Verdict] = {}  # one examination serves every seed
    yardsticks = Yardsticks(plan, progress.phase)
    tried: set[str] = set()
    cells = unsettled(run_)
    while cells:
        for cell in cells:
            run_.set_aside(cell)
            progress.cell(cell)
            of = subject(plan, cell)
            if not plan.unverified and of not in verdicts:
                progress.phase("verify")
                verdicts[of] = certify(of, run_.log_path(cell), lambda check: None)
            verdict = verdicts.get(of, UNEXAMINED)
            record = _run_cell(run_, cell, verdict, yardsticks, progress)
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
        model=plan.model,
        options=plan.model_options,
        input_shape=plan.spec().input_shape,
        classes=plan.classes,
        optimizers=(plan.setting(cell).optimizer,),
        threads=cell.threads,
        batch_size=min(cell.batch_size, MOST_IN_A_BATCH),
        remainder=0
        if plan.training.drop_last
        else min(plan.train_size % cell.batch_size, MOST_IN_A_BATCH - 1),
    )


def _run_cell(
    run_: Run, cell: Cell, verdict: Verdict, yardsticks: Yardsticks, progress: Progress
) -> Record:
    """One cell in a process of its own, whatever becomes of it."""
    plan = run_.manifest.plan
    started_at = datetime.now(UTC)
    framework = frameworks.named(cell.framework)
    absent = frameworks.missing(framework)
    heard = _Heard(progress)
    if absent:
        heard.end = {"status": "unavailable", "reason": absent}
    elif verdict.status is not None:
        heard.end = {"status": verdict.status, "reason": verdict.reason}
    else:
        heard.fields |= yardsticks.of(cell)
        cpus = machine.spread_cpus(cell.threads)
        task = {
            "plan": plan.model_dump(mode="json"),
            "cell": cell.model_dump(mode="json"),
            "cpus": cpus,
            "checkpoints": str((run_.folder / CHECKPOINTS).absolute()),
        }
        env = launch.environment(cell.threads, os.environ)
        log = run_.log_path(cell)
        before = conditions.now()
        ending = launch.run_worker(task, env, log, plan.timeout_s, heard.take)
        heard.fields |= {"wall_s": ending.wall_s, "peak_rss_bytes": ending.peak_rss_bytes}
        heard.fields |= _surroundings(cell, before, ending, heard.fields)
        if heard.end is None:
            heard.end = _without_last_word(ending, plan)
    end = dict(heard.end)
    if end["status"] == "failed":
        end["log_tail"] = tail(run_.log_path(cell))
    asked = asked_for(run_.manifest.name, plan, cell, run_.manifest.machine)
    return Record.model_validate(
        asked
        | whole_request(run_.manifest.asked)
        | {"started_at": started_at.isoformat(timespec="seconds")}
        | {"certificate": verdict.certificate, "unverified": plan.unverified}
        | {"framework_version": frameworks.version(framework)}
        | heard.fields
        | derived(heard.fields, plan, cell)
        | end
    )


def _surroundings(
    cell: Cell, before: Conditions, ending: launch.Ending, fields: dict[str, Any]
) -> dict[str, Any]:
    """The state of the machine around the cell, and what of it may have disturbed the cell."""
    after = conditions.now()
    other = conditions.others_busy(before, after, ending.cpu_s, ending.wall_s)
    warnings = conditions.warnings(
        before,
        after,
        wall_s=ending.wall_s,
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


def _without_last_word(ending: launch.Ending, plan: Plan) -> dict[str, Any]:
    status: Status = "timeout" if ending.timed_out else "failed"
    if ending.timed_out:
        return {"status": status, "reason": f"not done after --timeout {plan.timeout_s:g} s"}
    return {"status": status, "reason": f"the worker {ending.describe()}"}
