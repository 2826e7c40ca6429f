"""The first steps of a training, computed in float64 beside the frameworks."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from bench.config.plan import Cell, Plan
from bench.contract import Adapter, EpochBatches
from bench.verification.oracle import Oracle
from bench.worker.prepared_data import order_of, prepare
from bench.workload import order, random_inputs

MOST_STEPS = 50
MOST_IMAGES = 6400  # NumPy in float64 takes some seconds for them


def count(batch_size: int) -> int:
    """How many steps are compared."""
    return max(1, min(MOST_STEPS, MOST_IMAGES // batch_size))


def losses(plan: Plan, cell: Cell, reference: Adapter) -> NDArray[np.float64]:
    """The oracle's losses (steps,) of the cell's first steps: its data, order, initial weights."""
    oracle = cast(Oracle, reference)
    data, setting = prepare(plan, cell.seed), plan.setting(cell)
    initial = order.initial_parameters(cell.seed, plan.spec(), setting.kernel, setting.bias)
    oracle.build(plan.spec(), initial, setting.optimizer, "cpu", cell.threads)
    oracle.load(data.train.images, data.train.labels)
    batches = order_of(plan, cell, 0).batches
    opening = EpochBatches(batches[: count(cell.batch_size)], np.zeros(0, np.int32))
    opening = random_inputs.drawn(plan.spec(), cell.seed, 0, 0, opening)
    return oracle.train_epoch64(opening, plan.settings.learning_rate)
