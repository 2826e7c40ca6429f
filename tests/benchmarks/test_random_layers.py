"""What dropout, RReLU and noise cost with the harness's numbers: docs/recipes.md has the table.

    BENCH_FRAMEWORKS=torch python -m pytest tests/benchmarks/test_random_layers.py -s

Speed of a training with random layers as a part of the plain network's, paired; and the time of
drawing, which is untimed, as a part of the plain window's. Then against each framework's
own generator, which draws on the clock: the regime `native.generator`. For an idle machine.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import replace
from typing import Any

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
from bench.workload import random_inputs
from bench.workload.models import build
from bench.workload.order import initial_parameters
from tests.parity.problems import problem
from tests.parity.selection import device

from .pairing import Opponent, speed_ratio

IMAGES = 6000
WINDOW_IMAGES = 1280
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "80"))
THREADS = int(os.environ.get("BENCH_THREADS", "1"))
BATCH, RATE, SEED = 128, 0.01, 0
OPTIONS = {
    "dropout 0.5": ModelOptions(dropout=0.5),
    "rrelu": ModelOptions("rrelu"),
    "noise 0.1": ModelOptions(noise=0.1),
}


def started(adapter: Adapter, options: ModelOptions, seed: int | None = None) -> EpochBatches:
    """Build LeNet-5 with these options, load, compile; a window's order with its draws.

    With a seed the framework draws by itself, and there are no draws.
    """
    task = problem("32x32x1")
    model = replace(build("lenet5", (32, 32, 1), 10, options), generator_seed=seed)
    rows = np.arange(IMAGES) % len(task.images)
    batches = np.random.default_rng(1).integers(0, IMAGES, (WINDOW_IMAGES // BATCH, BATCH))
    plain = EpochBatches(batches.astype(np.int32), np.empty(0, np.int32))
    parameters = initial_parameters(7, model)
    adapter.build(model, parameters, OptimizerSpec("sgd", momentum=0.9), device(), THREADS)
    adapter.load(task.images[rows], task.labels[rows])
    compile_for(adapter, blank_epoch(model, len(batches), BATCH))
    order = random_inputs.drawn(model, 0, 0, 0, plain)
    adapter.train_epoch(order, RATE)
    return order


def against(benchmark: BenchmarkFixture, what: str, ours: Any, theirs: Any) -> list[float]:
    """Print our speed as a part of theirs; the seconds of their windows."""
    opponent = Opponent(theirs)
    benchmark.pedantic(
        ours, setup=opponent.setup, teardown=lambda *_: opponent.teardown(), rounds=ROUNDS
    )
    ratio, low, high = speed_ratio(list(benchmark.stats.stats.data), opponent.seconds)
    benchmark.extra_info.update(what=what, threads=THREADS, ratio=ratio, low=low, high=high)
    print(f"\n{what}: {ratio:.3f} [{low:.3f}, {high:.3f}]")
    return opponent.seconds


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", OPTIONS)
def test_random_against_plain(
    benchmark: BenchmarkFixture, adapter: Adapter, framework: str, name: str
) -> None:
    usual = ModelOptions("leakyrelu") if name == "rrelu" else ModelOptions()
    other = create(named(framework))
    order, plain = started(adapter, OPTIONS[name]), started(other, usual)

    def window(each: Adapter, of: EpochBatches) -> None:
        each.train_epoch(of, RATE)
        each.synchronize()

    what = f"{framework}, {name}, of {usual.label or 'plain'}"
    seconds = against(benchmark, what, lambda: window(adapter, order), lambda: window(other, plain))
    model = build("lenet5", (32, 32, 1), 10, OPTIONS[name])
    took = []
    for first in range(10):
        start = time.perf_counter()
        random_inputs.drawn(model, 0, 0, first, plain)
        took.append(time.perf_counter() - start)
    share = statistics.median(took) / statistics.median(seconds)
    print(f"drawing: {100 * share:.1f} % of a plain window")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", OPTIONS)
def test_given_numbers_against_the_framework_s_own(
    benchmark: BenchmarkFixture, adapter: Adapter, framework: str, name: str
) -> None:
    """The same network, matched and in the regime native.generator, where it draws on the clock."""
    other = create(named(framework))
    order, without = started(adapter, OPTIONS[name]), started(other, OPTIONS[name], SEED)

    def window(each: Adapter, of: EpochBatches) -> None:
        each.train_epoch(of, RATE)
        each.synchronize()

    what = f"{framework}, {name}, given, of its own generator's"
    against(benchmark, what, lambda: window(adapter, order), lambda: window(other, without))
