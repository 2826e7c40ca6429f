"""The parts of a step on a clock that the adapter moves: what it takes is what is found."""

from __future__ import annotations

import numpy as np
import pytest

from bench.contract import Gather, Layers, Loss, ModelOptions, OptimizerSpec, StepWork, Update
from bench.system.clocks import Clocks
from bench.system.contention import Taken
from bench.worker.messages import ProfileStep, RoundTimed
from bench.worker.step_profile import profile
from bench.workload.pieces import pieces

BATCH, ROUNDS = 16, 3


class Machine:
    def __init__(self):
        self.now_s, self.calls, self.watched = 0.0, [], 0
        self.clocks = Clocks(lambda: self.now_s, lambda: self.now_s, watch=self.watch)

    def watch(self):
        start_s, self.watched = self.now_s, self.watched + 1
        number = self.watched
        return lambda: Taken(self.now_s - start_s, 2, others=0.9 if number == 2 else 0.0)


class Adapter:
    """Takes 1 ms forward, 2 more to the inputs, 4 more to the parameters, other parts 0.5 ms."""

    def __init__(self, machine):
        self.machine = machine

    def build(self, model, parameters, optimizer, device, threads):
        self.model, self.optimizer = model, optimizer

    def load(self, images, labels):
        assert images.dtype == np.float32
        assert images.shape[1:] == self.model.input_shape
        assert len(images) == len(labels)
        self.loaded = len(images)

    def snapshot(self):
        return None

    def restore(self, snapshot):
        pass

    def compile(self, epoch):
        self.compiled = epoch.batches.shape

    def synchronize(self):
        pass

    def train_epoch(self, epoch, rate):
        assert epoch.batches.shape[1] == BATCH
        assert rate > 0
        self.machine.now_s += 0.1 * epoch.steps
        self.machine.calls.append("step")

    def step_part(self, part):
        match part:
            case Layers():
                assert self.loaded == len(part.above) == BATCH
                assert self.optimizer == OptimizerSpec("sgd")
                taken_s = 1e-3 + 2e-3 * part.inputs + 4e-3 * part.parameters
            case Gather():
                assert self.loaded > part.rows.max()
                assert len(part.rows) == BATCH
                taken_s = 5e-4
            case Loss():
                taken_s = 5e-4
            case Update():
                assert self.optimizer == OptimizerSpec("adam")
                assert part.gradients.keys() == self.model.parameter_shapes().keys()
                taken_s = 5e-4
        name = f"{type(part).__name__} {self.model.name}"

        def run(times):
            assert times >= 1
            self.machine.now_s += times * taken_s
            self.machine.calls.append(name)

        return StepWork(run, dict)


@pytest.fixture(scope="module")
def found():
    machine, events = Machine(), []
    task = ProfileStep(
        framework="torch",
        threads=1,
        device="cpu",
        model="lenet5",
        options=ModelOptions(),
        input_shape=(32, 32, 1),
        classes=10,
        optimizer=OptimizerSpec("adam"),
        batch_size=BATCH,
        rounds=ROUNDS,
        window_s=0.02,
        seed=0,
    )
    profile(task, lambda: Adapter(machine), machine.clocks, events.append)
    return machine, [one for one in events if isinstance(one, RoundTimed)]


def test_every_part_takes_what_it_takes(found):
    _, rounds = found
    assert [one.number for one in rounds] == [1, 2, 3]
    for one in rounds:
        assert one.seconds["conv1, forward"] == pytest.approx(1e-3)
        assert one.seconds["conv1, whole"] == pytest.approx(5e-3)
        assert one.seconds["pool1, inputs"] == pytest.approx(3e-3)
        assert one.seconds["dense3, whole"] == pytest.approx(7e-3)
        assert one.seconds["update"] == pytest.approx(5e-4)
        assert one.seconds["step"] == pytest.approx(0.1)
        assert {"conv1, inputs", "pool1, whole"}.isdisjoint(one.seconds)


def test_what_is_timed_is_what_a_profile_asks_for(found):
    """So that no part of a step is read that was not measured."""
    from tests.results.test_step_profile import seconds

    assert found[1][0].seconds.keys() == seconds().keys()


def test_a_round_that_others_disturbed_says_so(found):
    assert [one.disturbed for one in found[1]] == [False, True, False]


def test_each_round_has_an_order_of_its_own(found):
    machine, rounds = found
    count = len(rounds[0].seconds)
    last = [machine.calls[len(machine.calls) - count * n :][:count] for n in range(ROUNDS, 0, -1)]
    assert all(sorted(one) == sorted(last[0]) for one in last)
    assert last[0] != last[1] != last[2]
    assert len(pieces_of(machine)) == 7


def pieces_of(machine):
    return {call for call in machine.calls if call.startswith("Layers")}


def test_the_network_is_cut_into_these(found):
    from bench.workload import models

    names = {f"Layers {one.model.name}" for one in pieces(models.build("lenet5", (32, 32, 1), 10))}
    assert pieces_of(found[0]) == names
