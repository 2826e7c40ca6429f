"""A healthy framework raises no alarm, whatever the seed and the optimizer."""

from __future__ import annotations

import os
import time
from itertools import product

import pytest

from bench.cli.commands.verify import OPTIMIZERS
from bench.contract import Adapter, ModelOptions, OptimizerSpec
from bench.frameworks import named
from bench.results.certificate import Subject
from bench.system.clocks import Clocks
from bench.verification.examination import examine
from bench.workload import models
from impls.reference.adapter import ReferenceAdapter

from .compare import worst
from .problems import THREADS
from .selection import chosen, device, some

SEEDS = int(os.environ.get("BENCH_SEEDS", "8"))
# A variant and a row beside the four, each named alone, compile for each shape of image anew.
OF_SEEDS = "seed" if any(named(name).default for name in chosen()) else "seed of another row"
# Of every network with every optimizer a tenth, with each optimizer; all of it is
# `python -m bench verify --all`.
TENTH = list(product(models.every(), OPTIMIZERS))[::11]


@pytest.mark.timeout(900)  # torch:compile has some twenty graphs to compile
@pytest.mark.parametrize("seed", some(OF_SEEDS, range(max(2, SEEDS)))[:SEEDS])
def test_no_alarm(adapter: Adapter, framework: str, oracle: ReferenceAdapter, seed: int) -> None:
    optimizer = OPTIMIZERS[seed % len(OPTIMIZERS)]
    _examine(adapter, oracle, _subject(framework, "lenet5", models.USUAL, optimizer, seed))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", some("number", range(len(TENTH))))
def test_no_alarm_over_networks(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, number: int
) -> None:
    if named(framework).is_mode:
        pytest.skip("a variant trains what its framework does, and takes minutes to compile")
    (name, options), optimizer = TENTH[number]
    _examine(adapter, oracle, _subject(framework, name, options, optimizer, 100 + number))


def _subject(
    framework: str, name: str, options: ModelOptions, optimizer: OptimizerSpec, seed: int
) -> Subject:
    return Subject(
        framework=framework,
        device=device(),
        model=name,
        options=options,
        input_shape=(*models.named(name).size, 1 + 2 * (seed % 2)),
        classes=10,
        optimizers=(optimizer,),
        threads=THREADS,
        seed=seed,
    )


def _examine(adapter: Adapter, oracle: ReferenceAdapter, subject: Subject) -> None:
    framework = subject.framework
    checks = list(
        examine(
            adapter, oracle, subject, Clocks(time.perf_counter, time.process_time, time.thread_time)
        )
    )
    for check in checks:
        if check.error is not None:
            key = framework, f"certificate: {check.name} (bound {check.bound:.0e})"
            worst[key] = max(worst[key], check.error)
    assert [check.describe() for check in checks if not check.passed] == []
