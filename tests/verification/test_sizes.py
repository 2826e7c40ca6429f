"""A fault that begins at a size is caught where that size is examined, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from bench.contract import ModelOptions, OptimizerSpec
from bench.results.certificate import Check
from bench.verification import problems, tolerances
from bench.workload.models import USUAL, lenet5
from impls.reference.adapter import ReferenceAdapter

from .examining import examining
from .faults import Healthy

MANY = 1500  # in a batch: more than there are different images to train on


def examined(adapter: ReferenceAdapter, *names: str, **fields: object) -> list[Check]:
    """The parts of an examination that have these checks."""
    return list(examining(adapter, *names, **fields))


class LosesRowsOfLargeBatches(Healthy):
    """Of a batch beyond 1,024 images, the gradient leaves out what is beyond; its loss does not."""

    def gradients64(self, indices, draws=(), times=None):
        loss, _ = super().gradients64(indices, draws)
        return loss, super().gradients64(indices[:1024], tuple(draw[:1024] for draw in draws))[1]


class GathersWithShortIndices(Healthy):
    """Rows beyond 32,767 are taken from the other end of the set."""

    def gradients64(self, indices, draws=(), times=None):
        return super().gradients64(indices.astype(np.int16), draws)


class PredictsFirstImagesAlone(Healthy):
    """Beyond 1,024 images at once, each is taken for the first of its number modulo 1,024."""

    def predict64(self, images):
        return super().predict64(images)[np.arange(len(images)) % 1024]


@pytest.mark.parametrize(
    ("fault", "names", "small", "large"),
    [
        pytest.param(
            LosesRowsOfLargeBatches,
            ("gradients", "training step, gradients"),
            {"batch_size": 700},
            {"batch_size": MANY},
            id="rows of a large batch",
        ),
        pytest.param(
            GathersWithShortIndices,
            ("gradients", "training step, gradients"),
            {"loaded": 32_768},
            {"loaded": 50_000},
            id="rows of a large set",
        ),
        pytest.param(
            PredictsFirstImagesAlone,
            ("evaluation, classes",),
            {},
            {"predicted": (2_000,)},
            id="many predicted at once",
        ),
    ],
)
def test_a_fault_that_begins_at_a_size(fault, names, small, large) -> None:
    assert [check for check in examined(fault(), *names, **small) if not check.passed] == []
    failed = {check.name for check in examined(fault(), *names, **large) if not check.passed}
    assert failed >= set(names)


RANDOM = ModelOptions("rrelu", "average", dropout=0.3, noise=0.1)


@pytest.mark.parametrize("options", [USUAL, pytest.param(RANDOM, marks=pytest.mark.long)], ids=repr)
def test_a_healthy_adapter_passes_at_any_size(options: ModelOptions) -> None:
    sizes = {"batch_size": MANY, "remainder": 1, "loaded": 4_321, "predicted": (1, 1_001)}
    names = ("gradients", "training step, gradients", "evaluation, loss")
    checks = examined(Healthy(), *names, options=options, **sizes)
    assert [check.describe() for check in checks if not check.passed] == []
    cases = {check.case for check in checks}
    assert cases >= {"full batch of 1,500", "partial batch of 1", "1,001 images after 20 steps"}


def test_a_run_without_a_last_batch_has_none_examined() -> None:
    checks = examined(Healthy(), "gradients", batch_size=20, remainder=0)
    cases = {check.case for check in checks if check.name == "gradients"}
    assert cases == {"full batch of 20"}


def test_rows_of_a_large_batch_come_from_all_over_the_set() -> None:
    problem = problems.problem(lenet5((32, 32, 1), 10), 0)
    oracle = ReferenceAdapter()
    problem.start(oracle, OptimizerSpec("sgd"), "cpu", 1)
    rows, _ = problem.clear_rows(oracle, 1, 5_000, loaded=10_000)
    assert len(rows) == 5_000
    assert rows.min() >= 0
    assert rows.max() < 10_000
    assert np.bincount(rows // 1000, minlength=10).min() > 300  # of 500 each
    once = rows % problems.TRAINING_IMAGES
    # By the largest value among all of them, which is larger than that of the few they came with.
    assert (oracle.margins64(np.unique(once)) > problems.CLEAR / 4).all()
    again, _ = problem.clear_rows(oracle, 1, 5_000, loaded=10_000)
    np.testing.assert_array_equal(rows, again)


def test_a_large_set_repeats_the_images() -> None:
    problem = problems.problem(lenet5((32, 32, 1), 10), 0)
    adapter = ReferenceAdapter()
    problem.start(adapter, OptimizerSpec("sgd"), "cpu", 1, loaded=3_000)
    few = np.array([5, 199], np.int32)
    loss, _ = adapter.gradients64(few)
    assert adapter.gradients64(few + 2 * problems.TRAINING_IMAGES)[0] == loss
    assert adapter.gradients64(few + 1)[0] != loss


def test_the_bound_of_a_gradient_grows_with_the_root_of_a_long_sum() -> None:
    bound = tolerances.GRADIENTS
    assert tolerances.over_batch(bound, 700) == bound
    grown = tolerances.over_batch(bound, 70_000)
    assert grown.value == pytest.approx(10 * bound.value)
    assert "√(n / 700)" in grown.reason


def test_the_bound_of_a_gradient_is_wider_where_average_pooling_lets_sums_cancel() -> None:
    bound = tolerances.GRADIENTS
    maximum, average = (
        lenet5((32, 32, 1), 10, ModelOptions("relu", kind)) for kind in ("max", "average")
    )
    assert tolerances.over_pooling(bound, maximum) == bound
    wider = tolerances.over_pooling(bound, average)
    assert wider.value == pytest.approx(4 * bound.value)
    assert "average pooling" in wider.reason


def test_the_bound_of_a_mean_over_few_images_is_wider() -> None:
    bound = tolerances.EVALUATION_LOSS
    assert tolerances.over_images(bound, 397, 397) == bound
    assert tolerances.over_images(bound, 5_000, 397) == bound
    assert tolerances.over_images(bound, 1, 100).value == pytest.approx(10 * bound.value)
