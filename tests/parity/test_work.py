"""What a timed window rests on: a compilation is noticed, and a product of matrices is one."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from bench.contract import Adapter, EpochBatches, factor

from .problems import Problem, order, rows

# What does not have to compile before it trains on a new shape.
COMPILE_NOTHING = (
    "torch",
    "torch:tutorial",
    "flux",
    "reference",
    "keras:torch",
    "lux",
    "simplechains",
)
BATCH_NOT_SEEN = 11


def test_an_epoch_of_a_shape_seen_before_compiles_nothing(
    adapter: Adapter, square: Problem
) -> None:
    square.start(adapter)
    square.compile(adapter, 3, 7)
    adapter.compiled_since()
    for seed in (1, 2, 3):
        adapter.train_epoch(order(seed, 3, 7), 0.01 * seed)
        adapter.synchronize()
    assert not adapter.compiled_since()


def test_a_shape_not_seen_before_is_noticed(
    adapter: Adapter, framework: str, square: Problem
) -> None:
    square.start(adapter)
    square.compile(adapter, 3)
    adapter.compiled_since()
    batches = rows(1, 3 * BATCH_NOT_SEEN).reshape(3, BATCH_NOT_SEEN)
    adapter.train_epoch(EpochBatches(batches, rows(1, 0)), 0.01)
    compiles = framework.partition("+")[0] not in COMPILE_NOTHING
    assert adapter.compiled_since() == compiles
    assert not adapter.compiled_since(), "it was asked before"


def test_no_process_that_compiles_outlives_the_compilation(
    adapter: Adapter, square: Problem
) -> None:
    """One that did would take CPU time while windows are measured.

    Of sizes that other tests compile, too: a process of theirs would be found as well.
    """
    square.start(adapter)
    square.compile(adapter, 2, 7)
    adapter.train_epoch(order(1, 2, 7), 0.01)
    assert psutil.Process().children(recursive=True) == []


@pytest.mark.parametrize("times", [0, 1, 4])
def test_a_product_is_computed_as_often_as_was_asked_for(
    adapter: Adapter, square: Problem, times: int
) -> None:
    square.start(adapter)
    for size in (96, 64):  # the second is not the first's
        matrix = factor(size)
        matrix.flags.writeable = False
        got = adapter.multiply(matrix, times)
        one = matrix.astype(np.float64)
        want = np.linalg.matrix_power(one, times + 1)
        # Rounding errors of sums of 96 products, four times over: 1e-6 of the scale. TF32 and
        # bfloat16 would be off by 1e-3 and more, one product too many by as much as the scale.
        assert np.abs(got - want).max() < 5e-6 * np.abs(want).max()
        np.testing.assert_array_equal(adapter.multiply(matrix, times), got)


def test_a_product_seen_before_compiles_nothing(adapter: Adapter, square: Problem) -> None:
    square.start(adapter)
    adapter.multiply(factor(64), 1)
    adapter.compiled_since()
    adapter.multiply(factor(64), 5)
    assert not adapter.compiled_since()
