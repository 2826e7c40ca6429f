"""The epochs of a cell with NumPy's network on real digits: pieces, evaluations, rates, ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.config import plan
from bench.contract import EpochBatches
from bench.errors import NotSupportedError
from bench.execution.record_builder import best_epoch
from bench.results import checkpoint
from bench.system.clocks import Clocks
from bench.worker import epochs, prepared_data, trainer
from bench.worker.checkpointing import CheckpointWriter
from bench.worker.messages import EpochEnded, Measured
from bench.workload import datasets, order, random_inputs
from impls.reference.adapter import ReferenceAdapter

CELL = plan.Cell(framework="reference", device="cpu", seed=0, batch_size=16, threads=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def planned(root):
    def make(**asked) -> plan.Plan:
        source = prepared_data.source(datasets.load("digits", root, (32, 32), "resize"))
        sizes = {"train_size": 40, "val_size": 20, "test_size": 30, "batch_sizes": (16,)}
        known = {"frameworks": ("reference",), "devices": ("cpu",), "data_root": root}
        quick = {"epochs": 3, "windows": 4, "window_s": 0.001}
        return plan.make(known | sizes | quick | asked, source)

    return make


class Watched(ReferenceAdapter):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []
        self.orders: list[EpochBatches] = []
        self.compiled: list[tuple[int, int, int]] = []

    def train_epoch(self, order, learning_rate):
        self.rates.append(learning_rate)
        self.orders.append(order)
        return super().train_epoch(order, learning_rate)

    def compile(self, epoch):
        self.compiled.append((*epoch.batches.shape, len(epoch.remainder)))

    def multiply(self, matrix, times):
        raise NotSupportedError("it takes as long as the training, and is no matter of epochs")


def train(planned: plan.Plan, folder: Path | None = None, adapter=Watched):
    """The adapter, and what a record would have of it."""
    fields: dict = {}
    made = []

    def create():
        made.append(adapter())
        return made[0]

    def hear(event):
        if isinstance(event, Measured):
            fields.update(event.figures)
        elif isinstance(event, EpochEnded):
            for name, entry in event.figures.items():
                fields.setdefault(name, []).append(entry)

    now = iter(range(100_000))
    keeper = CheckpointWriter(planned, CELL, folder, hear) if folder else None
    clocks = Clocks(lambda: float(next(now)), lambda: 0.0)
    end = trainer.train_cell(planned, CELL, create, hear, clocks, keeper)
    fields.update(end.model_dump(exclude={"kind"}))
    return made[0], fields


def test_a_plain_training_has_one_piece_an_epoch(planned):
    adapter, fields = train(planned())
    assert adapter.compiled[0] == (2, 16, 8)
    assert [len(one.batches) for one in adapter.orders[:3]] == [2, 2, 2]
    assert fields["learning_rates"] == [1e-3] * 3
    for absent in ("epoch_0", "step_numbers", "test_accuracy_by_epoch", "stopped_early"):
        assert absent not in fields


def test_validations_within_an_epoch_change_nothing_else(planned):
    plain_adapter, plain = train(planned())
    adapter, cut = train(planned(val_every=1))
    for name in ("train_loss", "val_loss", "val_accuracy", "test_loss", "order_sha256"):
        assert cut[name] == plain[name]
    assert cut["step_numbers"] == [1, 4, 7]  # three steps an epoch, the last a smaller batch
    assert len(cut["step_val_loss"]) == len(cut["step_val_accuracy"]) == 3
    assert sorted(adapter.compiled[:2]) == [(1, 16, 0), (1, 16, 8)]
    taken = np.concatenate([one.batches for one in adapter.orders[:6]])
    np.testing.assert_array_equal(
        taken, np.concatenate([one.batches for one in plain_adapter.orders[:3]])
    )
    # Each piece is a stretch of the clock, which ticks once for a start and once for an end.
    assert cut["epoch_s"] == [2.0] * 3
    assert plain["epoch_s"] == [1.0] * 3


def test_where_an_epoch_is_cut_for_its_draws_changes_nothing_else(planned, monkeypatch):
    asked = {"activation": "rrelu", "dropout": 0.5, "noise": 0.1}
    adapter, whole = train(planned(**asked))
    assert [len(one.batches) for one in adapter.orders[:3]] == [2, 2, 2]
    _, validated = train(planned(**asked, val_every=1))
    monkeypatch.setattr(random_inputs, "most_steps", lambda model, batch_size: 1)
    adapter, cut = train(planned(**asked))
    assert [len(one.batches) for one in adapter.orders[:6]] == [1] * 6
    assert sorted(adapter.compiled[:2]) == [(1, 16, 0), (1, 16, 8)]
    for name in ("train_loss", "val_loss", "test_loss", "draws_sha256", "order_sha256"):
        assert validated[name] == cut[name] == whole[name]
    # Drawing is untimed: the clock ticks once for a start and once for an end.
    assert (whole["epoch_s"], whole["draw_s"]) == ([1.0] * 3, 3.0)
    assert (cut["epoch_s"], cut["draw_s"]) == ([2.0] * 3, 6.0)


def test_no_two_epochs_or_steps_have_the_same_draws(planned):
    adapter, fields = train(planned(noise=0.1))
    found = [
        noise.tobytes()
        for one in adapter.orders
        for of_step in (*one.each(),)
        for noise in of_step[1]
    ]
    assert len(found) > 9
    assert len(set(found)) == len(found)  # in the windows of throughput, too
    assert "draw_s" in fields


@pytest.mark.parametrize(
    ("full", "remainder", "steps", "shapes"),
    [
        (6, 5, None, [(6, 5)]),
        (6, 5, 2, [(2, 0), (2, 0), (2, 5)]),
        (6, 0, 4, [(4, 0), (2, 0)]),
        (5, 3, 4, [(4, 0), (1, 3)]),
        (4, 3, 4, [(4, 3)]),  # a smaller batch does not stand alone
        (4, 3, 9, [(4, 3)]),
    ],
)
def test_pieces(full, remainder, steps, shapes):
    rows = np.arange(full * 8 + remainder, dtype=np.int32)
    whole = EpochBatches(rows[: full * 8].reshape(-1, 8), rows[full * 8 :])
    cut = order.pieces(whole, steps)
    assert [(len(one.batches), one.remainder.size) for one in cut] == shapes
    joined = [part.ravel() for one in cut for part in (one.batches, one.remainder)]
    np.testing.assert_array_equal(np.concatenate(joined), rows)


def test_epoch_0_is_before_any_step(planned):
    _, fields = train(planned(epoch_zero=True, evaluate=("train", "test"), learning_rate=1e-12))
    before = fields["epoch_0"]
    assert set(before) == {name for part in epochs.FIELDS.values() for name in part.values()}
    # At this rate nothing moves: what was found before is what is found after.
    for name, value in before.items():
        assert fields[name] == pytest.approx([value] * 3, rel=1e-4)
    assert fields["test_accuracy"] == fields["test_accuracy_by_epoch"][-1]


def test_the_rate_that_the_rules_give_is_the_one_that_trains(planned):
    asked = {"schedule": "plateau", "patience": 1, "stop_patience": 2, "floor": 1e-12, "epochs": 9}
    adapter, fields = train(planned(optimizer="sgd", learning_rate=1e-9, **asked))
    assert len(set(fields["val_accuracy"])) == 1  # it learns nothing
    expected = [1e-9, 1e-9, 1e-10, 1e-11, 1e-12, 1e-12]
    assert fields["learning_rates"] == pytest.approx(expected)
    assert fields["stopped_early"] == "converged"
    assert adapter.rates[:6] == fields["learning_rates"]


def test_a_training_ends_at_its_target_and_is_tested(planned, tmp_path):
    _, fields = train(planned(stop_at=0.01, epochs=5, save=("last",)), tmp_path / "c")
    assert fields["outcome"] == "ok"
    assert fields["stopped_early"] == "target"
    assert len(fields["epoch_s"]) == 1
    assert fields["test_accuracy"] is not None
    (kept,) = (tmp_path / "c").iterdir()
    assert "_epoch1_" in kept.name
    assert checkpoint.read(kept).header.test_accuracy == fields["test_accuracy"]


def test_the_order_of_the_file_and_no_smaller_batch(planned):
    adapter, _ = train(planned(order="file", drop_last=True, split="last"))
    assert adapter.compiled[0] == (2, 16, 0)
    for one in adapter.orders[:3]:
        np.testing.assert_array_equal(one.batches.ravel(), np.arange(32))
        assert one.remainder.size == 0


def test_the_test_set_decides_where_it_is_monitored(planned, tmp_path):
    asked = planned(monitor="test", val_size=0, ties="last", epochs=4)
    _, fields = train(asked, tmp_path / "c")
    accuracies = fields["test_accuracy_by_epoch"]
    best = max(n for n, value in enumerate(accuracies, 1) if value == max(accuracies))
    assert best_epoch(fields, asked) == best
    (kept,) = (tmp_path / "c").iterdir()
    assert f"_epoch{best}_acc{max(accuracies):.4f}" in kept.name


@pytest.mark.parametrize("ties", ["first", "last"])
def test_equal_epochs(planned, tmp_path, ties):
    asked = planned(ties=ties, learning_rate=1e-12)
    _, fields = train(asked, tmp_path / ties)
    chosen = {"first": 1, "last": 3}[ties]
    assert best_epoch(fields, asked) == chosen
    (kept,) = (tmp_path / ties).iterdir()
    assert f"_epoch{chosen}_" in kept.name


def test_going_on_with_the_rules_from_where_they_stood(planned, tmp_path):
    asked = {
        "schedule": "plateau",
        "patience": 2,
        "floor": 1e-12,
        "epochs": 6,
        "learning_rate": 1e-9,
    }
    asked |= {"optimizer": "sgd", "stop_patience": 2, "save_every": 2}
    whole_plan = planned(**asked | {"patience": 3, "stop_patience": 5})
    _, whole = train(whole_plan, tmp_path / "whole")
    assert whole["learning_rates"] == pytest.approx([1e-9] * 4 + [1e-10] * 2)
    (path,) = (tmp_path / "whole").glob("*epoch2_*")
    found = checkpoint.read(path)
    assert found.header.schedule.waited == 1
    start = plan.Start(file=path, sha256=found.sha256, framework="reference", epoch=2)
    _, rest = train(whole_plan.model_copy(update={"start": start}), tmp_path / "rest")
    assert rest["learning_rates"] == whole["learning_rates"][2:]
    # Without what the rules remembered the rate would drop two epochs later.
    fresh = replace(found.header.schedule, waited=0, best=None)
    assert fresh != found.header.schedule


class Bursting(Watched):
    """Its losses are no numbers from the second call on."""

    def train_epoch(self, order, learning_rate):
        losses = super().train_epoch(order, learning_rate)
        return losses if len(self.orders) == 1 else np.full_like(losses, np.nan)


def test_divergence_within_an_epoch_ends_it_at_once(planned):
    adapter, fields = train(planned(val_every=1), adapter=Bursting)
    assert fields["outcome"] == "diverged"
    assert fields["diverged_step"] == 2
    assert len(adapter.orders) == 2


def test_the_last_of_the_file_validate(planned, root):
    data = prepared_data.prepare(planned(split="last", order="file", train_size=1700), 0)
    images = datasets.load("digits", root, (32, 32), "resize")
    np.testing.assert_array_equal(data.train.labels, images.train_labels[:1700])
    np.testing.assert_array_equal(data.validation.labels, images.train_labels[1747:1767])
    np.testing.assert_array_equal(data.test.labels, images.train_labels[1767:])


def test_the_order_of_the_file_sorts_a_random_split(planned, root):
    drawn = prepared_data.prepare(planned(), 0)
    in_order = prepared_data.prepare(planned(order="file"), 0)
    assert drawn.split_sha256 != in_order.split_sha256
    assert sorted(drawn.train.labels) == sorted(in_order.train.labels)
    np.testing.assert_array_equal(drawn.validation.labels, in_order.validation.labels)
    rows = order.split(0, 1797, 40, 20, 30, in_file_order=True).train
    assert (np.diff(rows) > 0).all()


def test_test_images_may_have_a_normalisation_of_their_own(planned):
    plain = prepared_data.prepare(planned(), 0)
    other = prepared_data.prepare(planned(test_mean=(0.0,), test_std=(1.0,)), 0)
    np.testing.assert_array_equal(plain.train.images, other.train.images)
    np.testing.assert_array_equal(plain.validation.images, other.validation.images)
    mean, std = plain.mean[0], plain.std[0]
    np.testing.assert_allclose(other.test.images, plain.test.images * std + mean, atol=1e-6)
