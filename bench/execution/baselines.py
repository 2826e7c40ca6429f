"""What NumPy says on this machine, for the frameworks' figures to be set beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.config.plan import Cell, Plan
from bench.execution.executor import NO_LOG, Executor
from bench.frameworks.regimes import MATCHED
from bench.worker.messages import (
    ComputeOracleLosses,
    MachinePeakMeasured,
    MeasureMachinePeak,
    OracleLossesComputed,
)

LIMIT_TIMEOUT_S = 60.0


class Baselines:
    """Figures that serve many cells of a plan, each asked of a worker when first needed."""

    def __init__(self, plan: Plan, executor: Executor) -> None:
        self._plan, self._executor = plan, executor
        self._limits: dict[int, float | None] = {}  # by threads
        self._losses: dict[int, list[float]] = {}  # by images in a batch

    def of(self, cell: Cell, announce: Callable[[str], None]) -> dict[str, Any]:
        """Fields of the cell's record; `announce` is told the name of each phase."""
        found: dict[str, Any] = {}
        if cell.device == "cpu":
            if cell.threads not in self._limits:
                announce("limit")
                self._limits[cell.threads] = self._machine_peak(cell.threads)
            found["machine_gflop_per_s"] = self._limits[cell.threads]
        if self._has_first_steps(cell):
            if cell.batch_size not in self._losses:
                announce("oracle")
                self._losses[cell.batch_size] = self._oracle_losses(cell)
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

    def _machine_peak(self, threads: int) -> float | None:
        """10⁹ operations a second of NumPy's product of float32 matrices; None without answer."""
        task = MeasureMachinePeak(threads=threads, window_s=self._plan.settings.window_s)
        said = self._executor.call(task, log=NO_LOG, timeout_s=LIMIT_TIMEOUT_S).events
        rates = [event.gflop_per_s for event in said if isinstance(event, MachinePeakMeasured)]
        return rates[-1] if rates else None

    def _oracle_losses(self, cell: Cell) -> list[float]:
        """See `bench.worker.oracle_losses`; none where the worker does not answer."""
        task = ComputeOracleLosses(plan=self._plan, cell=cell)
        said = self._executor.call(task, log=NO_LOG, timeout_s=self._plan.settings.timeout_s).events
        losses = [event.losses for event in said if isinstance(event, OracleLossesComputed)]
        return losses[-1] if losses else []
