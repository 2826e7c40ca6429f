"""What a cell's record says beside what its worker measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.config.plan import Cell, Plan
from bench.results.record import Machine, Record, in_parts
from bench.worker import lr_schedule
from bench.worker.epochs import FIELDS
from bench.workload import metrics

LOG_TAIL_LINES = 40
LOG_TAIL_BYTES = 8192
OPTIMIZER_FIELDS = {"name": "optimizer"}  # where a record's name is not that of `OptimizerSpec`


def build(
    run_name: str, plan: Plan, cell: Cell, machine: Machine, fields: Mapping[str, Any]
) -> Record:
    """The record of a cell with these fields of its parts, by their names.

    What identifies it, and what was asked for, is the plan's, whatever the fields say.
    """
    of_run = replace(
        plan.settings.of_run,
        data_root=None,  # which is nobody else's
        # Those of all cells, which run.json has: records would grow with the square of the cells.
        seeds=(),
        batch_sizes=(),
        threads=(),
    )
    known = {**fields, **_asked_for(run_name, plan, cell), "machine": machine}
    return Record.model_validate(
        {"settings": plan.settings.training, "run_settings": of_run, **in_parts(known)}
    )


def _asked_for(run_name: str, plan: Plan, cell: Cell) -> dict[str, Any]:
    """The record's fields that are known before the cell has begun, but for its settings."""
    setting = plan.setting(cell)
    return {
        "run": run_name,
        "cell": cell.name,
        "framework": cell.framework,
        "device": cell.device,
        "seed": cell.seed,
        "regime": cell.regime,
        "repeat": cell.repeat,
        "throughput_only": cell.throughput_only,
        "batch_size": cell.batch_size,
        "threads": cell.threads,
        **{OPTIMIZER_FIELDS.get(name, name): v for name, v in asdict(setting.optimizer).items()},
        "kernel_initialiser": setting.kernel,
        "bias_initialiser": setting.bias,
        "generator": setting.generator,
        "data_sha256": plan.data_sha256,
        "resumed_from": plan.start.file.name if plan.start else None,
        "resumed_framework": plan.start.framework if plan.start else None,
        "first_epoch": plan.epochs_before + 1,
    }


def derived(fields: dict[str, Any], plan: Plan, cell: Cell) -> dict[str, Any]:
    """What follows from windows and epochs: operations per second, and the time to the target."""
    figures: dict[str, Any] = {}
    speed = fields.get("images_per_s")
    if speed is not None:
        figures["gflop_per_s"] = fields["flops_per_image"] * speed / 1e9
    figures["best_epoch"] = best_epoch(fields, plan)
    epoch_s: Sequence[float] = fields["epoch_s"]
    reached = metrics.epochs_to_target(fields["val_accuracy"], plan.settings.target_accuracy)
    if reached is not None:
        figures["steps_to_target"] = reached * plan.settings.steps(cell.batch_size)
        figures["time_to_target_s"] = sum(epoch_s[:reached])
        figures["time_to_target_with_compile_s"] = fields["compile_s"] + sum(epoch_s[:reached])
    return figures


def best_epoch(fields: dict[str, Any], plan: Plan) -> int | None:
    """The epoch, counted from 1, of the best monitored accuracy; None without one."""
    best: tuple[float, int] | None = None
    accuracies = fields.get(FIELDS[plan.settings.monitor]["accuracy"], [])
    for epoch, accuracy in enumerate(accuracies, plan.epochs_before + 1):
        if lr_schedule.is_better(plan.settings, accuracy, best[0] if best else None):
            best = accuracy, epoch
    return best[1] if best else None


def tail(log: Path) -> str | None:
    """The end of a log; None where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    return "\n".join(lines[-LOG_TAIL_LINES:]) or None
