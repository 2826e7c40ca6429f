"""Canonical parameters into a framework and out again."""

from __future__ import annotations

import math

import numpy as np

from bench.contract import Adapter

from .compare import assert_trees_identical
from .problems import Problem, order


def test_parameters_come_back_bit_for_bit(resting: Adapter, framework: str, task: Problem) -> None:
    task.rest(resting)
    assert_trees_identical(framework, resting.export(), task.parameters, "export after build")


def test_every_layer_has_the_right_number_of_parameters(
    resting: Adapter, framework: str, task: Problem
) -> None:
    task.rest(resting)
    shapes = task.model.parameter_shapes()
    exported = resting.export()
    for path, shape in shapes.items():
        assert exported[path].size == math.prod(shape), f"{framework}: {path}"
    assert sum(p.size for p in exported.values()) == task.model.parameter_count()


def test_exported_parameters_are_copies(adapter: Adapter, framework: str, square: Problem) -> None:
    square.start(adapter)
    exported = adapter.export()
    before = {path: p.copy() for path, p in exported.items()}
    adapter.train_epoch(order(1, 2), 0.1)
    assert_trees_identical(framework, exported, before, "an older export after training")
    moved = adapter.export()
    for path, p in moved.items():
        assert not np.array_equal(p, before[path]), f"{framework}: {path} was not trained"
        p += 1  # an export that is a view would change the network
    again = adapter.export()
    for path, p in moved.items():
        np.testing.assert_array_equal(again[path] + np.float32(1), p, err_msg=path)


def test_training_leaves_what_was_given_unchanged(
    adapter: Adapter, framework: str, square: Problem
) -> None:
    parameters = {path: p.copy() for path, p in square.parameters.items()}
    images, labels = square.images.copy(), square.labels.copy()
    before = {path: p.copy() for path, p in parameters.items()}
    Problem(square.model, parameters, images, labels).start(adapter)
    adapter.train_epoch(order(1, 2), 0.1)
    assert_trees_identical(framework, parameters, before, "the parameters given to build")
    np.testing.assert_array_equal(images, square.images)
    np.testing.assert_array_equal(labels, square.labels)
