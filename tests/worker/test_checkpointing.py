"""Which epochs are kept, with the real network of NumPy on real digits."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from bench.config import plan
from bench.errors import CheckpointError, NotSupportedError
from bench.results import checkpoint
from bench.system.clocks import Clocks
from bench.worker import prepared_data, trainer
from bench.worker.checkpointing import CheckpointWriter
from bench.worker.messages import EpochEnded, Measured
from bench.workload import datasets, order
from impls.reference.adapter import ReferenceAdapter

CELL = plan.Cell(framework="reference", device="cpu", seed=0, batch_size=16, threads=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def planned(root):
    def make(**asked) -> plan.Plan:
        source = prepared_data.source(datasets.load("digits", root, (32, 32), "resize"))
        sizes = {"train_size": 32, "val_size": 20, "test_size": 20, "batch_sizes": (16,)}
        known = {"frameworks": ("reference",), "devices": ("cpu",), "data_root": root}
        return plan.make(known | sizes | {"epochs": 4} | asked, source)

    return make


class Kept:
    """A keeper that is told the figures, and what it leaves in its folder."""

    def __init__(self, planned: plan.Plan, folder: Path):
        self.folder, self.told, self.planned = folder, {}, planned
        self.data = prepared_data.prepare(planned, 0)
        self.adapter = ReferenceAdapter()
        initial = order.initial_parameters(0, planned.spec())
        self.adapter.build(planned.spec(), initial, planned.optimizer, "cpu", 1)
        self.keeper = CheckpointWriter(planned, CELL, folder, self.hear)

    def hear(self, event: Measured) -> None:
        self.told |= event.figures

    def epochs(self, *accuracies: float | None) -> list[str]:
        for epoch, accuracy in enumerate(accuracies, 1):
            figures = {} if accuracy is None else {"val_accuracy": accuracy}
            self.keeper(self.adapter, self.data, epoch, figures)
        return self.files()

    def files(self) -> list[str]:
        """Short names, which must be those that the keeper has told."""
        if not self.folder.exists():
            return []
        names = sorted(path.name for path in self.folder.iterdir())
        assert sorted(self.told["checkpoints"]) == names
        return [
            name.removeprefix("digits_reference_seed0_").removesuffix(".safetensors")
            for name in names
        ]


@pytest.mark.parametrize(
    ("asked", "accuracies", "files"),
    [
        ({}, (0.5, 0.7, 0.6, 0.65), ["epoch2_acc0.7000"]),
        ({}, (0.5, 0.7, 0.7, 0.7), ["epoch2_acc0.7000"]),  # the earliest of several
        ({}, (0.0, 0.0, 0.0, 0.0), ["epoch1_acc0.0000"]),
        ({}, (0.5, 0.6, 0.7, 0.8), ["epoch4_acc0.8000"]),
        ({"save": ("last",)}, (0.5, 0.7, 0.6, 0.6), ["epoch4_acc0.6000"]),
        (
            {"save": ("best", "last")},
            (0.5, 0.7, 0.6, 0.6),
            ["epoch2_acc0.7000", "epoch4_acc0.6000"],
        ),
        ({"save": ("none",)}, (0.5, 0.7, 0.6, 0.6), []),
        (
            {"save": ("none",), "save_every": 3},
            (0.5, 0.7, 0.6, 0.6),
            ["epoch3_acc0.6000"],
        ),
        (  # the second was the best for a while, and is kept for another reason
            {"save_every": 2},
            (0.5, 0.7, 0.8, 0.6),
            ["epoch2_acc0.7000", "epoch3_acc0.8000", "epoch4_acc0.6000"],
        ),
        ({"val_size": 0}, (None, None, None, None), ["epoch4"]),
        ({"val_size": 0, "save_every": 2}, (None, None, None, None), ["epoch2", "epoch4"]),
    ],
    ids=str,
)
def test_which_epochs_are_kept(planned, tmp_path, asked, accuracies, files):
    assert Kept(planned(**asked), tmp_path / "c").epochs(*accuracies) == files


def test_the_header_tells_what_was_trained(planned, tmp_path):
    kept = Kept(planned(save=("last",)), tmp_path / "c")
    kept.epochs(0.5, 0.6, 0.7, 0.8)
    figures = {"val_accuracy": 0.8, "test_accuracy": 0.75, "test_loss": 0.9}
    kept.keeper(kept.adapter, kept.data, 4, figures)
    (path,) = (tmp_path / "c").iterdir()
    found = checkpoint.read(path)
    header = found.header
    assert (header.epoch, header.val_accuracy, header.test_accuracy) == (4, 0.8, 0.75)
    assert header.native_size == (8, 8)
    assert header.classes == tuple("0123456789")
    assert header.mean == kept.data.mean
    assert header.settings.mean is None
    assert header.split_sha256 == kept.data.split_sha256
    for name, value in kept.adapter.export().items():
        assert np.array_equal(found.parameters[name], value)


def test_the_test_accuracy_goes_only_into_the_last_epoch(planned, tmp_path):
    kept = Kept(planned(), tmp_path / "c")
    kept.epochs(0.5, 0.9, 0.7, 0.8)
    kept.keeper(kept.adapter, kept.data, 4, {"val_accuracy": 0.8, "test_accuracy": 0.75})
    assert kept.files() == ["epoch2_acc0.9000"]
    (path,) = (tmp_path / "c").iterdir()
    assert checkpoint.read(path).header.test_accuracy is None


def test_a_failed_write_is_told_and_the_older_one_stays(planned, tmp_path):
    kept = Kept(planned(), tmp_path / "c")
    kept.keeper(kept.adapter, kept.data, 1, {"val_accuracy": 0.5})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # a seventh of a file, then no more
    try:
        kept.keeper(kept.adapter, kept.data, 2, {"val_accuracy": 0.7})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kept.files() == ["epoch1_acc0.5000"]
    assert (
        "epoch2_acc0.7000.safetensors could not be written: File too large"
        in (kept.told["checkpoint_error"])
    )
    kept.keeper(kept.adapter, kept.data, 3, {"val_accuracy": 0.6})  # there is room again
    assert kept.files() == ["epoch3_acc0.6000"]


class WithoutLimit(ReferenceAdapter):
    def multiply(self, matrix, times):
        raise NotSupportedError(
            "it takes as long as the training, and is no matter of what is kept"
        )


def train(planned: plan.Plan, folder: Path) -> dict:
    measured: dict = {"val_loss": [], "train_loss": []}

    def hear(event):
        if isinstance(event, Measured):
            measured.update(event.figures)
        elif isinstance(event, EpochEnded):
            for name in ("val_loss", "train_loss"):
                measured[name].append(event.figures[name])

    now = iter(range(10_000))
    keeper = CheckpointWriter(planned, CELL, folder, hear)
    clocks = Clocks(lambda: float(next(now)), lambda: 0.0)
    end = trainer.train_cell(planned, CELL, WithoutLimit, hear, clocks, keeper)
    return measured | end.model_dump(exclude={"kind"})


def started(planned: plan.Plan, path: Path, **changes) -> plan.Plan:
    found = checkpoint.read(path)
    start = plan.Start(file=path, sha256=found.sha256, framework="reference", epoch=2)
    return planned.model_copy(update={"start": start.model_copy(update=changes)})


def test_training_goes_on_with_the_order_of_the_next_epoch(planned, tmp_path):
    whole = train(planned(save_every=2), tmp_path / "whole")
    (path,) = (tmp_path / "whole").glob("*epoch2_*")
    rest = train(started(planned(), path), tmp_path / "rest")
    assert rest["outcome"] == "ok"
    assert rest["order_sha256"] == whole["order_sha256"]
    assert rest["split_sha256"] == whole["split_sha256"]
    # In float64 within, but through a file of float32: as close as its rounding.
    assert rest["train_loss"] == pytest.approx(whole["train_loss"][2:], rel=1e-5)
    assert rest["test_loss"] == pytest.approx(whole["test_loss"], rel=1e-5)
    (last,) = (tmp_path / "rest").iterdir()
    header = checkpoint.read(last).header
    assert header.epoch in (3, 4)
    assert header.steps == header.epoch * 2


def test_another_file_than_planned(planned, tmp_path):
    train(planned(save_every=2), tmp_path / "whole")
    (path,) = (tmp_path / "whole").glob("*epoch2_*")
    with pytest.raises(CheckpointError, match="has changed since the run was planned"):
        train(started(planned(), path, sha256="0" * 64), tmp_path / "rest")
    other = started(planned(train_size=30), path)
    with pytest.raises(CheckpointError, match="another split or normalisation"):
        train(other, tmp_path / "rest")
