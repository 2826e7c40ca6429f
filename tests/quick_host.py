"""Preloaded by a Dask worker, which then sleeps in the place of measuring.

    dask worker ADDRESS … --preload tests/quick_host.py

A cell takes `BENCH_TEST_SLEEP_S` seconds, none by default, times a factor from 0.5 to 1.5 that
follows from its seed. Its record is whole, and has the speed that `tests/scale.py` makes up, times
one that differs by up to a fifth among the repeats. Its log ends with `BENCH_TEST_LOG` characters,
and the worker's clock is `BENCH_TEST_AHEAD_S` seconds ahead of the machine's.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.execution import record_builder
from bench.execution.block import Block, CellBegun, CellEnded, EmitBlockEvent, OnThisMachine
from bench.execution.executors import on_host
from tests.scale import speed_fields

PRELOAD = ("--preload", str(Path(__file__)))
SLEEP_S = float(os.environ.get("BENCH_TEST_SLEEP_S", "0"))
LOG = int(os.environ.get("BENCH_TEST_LOG", "0"))
AHEAD_S = float(os.environ.get("BENCH_TEST_AHEAD_S", "0"))


def sleep_s(seed: int, usual_s: float) -> float:
    """How long the cell of a seed takes."""
    return usual_s * (0.5 + seed * 7919 % 1000 / 1000)


class Sleeping(OnThisMachine):
    """Starts no process."""

    def measure(self, block: Block, emit: EmitBlockEvent) -> None:
        """Each cell by sleeping."""
        for cell in block.cells:
            emit(CellBegun(cell=cell))
            time.sleep(sleep_s(cell.seed, SLEEP_S))
            fields = speed_fields(block.run_id)
            fields["log_tail"] = "x" * LOG
            fields["images_per_s"] = 1000.0 * (1 + cell.repeat * 7919 % 5 / 25)
            record = record_builder.build(block.run, block.plan, cell, self._machine, fields)
            emit(CellEnded(record=record))


def dask_setup(_worker: object) -> None:
    """What Dask calls in the process of a worker that preloads this."""
    on_host.OnThisMachine = Sleeping  # type: ignore[misc]
    actual = time.time
    time.time = lambda: actual() + AHEAD_S
