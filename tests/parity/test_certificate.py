"""A healthy framework raises no alarm, whatever the seed and the optimizer."""

from __future__ import annotations

import os
import time

import pytest

from bench.certificate import Subject
from bench.clocks import Clocks
from bench.commands.verify import OPTIMIZERS
from bench.contract import Adapter
from bench.equivalence.examine import examine
from impls.reference.adapter import ReferenceAdapter

from .compare import worst
from .problems import THREADS
from .selection import device

SEEDS = int(os.environ.get("BENCH_SEEDS", "20"))


@pytest.mark.timeout(900)  # torch:compile has some twenty graphs to compile
@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_alarm(adapter: Adapter, framework: str, oracle: ReferenceAdapter, seed: int) -> None:
    subject = Subject(
        framework=framework,
        device=device(),
        model="lenet5",
        input_shape=(32, 32, 1 + 2 * (seed % 2)),
        classes=10,
        optimizers=(OPTIMIZERS[seed % len(OPTIMIZERS)],),
        threads=THREADS,
        seed=seed,
    )
    checks = list(examine(adapter, oracle, subject, Clocks(time.perf_counter, time.process_time)))
    for check in checks:
        if check.error is not None:
            key = framework, f"certificate: {check.name} (bound {check.bound:.0e})"
            worst[key] = max(worst[key], check.error)
    assert [check.describe() for check in checks if not check.passed] == []
