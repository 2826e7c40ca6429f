"""What is timed and what is not, with a clock that moves only when something is done."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import numpy as np
import pytest

from bench import datasets, order, plan, preparation, trainer
from bench.errors import UnavailableError
from bench.options import Options

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
}


class Costly:
    """An adapter each of whose calls takes a known time on the test's clock."""

    def __init__(self, clock: Clock, losses=(2.0, 1.0, 0.5)):
        self._clock, self._losses = clock, losses
        self.calls: list[str] = []
        self.collected = []
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

    def compile(self, steps, batch_size, remainder):
        self.spend("compile")
        self.shape = (steps, batch_size, remainder)

    def train_epoch(self, batches, learning_rate):
        self.spend("train_epoch")
        self.collected.append(gc.isenabled())
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

    def compilations(self):
        return 0

    def multiply(self, size, times):
        self.multiplied = (size, times)

    def versions(self):
        self.spend("versions")
        return {"costly": "1"}

    def memory(self):
        self.spend("memory")
        return 123


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    root: Path = tmp_path_factory.mktemp("data")
    source = preparation.source(datasets.load("digits", root, plan.INPUT_SIZE, "resize"))
    asked = Options(
        frameworks=("torch",),
        devices=("cpu",),
        data_root=root,
        train_size=10,
        val_size=20,
        test_size=30,
        batch_size=4,
        epochs=2,
    )
    return plan.make(asked, source)


def train(planned, device="cpu", losses=(2.0, 1.0, 0.5), keep=None):
    clock, events = Clock(), []
    made = []

    def create():
        made.append(Costly(clock, losses))
        return made[0]

    def send(kind, value):
        events.append({kind: json.loads(json.dumps(value, allow_nan=False))})

    cell = plan.Cell(framework="torch", device=device, seed=0)
    trainer.train_cell(planned, cell, create, send, clock, keep)
    measured = {k: v for event in events for k, v in event.get("measured", {}).items()}
    epochs = [event["epoch"] for event in events if "epoch" in event]
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
    assert events[-1] == {"end": {"status": "ok"}}


def test_saving_is_on_nobodys_clock(planned):
    kept = []

    def keep(adapter, data, epoch, figures):
        kept.append((epoch, sorted(figures)))
        adapter.spend("export")

    of_epoch = ["epoch_s", "train_loss", "val_accuracy", "val_loss"]
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
    assert adapter.collected == [False, False]
    assert gc.isenabled()


def test_a_loss_is_weighted_by_the_images_of_its_batch(planned):
    adapter, _, epochs, _ = train(planned)
    assert adapter.shape == (2, 4, 2)
    assert epochs[0]["train_loss"] == pytest.approx((4 * 2.0 + 4 * 1.0 + 2 * 0.5) / 10)


def test_hashes_are_those_of_what_was_given(planned):
    adapter, measured, *_ = train(planned)
    data = preparation.prepare(planned, 0)
    np.testing.assert_array_equal(adapter.images, data.train.images)
    assert measured["split_sha256"] == data.split_sha256
    orders = (order.epoch_order(0, epoch, 10, 4) for epoch in range(2))
    assert measured["order_sha256"] == order.order_sha256(orders)
    weights = order.initial_parameters(0, planned.spec())
    assert measured["initial_weights_sha256"] == order.parameters_sha256(weights)
    assert measured["parameters"] == 61_706


def test_accuracy_is_counted_by_the_harness(planned):
    _, measured, epochs, _ = train(planned)
    data = preparation.prepare(planned, 0)
    assert measured["test_accuracy"] == np.mean(data.test.labels == 3)
    assert epochs[1]["val_accuracy"] == np.mean(data.validation.labels == 3)


def test_a_loss_that_is_not_finite_ends_the_cell(planned):
    _, measured, epochs, events = train(planned, losses=(2.0, np.nan, np.inf))
    assert len(epochs) == 1
    assert epochs[0]["train_loss"] is None
    assert "test_accuracy" not in measured
    assert events[-1]["end"]["status"] == "diverged"
    assert events[-1]["end"]["diverged_step"] == 2


def test_a_device_that_the_framework_does_not_see(planned):
    with pytest.raises(UnavailableError, match="torch sees no gpu here, only cpu"):
        train(planned, device="gpu")
