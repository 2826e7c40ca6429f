"""What NumPy says on this machine, for the frameworks' figures to be set beside."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench import launch, machine
from bench.plan import Cell, Plan
from bench.regimes import MATCHED

LIMIT_TIMEOUT_S = 60.0


class Yardsticks:
    """Figures that serve many cells, each asked of a worker when a cell first needs it.

    announce shows that the running cell enters the phase of a name; see `bench.progress`.
    """

    def __init__(self, plan: Plan, announce: Callable[[str], None]) -> None:
        self._plan, self._announce = plan, announce
        self._limits: dict[int, float | None] = {}  # by threads
        self._losses: dict[int, list[float]] = {}  # by images in a batch

    def of(self, cell: Cell) -> dict[str, Any]:
        """Fields of the cell's record."""
        found: dict[str, Any] = {}
        if cell.device == "cpu":
            if cell.threads not in self._limits:
                self._announce("limit")
                self._limits[cell.threads] = _limit_gflop_per_s(cell.threads)
            found["machine_gflop_per_s"] = self._limits[cell.threads]
        if self._has_first_steps(cell):
            if cell.batch_size not in self._losses:
                self._announce("oracle")
                self._losses[cell.batch_size] = _first_losses(self._plan, cell)
            found["oracle_step_loss"] = self._losses[cell.batch_size]
        return found

    def _has_first_steps(self, cell: Cell) -> bool:
        """Only from the start do all have equal weights."""
        return (
            self._plan.is_shown(cell)
            and cell.regime == MATCHED
            and not cell.throughput_only
            and self._plan.start is None
        )


def _limit_gflop_per_s(threads: int) -> float | None:
    """What NumPy's product of float32 matrices reaches here; None where it does not answer."""
    found = _asked({"limit": threads}, threads, LIMIT_TIMEOUT_S)
    rate: float | None = found.get("machine_gflop_per_s")
    return rate


def _first_losses(plan: Plan, cell: Cell) -> list[float]:
    """See `bench.first_steps`; none where the worker does not answer."""
    subject = {"plan": plan.model_dump(mode="json"), "cell": cell.model_dump(mode="json")}
    found = _asked({"first_steps": subject}, cell.threads, plan.timeout_s)
    losses: list[float] = found.get("oracle_step_loss", [])
    return losses


def _asked(task: Mapping[str, Any], threads: int, timeout_s: float) -> dict[str, Any]:
    """What a worker measured, in a process of its own."""
    heard: dict[str, Any] = {}
    launch.run_worker(
        {**task, "cpus": machine.spread_cpus(threads)},
        launch.environment(threads, os.environ),
        Path(os.devnull),
        timeout_s,
        heard.update,
    )
    measured: dict[str, Any] = heard.get("measured", {})
    return measured
