"""What an adapter cannot do is left out with its reason: of the certificate and of the record."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from bench.config import plan
from bench.contract import AdapterBase, NotSupportedError, OptimizerSpec, factor
from bench.errors import UnavailableError
from bench.results import checkpoint
from bench.results.certificate import Check, Subject
from bench.system.clocks import Clocks
from bench.verification.examination import examine
from bench.worker import prepared_data, throughput, trainer
from bench.worker.checkpointing import CheckpointWriter
from bench.worker.messages import Ended, Measured
from bench.workload import datasets
from impls.reference.adapter import ReferenceAdapter

CELL = plan.Cell(framework="reference", device="cpu", seed=0, batch_size=16, threads=1)
CLOCKS = Clocks(time.perf_counter, time.process_time)


class Least(AdapterBase):
    """No more than what an adapter must have, by the reference."""

    optimizers = {"sgd": ()}  # noqa: RUF012

    def __init__(self):
        self.inner = ReferenceAdapter()

    def build(self, *asked):
        self.inner.build(*asked)

    def load(self, images, labels):
        self.inner.load(images, labels)

    def train_epoch(self, epoch, learning_rate):
        return self.inner.train_epoch(epoch, learning_rate)

    def predict(self, images):
        return self.inner.predict(images)

    def gradients(self, indices, draws=()):
        return self.inner.gradients(indices, draws)

    def export(self):
        return self.inner.export()


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    root: Path = tmp_path_factory.mktemp("data")
    source = prepared_data.source(datasets.load("digits", root, (32, 32), "resize"))
    asked = {"frameworks": ("reference",), "devices": ("cpu",), "data_root": root, "epochs": 1}
    sizes = {"train_size": 40, "val_size": 20, "test_size": 30, "batch_sizes": (16,)}
    return plan.make(asked | sizes | {"windows": 4, "window_s": 0.001, "optimizer": "sgd"}, source)


def train(planned, folder, adapter=Least) -> tuple[Ended, dict]:
    fields: dict = {}

    def hear(event):
        if isinstance(event, Measured):
            fields.update(event.figures)

    keep = CheckpointWriter(planned, CELL, folder, hear)
    return trainer.train_cell(planned, CELL, adapter, hear, CLOCKS, keep), fields


def test_a_cell_of_the_least_adapter(planned, tmp_path):
    end, fields = train(planned, tmp_path / "checkpoints")
    assert end == Ended(outcome="ok")
    assert fields["test_accuracy"] >= 0
    assert fields["images_per_s"] > 0
    assert fields["compiling_windows"] is None
    assert fields["left_out"] == {
        "versions": "the adapter has no versions",
        "compile_s": "the adapter does not say what a step changes (changed_by_steps)",
        "checkpoints": "the adapter has no export_optimizer",
        "compiling_windows": "the adapter has no compiled_since",
        "matrix_gflop_per_s": "the adapter has no multiply",
    }
    assert not {"compile_s", "versions", "matrix_gflop_per_s"} & fields.keys()
    assert not (tmp_path / "checkpoints").exists()


class Travelling(ReferenceAdapter):
    multiply = AdapterBase.multiply


def test_what_was_asked_for_is_not_left_out(planned, tmp_path):
    train(planned, tmp_path, Travelling)
    (path,) = tmp_path.iterdir()
    sha256 = checkpoint.read(path).sha256
    start = plan.Start(file=path, sha256=sha256, framework="reference", epoch=1)
    refused = "reference cannot go on from a checkpoint: the adapter has no restore_optimizer"
    with pytest.raises(UnavailableError, match=refused):
        train(planned.model_copy(update={"start": start}), tmp_path / "rest")
    adam = planned.model_copy(update={"optimizer": OptimizerSpec("adam")})
    with pytest.raises(NotSupportedError, match="reference has no adam, only sgd"):
        train(adam, tmp_path / "adam")


def examined(adapter, *optimizers, names=("round trip", "optimizer", "weights")) -> list[Check]:
    subject = Subject(
        framework="least",
        device="cpu",
        model="lenet5",
        input_shape=(32, 32, 1),
        classes=10,
        optimizers=optimizers,
        threads=1,
    )
    return [*examine(adapter, ReferenceAdapter(), subject, CLOCKS, names)]


def test_checks_of_the_least_adapter():
    checks = examined(Least(), OptimizerSpec("adam"))
    assert all(check.passed for check in checks)
    assert {(one.error, one.bound) for one in checks if one.left_out} == {(None, 0.0)}
    left_out = {(check.name, check.case): check.left_out for check in checks if check.left_out}
    refused = "least has no adam, only sgd; take another optimizer or framework"
    assert left_out == {
        ("round trip", "after compilation"): "the adapter does not say what a step changes "
        "(changed_by_steps)",
        ("optimizer", "adam"): refused,
        ("optimizer, losses", "adam"): refused,
        ("weights", "adam"): refused,
    }
    assert "optimizer (adam): left out: least has no adam" in " ".join(map(Check.describe, checks))


@pytest.mark.parametrize("method", ["predict", "gradients", "train_epoch", "export"])
def test_what_every_adapter_must_have_is_never_left_out(method):
    """Else an adapter that refuses everything would be equivalent."""
    adapter = Least()

    def refused(*asked):
        raise NotSupportedError("not today")

    setattr(adapter, method, refused)
    with pytest.raises(NotSupportedError, match="not today"):
        examined(adapter, OptimizerSpec("sgd"), names=())


def test_a_product_that_is_none_is_left_out():
    matrix = factor(64)
    throughput.check_product(matrix, matrix @ matrix, 1)
    for wrong in (matrix, matrix @ matrix @ matrix, (matrix @ matrix)[:3], 0 * matrix):
        with pytest.raises(NotSupportedError, match="product of matrices"):
            throughput.check_product(matrix, wrong, 1)


def test_powers_of_the_matrix_neither_overflow_nor_vanish():
    """A quick processor multiplies a small one thousands of times in a window."""
    matrix = factor(64)
    product = matrix
    for _ in range(throughput.MOST_STEPS):
        product = matrix @ product
    # Orthogonal as the matrix is: what a vector becomes has the length of the vector.
    np.testing.assert_allclose(np.linalg.norm(product, axis=0), 1, rtol=1e-3)
    assert np.count_nonzero(product) == product.size
