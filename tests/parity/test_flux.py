"""What only Flux has: complaints of Julia's, and arrays of Julia's."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from bench.contract import (
    Adapter,
    Conv,
    Dense,
    Flatten,
    ModelSpec,
    OptimizerSpec,
    Pool,
    factor,
)
from bench.errors import BenchError
from bench.workload.order import initial_parameters

from .problems import BATCH, CLASSES, REMAINDER, Problem, order, problem, rows
from .selection import chosen, obtain


@pytest.fixture(scope="module")
def flux() -> Adapter:
    if "flux" not in chosen():
        pytest.skip("flux is not among BENCH_FRAMEWORKS")
    return obtain("flux")


@pytest.mark.parametrize("position", [0, BATCH - 1], ids=["our task", "another task"])
def test_a_complaint_of_julia_is_one_line_with_the_frames_as_a_note(
    flux: Adapter, square: Problem, position: int
) -> None:
    square.start(flux)
    indices = rows(1, BATCH)
    indices[position] = 10_000
    with pytest.raises(BenchError, match="Julia: BoundsError: attempt to access") as caught:
        flux.gradients(indices)
    assert "\n" not in str(caught.value)
    (note,) = caught.value.__notes__
    assert "gather" in note
    assert "training.jl" in note
    assert flux.gradients(rows(1, BATCH))[0] > 0, "it cannot go on"


def test_more_threads_than_julia_has(flux: Adapter, square: Problem) -> None:
    with pytest.raises(BenchError, match="1000 threads asked for, and Julia has"):
        flux.build(square.model, square.parameters, OptimizerSpec("sgd"), "cpu", 1000)


def test_what_was_given_is_neither_kept_nor_changed(flux: Adapter, square: Problem) -> None:
    """Julia can write to arrays that NumPy holds for read-only."""
    images, labels = square.images.copy(), square.labels.copy()
    parameters = {path: p.copy() for path, p in square.parameters.items()}
    epoch = order(1, 3)
    for _ in range(2):
        Problem(square.model, parameters, images, labels).start(flux)
        first = flux.train_epoch(epoch, 0.05)
        np.testing.assert_array_equal(images, square.images)
        for path, p in parameters.items():
            np.testing.assert_array_equal(p, square.parameters[path])
    Problem(square.model, parameters, images, labels).start(flux)
    images[:], labels[:] = 0, 0
    for p in parameters.values():
        p[:] = 0
    np.testing.assert_array_equal(flux.train_epoch(epoch, 0.05), first)


def test_versions_name_what_computes(flux: Adapter) -> None:
    versions = flux.versions()
    assert list(versions)[:5] == ["julia", "flux", "zygote", "nnlib", "optimisers"]
    assert versions["flux"].startswith("0.16.")
    assert cast(str, versions["blas"])
    assert versions["blas_threads"] == "1"


def test_a_new_network_is_compiled_and_an_epoch_is_not(flux: Adapter) -> None:
    """Channels of a pooling are part of a type: 19 of them are compiled for nowhere else."""
    image = problem("smooth")
    height, width, channels = image.model.input_shape
    layers = (
        Conv("conv1", (1, 1), channels, 19, "relu"),
        Pool((2, 2)),
        Flatten(height // 2, width // 2, 19),
        Dense("dense1", height // 2 * (width // 2) * 19, CLASSES, "none"),
    )
    model = ModelSpec("nineteen", (height, width, channels), CLASSES, layers)
    nineteen = Problem(model, initial_parameters(7, model), image.images, image.labels)
    nineteen.start(flux)
    flux.compiled_since()
    nineteen.compile(flux, 3, REMAINDER)
    assert flux.compiled_since(), "a network of a new type"
    for epoch in (order(1, 3, REMAINDER), order(2, 3, REMAINDER), order(3, 5)):
        flux.train_epoch(epoch, 0.05)
        assert not flux.compiled_since()
    nineteen.compile(flux, 3, batch_size=BATCH + 1)
    flux.train_epoch(order(4, 3, 1), 0.05)
    assert not flux.compiled_since(), "the size of a batch is no part of a type"


def test_multiply_leaves_training_and_its_threads_as_they_were(
    flux: Adapter, square: Problem
) -> None:
    square.start(flux)
    expected = flux.train_epoch(order(1, 3), 0.05)
    square.start(flux)
    for size in (64, 1024, 64):
        flux.multiply(factor(size), 2)
    assert flux.versions()["blas_threads"] == "1"
    np.testing.assert_array_equal(flux.train_epoch(order(1, 3), 0.05), expected)
