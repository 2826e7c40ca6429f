"""Throughput with the optimizers in the common definition, paired with the framework's own."""

from __future__ import annotations

import os

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.contract import Adapter, EpochBatches, OptimizerSpec, blank_epoch, compile_for
from bench.frameworks import create, named, regimes
from tests.parity.problems import problem
from tests.parity.selection import device

from .pairing import against

ROUNDS, BATCH, STEPS = 60, 64, 20
THREADS = int(os.environ.get("BENCH_THREADS", "2"))
TARGET = 0.95
SPECS = {
    "sgd-momentum": OptimizerSpec("sgd", momentum=0.9),
    "rmsprop": OptimizerSpec("rmsprop"),
    "rmsprop-momentum": OptimizerSpec("rmsprop", momentum=0.9),
    "adam": OptimizerSpec("adam"),
    "adamw": OptimizerSpec("adamw", weight_decay=1e-2),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SPECS)
def test_common_definition_against_the_frameworks_own(
    benchmark: BenchmarkFixture, adapter: Adapter, framework: str, name: str
) -> None:
    """A common definition costs no more than 5 %: same network, same batches, two adapters."""
    spec = SPECS[name]
    own = regimes.differing(named(framework).own, spec, decay_is_given=True)
    native = regimes.setting("native", spec, own).optimizer
    if not native.forms:
        pytest.skip(f"{framework}: the common {name} is its own optimizer already")
    task = problem("32x32x1")
    random = np.random.default_rng(1)
    batches = random.integers(0, len(task.images), (STEPS, BATCH), dtype=np.int32)
    order = EpochBatches(batches, np.empty(0, np.int32))
    other = create(named(framework))
    for each, optimizer in ((adapter, spec), (other, native)):
        each.build(task.model, task.parameters, optimizer, device(), THREADS)
        each.load(task.images, task.labels)
        compile_for(each, blank_epoch(task.model, STEPS, BATCH))

    def window(each: Adapter) -> None:
        each.train_epoch(order, 1e-5)
        each.synchronize()

    ratio, low, high = against(
        benchmark, lambda: window(adapter), lambda: window(other), ROUNDS, framework=framework
    )
    print(f"\n{framework}, {name}: ratio to its own {ratio:.3f} [{low:.3f}, {high:.3f}]")
    assert high >= TARGET
