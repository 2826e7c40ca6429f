"""Runs the cells of a plan one after the other and saves each one's record as it ends."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from bench import frameworks, launch, machine, metrics
from bench.certificate import Subject
from bench.equivalence.certify import Verdict, certify
from bench.equivalence.problems import MOST_IN_A_BATCH
from bench.plan import Cell, Plan
from bench.record import Machine, Record, Status
from bench.store import CHECKPOINTS, Run

UNEXAMINED = Verdict(None)
LOG_TAIL_LINES = 20
LOG_TAIL_BYTES = 8192
OPTIMIZER_FIELDS = {"name": "optimizer"}  # where a record's name is not that of `OptimizerSpec`
LISTS = ("epoch_s", "train_loss", "val_loss", "val_accuracy")


class Progress(Protocol):
    """Shows a run as it goes; see `bench.progress`."""

    def cell(self, cell: Cell) -> None:
        """A cell begins."""

    def phase(self, name: str) -> None:
        """The running cell enters a phase."""

    def epoch(self, measured: dict[str, Any]) -> None:
        """The running cell has ended an epoch; the lists of the record so far."""

    def done(self, record: Record) -> None:
        """The running cell has ended."""


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
                    self.fields[name].append(entry)
                self.progress.epoch(self.fields)
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
    for cell in unsettled(run_):
        run_.set_aside(cell)
        progress.cell(cell)
        of = subject(plan, cell)
        if not plan.unverified and of not in verdicts:
            progress.phase("verify")
            verdicts[of] = certify(of, run_.log_path(cell), lambda check: None)
        record = _run_cell(run_, plan, cell, verdicts.get(of, UNEXAMINED), progress)
        run_.save(record)
        progress.done(record)


def unsettled(run_: Run) -> list[Cell]:
    """The cells that have yet to end well or diverge, in the order of the plan."""
    settled = {record.cell for record in run_.records() if record.status in ("ok", "diverged")}
    return [cell for cell in run_.manifest.plan.cells() if cell.name not in settled]


def subject(plan: Plan, cell: Cell) -> Subject:
    """What must be proved of the cell before it is timed."""
    return Subject(
        framework=cell.framework,
        device=cell.device,
        model=plan.model,
        input_shape=plan.spec().input_shape,
        classes=plan.classes,
        optimizers=(plan.setting(cell).optimizer,),
        threads=plan.threads,
        batch_size=min(plan.batch_size, MOST_IN_A_BATCH),
        remainder=min(plan.train_size % plan.batch_size, MOST_IN_A_BATCH - 1),
    )


def _run_cell(run_: Run, plan: Plan, cell: Cell, verdict: Verdict, progress: Progress) -> Record:
    """One cell in a process of its own, whatever becomes of it."""
    started_at = datetime.now(UTC)
    framework = frameworks.named(cell.framework)
    absent = frameworks.missing(framework)
    heard = _Heard(progress)
    if absent:
        heard.end = {"status": "unavailable", "reason": absent}
    elif verdict.status is not None:
        heard.end = {"status": verdict.status, "reason": verdict.reason}
    else:
        cpus = machine.spread_cpus(plan.threads)
        task = {
            "plan": plan.model_dump(mode="json"),
            "cell": cell.model_dump(mode="json"),
            "cpus": cpus,
            "checkpoints": str((run_.folder / CHECKPOINTS).absolute()),
        }
        env = launch.environment(plan.threads, os.environ)
        log = run_.log_path(cell)
        ending = launch.run_worker(task, env, log, plan.timeout_s, heard.take)
        heard.fields |= {"wall_s": ending.wall_s, "peak_rss_bytes": ending.peak_rss_bytes}
        if heard.end is None:
            heard.end = _without_last_word(ending, plan)
    end = dict(heard.end)
    if end["status"] == "failed":
        end["log_tail"] = tail(run_.log_path(cell))
    asked = asked_for(run_.manifest.name, plan, cell, run_.manifest.machine)
    return Record.model_validate(
        asked
        | {"started_at": started_at.isoformat(timespec="seconds")}
        | {"certificate": verdict.certificate, "unverified": plan.unverified}
        | {"framework_version": frameworks.version(framework)}
        | heard.fields
        | derived(heard.fields, plan)
        | end
    )


def _without_last_word(ending: launch.Ending, plan: Plan) -> dict[str, Any]:
    status: Status = "timeout" if ending.timed_out else "failed"
    if ending.timed_out:
        return {"status": status, "reason": f"not done after --timeout {plan.timeout_s:g} s"}
    return {"status": status, "reason": f"the worker {ending.describe()}"}


def asked_for(run_name: str, plan: Plan, cell: Cell, on: Machine) -> dict[str, Any]:
    """The record's fields that are known before the cell has begun."""
    setting = plan.setting(cell)
    optimizer = setting.optimizer
    return {
        "run": run_name,
        "cell": cell.name,
        "framework": cell.framework,
        "dataset": plan.dataset,
        "model": plan.model,
        "device": cell.device,
        "seed": cell.seed,
        "regime": cell.regime,
        "epochs": plan.epochs,
        "batch_size": plan.batch_size,
        "learning_rate": plan.learning_rate,
        **{OPTIMIZER_FIELDS.get(name, name): v for name, v in asdict(optimizer).items()},
        "weight_decay_is_given": plan.weight_decay_is_given,
        "kernel_initialiser": setting.kernel,
        "bias_initialiser": setting.bias,
        "threads": plan.threads,
        "target_accuracy": plan.target_accuracy,
        "train_images": plan.train_size,
        "val_images": plan.val_size,
        "test_images": plan.test_size,
        "fit": plan.fit,
        "given_mean": plan.pixel_mean,
        "given_std": plan.pixel_std,
        "data_sha256": plan.data_sha256,
        "machine": on,
        "resumed_from": plan.start.file.name if plan.start else None,
        "resumed_framework": plan.start.framework if plan.start else None,
        "first_epoch": plan.epochs_before + 1,
    }


def derived(fields: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """What follows from the epochs: images per second, and the time to the target."""
    epoch_s: Sequence[float] = fields["epoch_s"]
    if not epoch_s:
        return {}
    figures: dict[str, Any] = {"images_per_s": plan.train_size / statistics.median(epoch_s)}
    reached = metrics.epochs_to_target(fields["val_accuracy"], plan.target_accuracy)
    if reached is not None:
        figures["steps_to_target"] = reached * math.ceil(plan.train_size / plan.batch_size)
        figures["time_to_target_s"] = sum(epoch_s[:reached])
        figures["time_to_target_with_compile_s"] = fields["compile_s"] + sum(epoch_s[:reached])
    return figures


def tail(log: Path) -> str | None:
    """The end of a log; None where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    return "\n".join(lines[-LOG_TAIL_LINES:]) or None


def probe(name: str, timeout_s: float = 120) -> dict[str, Any]:
    """A framework's devices and versions, asked of it in a process of its own.

    {"devices": [...], "versions": {...}}, or {"reason": why it cannot be used}.
    """
    framework = frameworks.named(name)
    absent = frameworks.missing(framework)
    if absent:
        return {"reason": absent}
    heard: dict[str, Any] = {}

    def take(event: launch.Event) -> None:
        heard.update(event)

    env = launch.environment(len(machine.usable_cpus()), os.environ)
    ending = launch.run_worker({"probe": name}, env, Path(os.devnull), timeout_s, take)
    end = heard.get("end", {"status": "failed", "reason": f"its worker {ending.describe()}"})
    if end["status"] != "ok":
        return {"reason": end["reason"]}
    return dict(heard["measured"])


def choose_devices(asked: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """`auto` becomes gpu where there is one and every framework that is here sees it, else cpu."""
    if "auto" not in asked:
        return tuple(asked)
    if not machine.has_gpu():
        best = "cpu"
    else:
        answers = [probe(name) for name in names]
        here = [answer["devices"] for answer in answers if "devices" in answer]
        best = "gpu" if here and all("gpu" in devices for devices in here) else "cpu"
    return tuple(dict.fromkeys(best if device == "auto" else device for device in asked))
