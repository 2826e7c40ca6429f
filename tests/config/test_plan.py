"""Options → plan: defaults by data set, sizes, the order of the cells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.config import plan
from bench.config.plan import AvailableImages
from bench.contract import ModelOptions
from bench.errors import UsageError
from bench.execution.block import subject
from bench.system import machine

DIGITS = AvailableImages(train_images=1797, test_images=0, channels=1, classes=10, sha256="d" * 64)
MNIST = AvailableImages(
    train_images=60_000, test_images=10_000, channels=1, classes=10, sha256="m" * 64
)
CIFAR = AvailableImages(
    train_images=50_000, test_images=10_000, channels=3, classes=10, sha256="c" * 64
)


VALIDATED = AvailableImages(
    train_images=900, test_images=100, channels=1, classes=10, sha256="v" * 64, validation_images=50
)


def make(source: AvailableImages = DIGITS, **asked) -> plan.Plan:
    defaults = {"frameworks": ("torch", "flax"), "devices": ("cpu",), "data_root": Path("/data")}
    return plan.make(defaults | asked, source)


def sizes_of(planned: plan.Plan) -> tuple[int, int, int]:
    of = planned.settings
    return of.train_size, of.val_size, of.test_size


def test_digits_by_default():
    planned = make()
    assert sizes_of(planned) == (1437, 90, 270)
    assert (
        planned.settings.epochs,
        planned.settings.batch_sizes,
        planned.settings.target_accuracy,
    ) == (20, (32,), 0.95)
    assert (planned.optimizer.name, planned.settings.learning_rate) == ("adam", 1e-3)
    assert planned.settings.fit == "resize"
    assert planned.settings.seeds == (0, 1, 2)
    assert planned.settings.threads == (len(machine.usable_cpus()),)
    assert planned.own_test_set is False


def test_mnist_by_default():
    planned = make(MNIST, dataset="mnist")
    assert sizes_of(planned) == (55_000, 5_000, 10_000)
    assert (planned.settings.fit, planned.settings.batch_sizes) == ("pad", (128,))


def test_own_images_without_a_test_set_are_split():
    """The target is above what chance gets right."""
    leaves = replace(DIGITS, train_images=240, classes=2)
    planned = make(leaves, dataset="folder:leaves")
    assert sizes_of(planned) == (180, 24, 36)
    assert planned.settings.target_accuracy == 0.75
    few = replace(leaves, train_images=4, classes=3)
    assert sizes_of(make(few, dataset="folder:leaves")) == (3, 0, 1)
    assert make(replace(leaves, classes=3), dataset="folder:leaves").settings.target_accuracy == 0.5


def test_a_validation_set_of_its_own_takes_nothing_from_training():
    planned = make(VALIDATED)
    assert sizes_of(planned) == (900, 50, 100)
    assert (planned.own_test_set, planned.own_validation_set) == (True, True)
    assert sizes_of(make(VALIDATED, val_size=20)) == (900, 20, 100)
    assert sizes_of(make(VALIDATED, first=200)) == (200, 20, 20)
    assert sizes_of(make(VALIDATED, first=200, val_size=50)) == (200, 50, 20)
    with pytest.raises(UsageError, match="--val-size 51 is too large: digits has 50 images"):
        make(VALIDATED, val_size=51)
    with pytest.raises(UsageError, match="901 images to train are more than the 900 that digits"):
        make(VALIDATED, train_size=901)


def test_colour():
    planned = make(CIFAR, dataset="cifar10", mean=(0.5,), std=(0.1, 0.2, 0.3))
    assert planned.spec().parameter_count() == 62_006
    assert planned.settings.mean == (0.5, 0.5, 0.5)
    assert planned.settings.std == (0.1, 0.2, 0.3)


def test_each_network_has_its_size_and_its_options():
    planned = make(MNIST, dataset="mnist", model="convnet")
    assert planned.input_size == (28, 28)
    assert planned.spec().parameter_count() == 16_938
    chosen = make(activation="selu", pooling="average")
    assert chosen.input_size == (32, 32)
    assert chosen.spec().label == "lenet5 (selu, average pooling)"
    of = subject(chosen, chosen.cells()[0], {})
    assert of.options == ModelOptions("selu", "average")
    assert of.network == "lenet5 (selu, average pooling)"
    with pytest.raises(UsageError, match="--activation tanh does not apply to lenet5-wide"):
        make(CIFAR, dataset="cifar10", model="lenet5-wide", activation="tanh")


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
    assert sizes_of(planned) == sizes


def test_sizes_that_cannot_be():
    with pytest.raises(UsageError, match="1437 images to train \\+ 2 to validate \\+ 359 for the"):
        make(train_size=1437, val_size=2, test_size=359)
    with pytest.raises(UsageError, match="more than the 60000 that mnist has"):
        make(MNIST, dataset="mnist", train_size=60_000, val_size=1)
    with pytest.raises(UsageError, match="mnist has 10000 images for it"):
        make(MNIST, dataset="mnist", test_size=10_001)


def test_a_small_training_set_lowers_the_usual_batch_but_not_one_that_was_asked_for():
    assert make(train_size=20).settings.batch_sizes == (20,)
    with pytest.raises(UsageError, match="--batch-size 64 is larger"):
        make(train_size=20, batch_sizes=(64,))


def test_adamw_decays_by_default_and_the_others_do_not():
    assert make(optimizer="adamw").optimizer.weight_decay == 0.01
    assert make(optimizer="adamw", weight_decay=0.0).optimizer.weight_decay == 0.0
    assert make(optimizer="sgd").optimizer.weight_decay == 0.0
    assert make(optimizer="sgd").settings.learning_rate == 0.01


def test_cells_come_in_balanced_blocks():
    planned = make(
        frameworks=("torch", "keras", "flax"), devices=("cpu", "gpu"), seeds=(0, 1, 2, 3)
    )
    cells = planned.cells()
    assert len({cell.name for cell in cells}) == 24
    blocks = [cells[start : start + 6] for start in range(0, 24, 6)]
    for seed, block in zip(planned.settings.seeds, blocks, strict=True):
        assert {cell.seed for cell in block} == {seed}
    orders = {tuple((c.framework, c.device) for c in block) for block in blocks}
    assert len(orders) > 1  # no framework always goes first
    assert planned.cells() == cells


def test_a_plan_survives_its_file():
    planned = make(mean=(0.1,), std=(0.3,), optimizer="rmsprop", momentum=0.9)
    assert plan.Plan.model_validate_json(planned.model_dump_json()) == planned


def test_a_sweep_names_what_it_varies():
    planned = make(batch_sizes=(32, 128), threads=(1, 2), seeds=(0,))
    names = {cell.name for cell in planned.cells()}
    assert "torch-cpu-batch32-threads1-seed0" in names
    assert len(names) == 4 * len(planned.settings.frameworks)
    plain = make(batch_sizes=(32,), seeds=(0,), frameworks=("torch",))
    assert {cell.name for cell in plain.cells()} == {"torch-cpu-seed0"}


def test_in_the_second_turn_of_the_seeds_speed_alone_is_measured():
    planned = make(seeds=(4, 7), min_repeats=5, frameworks=("torch",))
    assert [(c.seed, c.repeat, c.throughput_only) for c in planned.cells()] == [
        (4, 0, False),
        (7, 0, False),
        (4, 1, True),
        (7, 1, True),
        (4, 2, True),
    ]
    assert planned.cells()[2].name == "torch-cpu-seed4-repeat1"


def test_throughput_only_has_no_target():
    planned = make(throughput_only=True)
    assert planned.settings.target_accuracy is None
    assert all(cell.throughput_only for cell in planned.cells())


@pytest.mark.parametrize(
    ("asked", "repeats"),
    [
        ({}, (3, 3)),  # the seeds
        ({"seeds": (0,)}, (1, 1)),
        ({"min_repeats": 8}, (8, 8)),
        ({"seeds": (0, 1, 2, 3), "min_repeats": 2}, (4, 4)),  # each seed is trained
        ({"seeds": (0,), "precision": 0.02}, (3, 30)),
        ({"precision": 0.02, "min_repeats": 8, "max_repeats": 12}, (8, 12)),
        ({"precision": 0.02, "min_repeats": 40}, (40, 40)),
    ],
)
def test_repeats(asked, repeats):
    planned = make(frameworks=("torch",), **asked)
    assert (planned.settings.min_repeats, planned.settings.max_repeats) == repeats
    assert len(planned.cells()) == repeats[0]


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"max_repeats": 9}, "--max-repeats 9 has no effect without --precision"),
        ({"precision": 0.02, "max_repeats": 2}, "--max-repeats 2 is too small: give 3 or more"),
        ({"precision": 0.02, "min_repeats": 9, "max_repeats": 5}, "give 9 or more"),
        ({"precision": 0.0}, "--precision 0 is not a share"),
        ({"precision": 1.0}, "--precision 1 is not a share"),
        ({"min_repeats": 0}, "--min-repeats 0 is too small"),
        ({"windows": 3}, "--windows 3 is too small: give 4 or more"),
        ({"window_s": 0.0}, "--window 0 is not a finite number above 0"),
        ({"throughput_only": True, "target_accuracy": 0.9}, "--target 0.9 is never reached"),
        ({"batch_sizes": (8, 8)}, "--batch-size names 8 more than once"),
        ({"threads": ()}, "--threads is empty"),
    ],
)
def test_what_cannot_be_measured_is_refused(asked, complaint):
    with pytest.raises(UsageError, match=complaint):
        make(**asked)
