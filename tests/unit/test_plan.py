"""Options → plan: defaults by data set, sizes, the order of the cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import machine, plan
from bench.errors import UsageError
from bench.options import Options
from bench.plan import Source

DIGITS = Source(train_images=1797, test_images=0, channels=1, classes=10, sha256="d" * 64)
MNIST = Source(train_images=60_000, test_images=10_000, channels=1, classes=10, sha256="m" * 64)
CIFAR = Source(train_images=50_000, test_images=10_000, channels=3, classes=10, sha256="c" * 64)


def make(source: Source = DIGITS, **asked) -> plan.Plan:
    defaults = {"frameworks": ("torch", "flax"), "devices": ("cpu",), "data_root": Path("/data")}
    return plan.make(Options(**(defaults | asked)), source)


def test_digits_by_default():
    planned = make()
    assert (planned.train_size, planned.val_size, planned.test_size) == (1437, 90, 270)
    assert (planned.epochs, planned.batch_size, planned.target_accuracy) == (20, 32, 0.95)
    assert (planned.optimizer.name, planned.learning_rate) == ("adam", 1e-3)
    assert planned.fit == "resize"
    assert planned.seeds == (0, 1, 2)
    assert planned.threads == len(machine.usable_cpus())
    assert planned.own_test_set is False


def test_mnist_by_default():
    planned = make(MNIST, dataset="mnist")
    assert (planned.train_size, planned.val_size, planned.test_size) == (55_000, 5_000, 10_000)
    assert (planned.fit, planned.batch_size) == ("pad", 128)


def test_colour():
    planned = make(CIFAR, dataset="cifar10", mean=(0.5,), std=(0.1, 0.2, 0.3))
    assert planned.spec().parameter_count() == 62_006
    assert planned.pixel_mean == (0.5, 0.5, 0.5)
    assert planned.pixel_std == (0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("asked", "sizes"),
    [
        ({"train_size": 100}, (100, 5, 270)),
        ({"val_size": 0}, (1527, 0, 270)),
        ({"test_size": 97}, (1610, 90, 97)),
        ({"train_size": 1, "val_size": 0, "test_size": 1}, (1, 0, 1)),
        ({"train_size": 1436, "val_size": 2, "test_size": 359}, (1436, 2, 359)),
    ],
)
def test_sizes_without_a_test_set(asked, sizes):
    planned = make(**asked)
    assert (planned.train_size, planned.val_size, planned.test_size) == sizes


def test_sizes_that_cannot_be():
    with pytest.raises(UsageError, match="1437 images to train \\+ 2 to validate \\+ 359 for the"):
        make(train_size=1437, val_size=2, test_size=359)
    with pytest.raises(UsageError, match="more than the 60000 that mnist has"):
        make(MNIST, dataset="mnist", train_size=60_000, val_size=1)
    with pytest.raises(UsageError, match="mnist has 10000 images for it"):
        make(MNIST, dataset="mnist", test_size=10_001)


def test_a_small_training_set_lowers_the_usual_batch_but_not_one_that_was_asked_for():
    assert make(train_size=20).batch_size == 20
    with pytest.raises(UsageError, match="--batch-size 64 is larger"):
        make(train_size=20, batch_size=64)


def test_adamw_decays_by_default_and_the_others_do_not():
    assert make(optimizer="adamw").optimizer.weight_decay == 0.01
    assert make(optimizer="adamw", weight_decay=0.0).optimizer.weight_decay == 0.0
    assert make(optimizer="sgd").optimizer.weight_decay == 0.0
    assert make(optimizer="sgd").learning_rate == 0.01


def test_cells_come_in_balanced_blocks():
    planned = make(
        frameworks=("torch", "keras", "flax"), devices=("cpu", "gpu"), seeds=(0, 1, 2, 3)
    )
    cells = planned.cells()
    assert len({cell.name for cell in cells}) == 24
    blocks = [cells[start : start + 6] for start in range(0, 24, 6)]
    for seed, block in zip(planned.seeds, blocks, strict=True):
        assert {cell.seed for cell in block} == {seed}
    orders = {tuple((c.framework, c.device) for c in block) for block in blocks}
    assert len(orders) > 1  # no framework always goes first
    assert planned.cells() == cells


def test_a_plan_survives_its_file():
    planned = make(mean=(0.1,), std=(0.3,), optimizer="rmsprop", momentum=0.9)
    assert plan.Plan.model_validate_json(planned.model_dump_json()) == planned
