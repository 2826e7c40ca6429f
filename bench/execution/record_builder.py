"""What a cell's record says beside what its worker measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bench.config.plan import Cell, Plan
from bench.config.published import Reproduced
from bench.config.settings import Settings
from bench.results.record import Machine
from bench.worker.epochs import FIELDS
from bench.workload import metrics, schedule

LOG_TAIL_LINES = 40
LOG_TAIL_BYTES = 8192
OPTIMIZER_FIELDS = {"name": "optimizer"}  # where a record's name is not that of `OptimizerSpec`


def asked_for(run_name: str, plan: Plan, cell: Cell, on: Machine) -> dict[str, Any]:
    """The record's fields that are known before the cell has begun."""
    setting = plan.setting(cell)
    optimizer = setting.optimizer
    return {
        "run": run_name,
        "cell": cell.name,
        "framework": cell.framework,
        "dataset": plan.settings.dataset,
        "model": plan.settings.model,
        "activation": plan.settings.activation,
        "pooling": plan.settings.pooling,
        "dropout": plan.settings.dropout,
        "noise": plan.settings.noise,
        "device": cell.device,
        "seed": cell.seed,
        "regime": cell.regime,
        "epochs": plan.settings.epochs,
        "repeat": cell.repeat,
        "throughput_only": cell.throughput_only,
        "batch_size": cell.batch_size,
        "learning_rate": plan.settings.learning_rate,
        **{OPTIMIZER_FIELDS.get(name, name): v for name, v in asdict(optimizer).items()},
        "weight_decay_is_given": plan.weight_decay_is_given,
        "kernel_initialiser": setting.kernel,
        "bias_initialiser": setting.bias,
        "generator": setting.generator,
        "threads": cell.threads,
        "target_accuracy": plan.settings.target_accuracy,
        "train_images": plan.settings.train_size,
        "val_images": plan.settings.val_size,
        "test_images": plan.settings.test_size,
        "training": plan.training,
        "fit": plan.settings.fit,
        "given_mean": plan.settings.mean,
        "given_std": plan.settings.std,
        "data_sha256": plan.data_sha256,
        "machine": on,
        "resumed_from": plan.start.file.name if plan.start else None,
        "resumed_framework": plan.start.framework if plan.start else None,
        "first_epoch": plan.epochs_before + 1,
    }


def whole_request(plan: Plan, repeats: Reproduced | None) -> dict[str, Any]:
    """Every setting of the run, but for where its data lie, which is nobody else's; its recipe.

    A weight decay that nobody asked for is left out, since it is the regime's.
    """
    kept_back = {"data_root"} | (set() if plan.weight_decay_is_given else {"weight_decay"})
    settings = TypeAdapter(Settings).dump_python(plan.settings, mode="json", exclude=kept_back)
    return {"asked": settings, "recipe": repeats}


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
        figures["steps_to_target"] = reached * plan.steps(cell.batch_size)
        figures["time_to_target_s"] = sum(epoch_s[:reached])
        figures["time_to_target_with_compile_s"] = fields["compile_s"] + sum(epoch_s[:reached])
    return figures


def best_epoch(fields: dict[str, Any], plan: Plan) -> int | None:
    """The epoch, counted from 1, of the best monitored accuracy; None without one."""
    best: tuple[float, int] | None = None
    accuracies = fields.get(FIELDS[plan.training.monitor]["accuracy"], [])
    for epoch, accuracy in enumerate(accuracies, plan.epochs_before + 1):
        if schedule.is_better(plan.training, accuracy, best[0] if best else None):
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
