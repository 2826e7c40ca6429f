"""What is timed and what is not, with a clock that moves only when something is done."""

from __future__ import annotations

import gc
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.config import plan
from bench.contract import AdapterBase, factor
from bench.errors import UnavailableError
from bench.system.clocks import Clocks
from bench.worker import prepared_data, trainer
from bench.worker.messages import Ended, EpochEnded, Measured, PhaseBegun
from bench.workload import datasets, order
from impls.reference.adapter import ReferenceAdapter

COSTS_S = {
    "create": 1.0,
    "devices": 2.0,
    "build": 4.0,
    "load": 8.0,
    "compile": 16.0,
    "train_epoch": 32.0,
    "predict": 64.0,
    "synchronize": 0.5,
    "export": 1000.0,
    "versions": 1000.0,
    "memory": 1000.0,
    "multiply": 0.25,
}


class Costly(AdapterBase):
    """An adapter each of whose calls takes a known time on the test's clock."""

    changed_by_steps = ("_parameters",)

    def __init__(self, clock: Clock, losses=(2.0, 1.0, 0.5)):
        self._clock, self._losses = clock, losses
        self.calls: list[str] = []
        self.collected = []
        self.shapes = []
        self.trained = []
        self._parameters = {}
        self.spend("create")

    def spend(self, call):
        self.calls.append(call)
        self._clock.now_s += COSTS_S[call]

    def devices(self):
        self.spend("devices")
        return ("cpu",)

    def build(self, model, parameters, optimizer, device, threads):
        self.spend("build")
        self._parameters = dict(parameters)
        self._classes = model.classes

    def load(self, images, labels):
        self.spend("load")
        self.images = images

    def compile(self, epoch):
        self.spend("compile")
        self.shapes.append((*epoch.batches.shape, len(epoch.remainder)))

    def train_epoch(self, batches, learning_rate):
        self.spend("train_epoch")
        self.collected.append(gc.isenabled())
        self.trained.append(batches)
        return np.array(self._losses[: batches.steps], dtype=np.float32)

    def predict(self, images):
        self.spend("predict")
        logits = np.zeros((len(images), self._classes), dtype=np.float32)
        logits[:, 3] = 1
        return logits

    def export(self):
        self.spend("export")
        return self._parameters

    def synchronize(self):
        self.spend("synchronize")

    def gradients(self, indices, draws=()):
        raise AssertionError("nobody asks for them")

    def compiled_since(self):
        return False

    def multiply(self, matrix, times):
        for _ in range(times):
            self.spend("multiply")
        return _power(len(matrix), times + 1)

    def versions(self):
        self.spend("versions")
        return {"costly": "1"}

    def memory(self):
        self.spend("memory")
        return 123


@cache
def _power(size, exponent):
    """Of the matrix that is multiplied."""
    return factor(size) if exponent == 1 else factor(size) @ _power(size, exponent - 1)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    root: Path = tmp_path_factory.mktemp("data")
    source = prepared_data.source(datasets.load("digits", root, (32, 32), "resize"))
    asked = {
        "frameworks": ("torch",),
        "devices": ("cpu",),
        "data_root": root,
        "train_size": 10,
        "val_size": 20,
        "test_size": 30,
        "batch_sizes": (4,),
        "epochs": 2,
        "windows": 4,
        "window_s": 1.0,
    }
    return plan.make(asked, source)


def train(planned, device="cpu", losses=(2.0, 1.0, 0.5), keep=None, throughput_only=False):
    clock, events = Clock(), []
    made = []

    def create():
        made.append(Costly(clock, losses))
        return made[0]

    cell = plan.Cell(
        framework="torch",
        device=device,
        seed=0,
        batch_size=4,
        threads=1,
        throughput_only=throughput_only,
    )
    clocks = Clocks(clock, clock)
    events.append(trainer.train_cell(planned, cell, create, events.append, clocks, keep))
    measured = {k: v for e in events if isinstance(e, Measured) for k, v in e.figures.items()}
    epochs = [event.figures for event in events if isinstance(event, EpochEnded)]
    return made[0], measured, epochs, events


def test_each_phase_costs_what_it_did_and_nothing_else(planned):
    _, measured, epochs, events = train(planned)
    assert measured["import_s"] == COSTS_S["create"]
    assert measured["device_start_s"] == COSTS_S["devices"]
    assert measured["build_s"] == COSTS_S["build"] + COSTS_S["synchronize"]
    assert measured["placement_s"] == COSTS_S["load"] + COSTS_S["synchronize"]
    assert measured["compile_s"] == COSTS_S["compile"] + COSTS_S["synchronize"]
    assert measured["eval_s"] == 3 * COSTS_S["predict"]  # two epochs and the test
    for epoch in epochs:
        assert epoch["epoch_s"] == COSTS_S["train_epoch"] + COSTS_S["synchronize"]
    assert events[-1] == Ended(outcome="ok")


def test_saving_is_on_nobodys_clock(planned):
    kept = []

    def keep(adapter, data, epoch, figures, after):
        kept.append((epoch, sorted(figures)))
        adapter.spend("export")

    of_epoch = ["epoch_s", "learning_rates", "train_loss", "val_accuracy", "val_loss"]
    _, measured, epochs, _ = train(planned, keep=keep)
    of_test = sorted([*of_epoch, "test_accuracy", "test_loss"])
    assert kept == [(1, of_epoch), (2, of_epoch), (2, of_test)]
    assert {e["epoch_s"] for e in epochs} == {COSTS_S["train_epoch"] + COSTS_S["synchronize"]}
    assert measured["eval_s"] == 3 * COSTS_S["predict"]


def test_the_device_is_idle_at_both_edges_of_an_epoch(planned):
    adapter, *_ = train(planned)
    for index, call in enumerate(adapter.calls):
        if call == "train_epoch":
            assert adapter.calls[index - 1] == adapter.calls[index + 1] == "synchronize"


def test_the_collector_rests_during_epochs_and_works_afterwards(planned):
    adapter, *_ = train(planned)
    assert not any(adapter.collected)
    assert len(adapter.collected) > 2
    assert gc.isenabled()


def test_a_loss_is_weighted_by_the_images_of_its_batch(planned):
    adapter, _, epochs, _ = train(planned)
    assert adapter.shapes[0] == (2, 4, 2)
    assert epochs[0]["train_loss"] == pytest.approx((4 * 2.0 + 4 * 1.0 + 2 * 0.5) / 10)


def test_hashes_are_those_of_what_was_given(planned):
    adapter, measured, *_ = train(planned)
    data = prepared_data.prepare(planned, 0)
    np.testing.assert_array_equal(adapter.images, data.train.images)
    assert measured["split_sha256"] == data.split_sha256
    orders = (order.epoch_order(0, epoch, 10, 4) for epoch in range(2))
    assert measured["order_sha256"] == order.order_sha256(orders)
    weights = order.initial_parameters(0, planned.spec())
    assert measured["initial_weights_sha256"] == order.parameters_sha256(weights)
    assert measured["parameters"] == 61_706


def test_accuracy_is_counted_by_the_harness(planned):
    _, measured, epochs, _ = train(planned)
    data = prepared_data.prepare(planned, 0)
    assert measured["test_accuracy"] == np.mean(data.test.labels == 3)
    assert epochs[1]["val_accuracy"] == np.mean(data.validation.labels == 3)


def test_a_loss_that_is_not_finite_ends_the_cell(planned):
    _, measured, epochs, events = train(planned, losses=(2.0, np.nan, np.inf))
    assert len(epochs) == 1
    assert epochs[0]["train_loss"] is None
    assert "test_accuracy" not in measured
    assert events[-1].outcome == "diverged"
    assert events[-1].diverged_step == 2


def test_losses_must_be_one_a_step(planned):
    with pytest.raises(ValueError, match=r"losses of train_epoch are float32 \(2,\), .* \(3,\)"):
        train(planned, losses=(2.0, 1.0))


def test_logits_must_be_of_every_image_and_class(planned, monkeypatch):
    monkeypatch.setattr(Costly, "predict", lambda _, images: np.zeros((len(images), 9)))
    with pytest.raises(ValueError, match=r"logits of predict are float64 \(\d+, 9\), .*, 10\)"):
        train(planned)


def test_a_device_that_the_framework_does_not_see(planned):
    with pytest.raises(UnavailableError, match="torch sees no gpu here, only cpu"):
        train(planned, device="gpu")


def test_throughput_is_measured_after_the_test_and_changes_nothing_before(planned):
    adapter, measured, epochs, events = train(planned)
    assert len(epochs) == 2
    window_s = COSTS_S["train_epoch"] + COSTS_S["synchronize"]
    assert measured["windows_s"] == [window_s] * 4
    assert measured["window_steps"] == 1  # a step takes longer than the window that was asked for
    assert measured["images_per_s"] == 4 / window_s
    assert measured["steady"] is True
    assert (measured["warm_up_windows"], measured["warm_up_s"]) == (0, 0)
    assert measured["busy_threads"] == 1
    assert measured["energy_j"] is None
    phases = [event.name for event in events if isinstance(event, PhaseBegun)]
    assert phases[-3:] == ["test", "throughput", "limit"]
    last_test = max(i for i, call in enumerate(adapter.calls) if call == "predict")
    assert adapter.calls[last_test:].count("train_epoch") == 5  # one to find the window's length


def test_windows_go_on_with_full_batches_of_further_epochs(planned):
    adapter, *_ = train(planned)
    further = [order.epoch_order(0, epoch, 10, 4).batches for epoch in range(2, 12)]
    expected = np.concatenate(further)
    got = np.concatenate([one.batches for one in adapter.trained[2:]])
    np.testing.assert_array_equal(got, expected[1 : 1 + len(got)])
    assert not any(one.remainder.size for one in adapter.trained[2:])


def test_throughput_alone(planned):
    adapter, measured, epochs, _ = train(planned, throughput_only=True)
    assert epochs == []
    assert "predict" not in adapter.calls
    assert "test_accuracy" not in measured
    assert measured["images_per_s"] > 0
    assert measured["initial_weights_sha256"]


def test_what_the_machine_could_reach(planned):
    _, measured, *_ = train(planned)
    one_product_s = COSTS_S["multiply"]
    assert measured["matrix_gflop_per_s"] == pytest.approx(2 * 1024**3 / one_product_s / 1e9)
    assert measured["flops_per_image"] == 2_263_920


def test_an_adapter_that_cannot_be_deterministic() -> None:
    class Careless(ReferenceAdapter):
        make_deterministic = AdapterBase.make_deterministic

    trainer.make_deterministic(ReferenceAdapter(), "reference")
    with pytest.raises(UnavailableError, match="careless cannot be held to deterministic"):
        trainer.make_deterministic(Careless(), "careless")
