"""Throughput of each variant, paired with the plain framework: docs/architecture.md has the table.

    BENCH_FRAMEWORKS=keras:jit python -m pytest tests/benchmarks/test_variants.py -s

For an idle machine. A variant has no target: it is there to be compared. That both train alike is
asserted, so that the ratio is one of equal work.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.contract import Adapter, EpochBatches, OptimizerSpec, blank_epoch, compile_for
from bench.frameworks import create, named
from tests.parity.problems import problem
from tests.parity.selection import device

from .pairing import against

IMAGES = 6000
WINDOW_IMAGES = 1280  # some tenths of a second, short against the spells of a busy machine
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "80"))
THREADS = int(os.environ.get("BENCH_THREADS", "2"))
RATE, MOMENTUM = 0.01, 0.9


@pytest.mark.timeout(900)
@pytest.mark.parametrize("batch", [64, 128])
def test_variant_against_the_plain_framework(
    benchmark: BenchmarkFixture, adapter: Adapter, framework: str, batch: int
) -> None:
    plain = named(framework).plain_name
    if not named(framework).is_mode:
        pytest.skip(f"{framework} is no mode of another, see test_overhead.py")
    task = problem("32x32x1")
    rows = np.arange(IMAGES) % len(task.images)
    random = np.random.default_rng(1)
    batches = random.integers(0, IMAGES, (WINDOW_IMAGES // batch, batch), dtype=np.int32)
    order = EpochBatches(batches, np.empty(0, np.int32))
    other = create(named(plain))
    losses = []
    for each in (adapter, other):
        each.build(
            task.model, task.parameters, OptimizerSpec("sgd", momentum=MOMENTUM), device(), THREADS
        )
        each.load(task.images[rows], task.labels[rows])
        compile_for(each, blank_epoch(task.model, len(batches), batch))
        losses.append(each.train_epoch(order, RATE))
    np.testing.assert_allclose(*losses, rtol=1e-3)

    def window(each: Adapter) -> None:
        each.train_epoch(order, RATE)
        each.synchronize()

    adapter.compiled_since()
    about = {"framework": framework, "batch": batch, "threads": THREADS}
    ratio, low, high = against(
        benchmark, lambda: window(adapter), lambda: window(other), ROUNDS, **about
    )
    assert not adapter.compiled_since()
    print(f"\n{framework}, batch {batch}: {ratio:.3f} [{low:.3f}, {high:.3f}] of {plain}")
