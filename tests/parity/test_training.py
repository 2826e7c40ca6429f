"""Every optimizer, step by step, against the oracle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from bench.contract import Adapter, OptimizerSpec, Order
from impls.reference.adapter import ReferenceAdapter

from .compare import assert_close, assert_trees_close, assert_trees_identical
from .problems import BATCH, REMAINDER, Problem, order, schedule


class Case(NamedTuple):
    spec: OptimizerSpec
    learning_rate: float
    bound: float


LOSSES = 1e-5

CASES = {
    "sgd": Case(OptimizerSpec("sgd"), 0.05, 2e-6),
    "sgd, momentum, decay": Case(OptimizerSpec("sgd", momentum=0.9, weight_decay=5e-4), 0.05, 2e-6),
    "rmsprop": Case(OptimizerSpec("rmsprop"), 1e-3, 1e-4),
    "rmsprop, momentum": Case(OptimizerSpec("rmsprop", momentum=0.9), 1e-3, 1e-4),
    "rmsprop, momentum, decay": Case(
        OptimizerSpec("rmsprop", momentum=0.9, weight_decay=5e-4), 1e-3, 1e-4
    ),
    "adam": Case(OptimizerSpec("adam"), 1e-3, 1e-4),
    "adam, decay": Case(OptimizerSpec("adam", weight_decay=5e-4), 1e-3, 1e-4),
    "adamw": Case(OptimizerSpec("adamw", weight_decay=1e-2), 1e-3, 1e-4),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_weights_and_losses(
    adapter: Adapter,
    framework: str,
    oracle: ReferenceAdapter,
    task: Problem,
    case: Case,
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.id
    task.start(oracle, case.spec)
    task.start(adapter, case.spec)
    for stage in schedule(case.learning_rate):
        losses = adapter.train_epoch(stage.order, stage.learning_rate)
        expected = oracle.train_epoch64(stage.order, stage.learning_rate)
        when = f"{case.spec} after {stage.steps_after} steps"
        got, want = adapter.export(), oracle.export64()
        d = {p: (got[p] - want[p]).ravel() for p in got}
        u = {p: (want[p] - task.parameters[p]).ravel() for p in got}
        print(
            name,
            stage.steps_after,
            "loss",
            np.abs(losses - expected).max(),
            "scale",
            "%.1e" % max(np.abs(d[p]).max() / np.abs(want[p]).max() for p in d),
            "rms/rms move",
            "%.1e" % max(np.linalg.norm(d[p]) / np.linalg.norm(u[p]) for p in d),
            "max/max move",
            "%.1e" % max(np.abs(d[p]).max() / np.abs(u[p]).max() for p in d),
        )
