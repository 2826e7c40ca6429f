"""Throughput with a feature of the training, paired with the plain training of the same framework.

    BENCH_FRAMEWORKS=torch python -m pytest tests/benchmarks/test_features.py -s

For an idle machine. A feature has no target: most are more work than the plain LeNet-5 with ReLU,
max pooling and SGD, in every framework, and the ratio says how much it is in this one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.contract import (
    Adapter,
    EpochBatches,
    ModelOptions,
    OptimizerSpec,
    blank_epoch,
    compile_for,
)
from bench.frameworks import create, named
from bench.workload import models, order
from bench.workload.order import initial_parameters
from tests.parity.problems import CLASSES, problem
from tests.parity.selection import device

from .pairing import against

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "40"))
THREADS = int(os.environ.get("BENCH_THREADS", "2"))
BATCH, STEPS = 128, 12
RATE = 1e-5
SGD = OptimizerSpec("sgd")


@dataclass(frozen=True)
class Feature:
    """A training that differs from the plain one in one thing.

    every  steps between validations, which cut the epoch in pieces; None: it is whole
    """

    options: ModelOptions = models.USUAL
    optimizer: OptimizerSpec = SGD
    every: int | None = None


PLAIN = Feature()
FEATURES = {
    "nothing": PLAIN,  # shows what the pairing resolves
    **{
        name: Feature(ModelOptions(activation=name))
        for name in models.ACTIVATIONS
        if name not in (models.USUAL.activation, "rrelu")  # test_random_layers.py has that one
    },
    "average pooling": Feature(ModelOptions(pooling="average")),
    "momentum": Feature(optimizer=OptimizerSpec("sgd", momentum=0.9)),
    "momentum, weight decay": Feature(
        optimizer=OptimizerSpec("sgd", momentum=0.9, weight_decay=5e-4)
    ),
    "rmsprop, momentum": Feature(optimizer=OptimizerSpec("rmsprop", momentum=0.9)),
    "adam": Feature(optimizer=OptimizerSpec("adam")),
    "adamw": Feature(optimizer=OptimizerSpec("adamw", weight_decay=1e-2)),
    "pieces of 4 steps": Feature(every=4),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", FEATURES)
def test_feature_against_the_plain_training(
    benchmark: BenchmarkFixture, adapter: Adapter, framework: str, name: str
) -> None:
    with_it = _training(adapter, FEATURES[name])
    without = _training(create(named(framework)), PLAIN)
    about = {"framework": framework, "feature": name, "batch": BATCH, "threads": THREADS}
    ratio, low, high = against(benchmark, with_it, without, ROUNDS, **about)
    print(f"\n{framework}, {name}: {ratio:.3f} [{low:.3f}, {high:.3f}] of plain")


def _training(adapter: Adapter, feature: Feature) -> Callable[[], None]:
    """A window of training, compiled and warm."""
    task = problem("32x32x1")
    model = models.lenet5((32, 32, 1), CLASSES, feature.options)
    adapter.build(model, initial_parameters(0, model), feature.optimizer, device(), THREADS)
    adapter.load(task.images, task.labels)
    rows = np.random.default_rng(1).integers(0, len(task.images), (STEPS, BATCH), dtype=np.int32)
    pieces = order.pieces(EpochBatches(rows, np.empty(0, np.int32)), feature.every)
    for piece in pieces:
        compile_for(adapter, blank_epoch(model, piece.steps, BATCH))

    def window() -> None:
        for piece in pieces:
            adapter.train_epoch(piece, RATE)
            adapter.synchronize()

    window()
    return window
