"""What the probes read off an adapter, and the images that they choose."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from bench.contract import OptimizerSpec
from bench.system.clocks import Clocks
from bench.verification import examination, probes, problems
from bench.workload import order
from bench.workload.models import lenet5
from impls.reference.adapter import ReferenceAdapter

from .faults import DroppedRemainder, FirstEpochForever, reordered, repeated_image


def gathered(adapter):
    return list(probes.gathered(adapter, ReferenceAdapter(), "cpu", 1, 3))


def test_the_hash_is_that_of_the_order():
    """Of the harness's own order, with each batch sorted."""
    for epoch, seen in enumerate(gathered(ReferenceAdapter())):
        told = order.epoch_order(3, epoch, 144, 32)
        none = np.empty(0, np.int32)
        sorted_ = [
            order.EpochBatches(np.sort(b)[None], none) for b in (*told.batches, told.remainder)
        ]
        assert seen.got == seen.told == order.order_sha256(sorted_)
        assert (seen.misplaced, seen.where) == (0, "")


def test_rates_at_which_training_does_not_explode():
    rates = {
        (name, momentum): problems.learning_rate(OptimizerSpec(name, momentum=momentum))
        for name, momenta in (("sgd", (0.0, 0.9, 0.99)), ("rmsprop", (0.0, 0.9, 0.99)))
        for momentum in momenta
    } | {name: problems.learning_rate(OptimizerSpec(name)) for name in ("adam", "adamw")}
    assert rates == pytest.approx(
        {
            **{("sgd", 0.0): 0.05, ("sgd", 0.9): 0.05, ("sgd", 0.99): 0.005},
            **{("rmsprop", 0.0): 3e-5, ("rmsprop", 0.9): 1e-5, ("rmsprop", 0.99): 1e-6},
            **{"adam": 1e-3, "adamw": 1e-3},
        }
    )


def test_an_image_twice_and_one_left_out():
    first, second = gathered(reordered(repeated_image)())
    told = order.epoch_order(3, 0, 144, 32).batches[0]
    assert first.misplaced == second.misplaced == 2
    assert first.got != first.told
    lost = f"image {told[1]} ordered for step 1, gathered in none"
    twice = f"image {told[0]} ordered for step 1, gathered in step 1, 1"
    assert first.where in (f"epoch 1: {lost}", f"epoch 1: {twice}")


def test_a_batch_that_is_dropped():
    for seen in gathered(DroppedRemainder()):
        assert seen.misplaced == 16
        assert seen.where.endswith("ordered for step 5, gathered in none")


def test_a_stale_order_shows_in_the_second_epoch():
    first, second = gathered(FirstEpochForever())
    assert first.misplaced == 0
    assert second.misplaced > 100


def test_a_mark_that_no_step_explains():
    class TrainsTooMuch(ReferenceAdapter):
        def train_epoch64(self, order, learning_rate):
            return super().train_epoch64(order, 3 * learning_rate)

    first, _ = gathered(TrainsTooMuch())
    assert first.misplaced == 144
    assert re.fullmatch(
        r"epoch 1: image 0 ordered for step \d, gathered in step unknown", first.where
    )


def test_steps_leave_marks_that_differ():
    """By more than ten times what is taken for the same."""
    oracle = ReferenceAdapter()
    adapter = ReferenceAdapter()
    list(probes.gathered(adapter, oracle, "cpu", 1, 0))
    told = order.epoch_order(0, 2, 144, 32)
    marks = probes._marks(oracle, told, adapter.export()["dense/kernel"])
    for one, other in itertools.combinations(marks.T, 2):
        assert (np.abs(one - other) > 10 * probes.RECOGNISED * marks.max()).all()


def test_busy_cpus_is_cpu_time_over_wall_time_once_an_epoch_was_trained():
    class Idle(ReferenceAdapter):
        trained = 0

        def train_epoch(self, order, learning_rate):
            Idle.trained += 1

    wall = itertools.count(0.0, 0.1)
    cpu = iter([5.0, 6.2])
    begun: list[int] = []

    def cpu_s() -> float:
        begun.append(Idle.trained)
        return next(cpu)

    clocks = Clocks(lambda: next(wall), cpu_s)
    # Wall: 0.0 at the start, then 0.1 to 0.6 before each epoch or the end.
    assert probes.busy_cpus(Idle(), None, 0.1, clocks, watch_s=0.55) == pytest.approx(1.2 / 0.6)
    assert begun == [1, 6]


def test_a_thread_that_only_dispatches_is_not_among_those_that_compute():
    class Ahead(ReferenceAdapter):
        dispatches_ahead = True

        def train_epoch(self, order, learning_rate):
            pass

    def busy(adapter: ReferenceAdapter) -> float:
        wall, cpu, caller = itertools.count(0.0, 0.5), iter([5.0, 6.6]), iter([1.0, 1.7])
        clocks = Clocks(lambda: next(wall), lambda: next(cpu), lambda: next(caller))
        return probes.busy_cpus(adapter, None, 0.1, clocks, watch_s=0.8)

    assert busy(Ahead()) == pytest.approx(0.9)
    Ahead.dispatches_ahead = False
    assert busy(Ahead()) == pytest.approx(1.6)


def test_clear_images_are_clear():
    problem = problems.problem(lenet5((32, 32, 1), 10), 0)
    oracle = ReferenceAdapter()
    problem.start(oracle, OptimizerSpec("sgd"), "cpu", 1)
    rows, _ = problem.clear_rows(oracle, 1, 200)
    assert len(set(rows.tolist())) == 200
    assert (oracle.margins64(rows) > problems.CLEAR).all()
    those_too = problem.rows(1, 400)
    assert set(rows.tolist()) < set(those_too.tolist())
    assert (oracle.margins64(those_too) <= problems.CLEAR).any()  # there is something to avoid


def test_an_image_at_a_kink_has_no_margin():
    """A bias that puts a unit of dense2 at 0 for one image: this image's margin is 0."""
    problem = problems.problem(lenet5((32, 32, 1), 10), 0)
    oracle = ReferenceAdapter()
    problem.start(oracle, OptimizerSpec("sgd"), "cpu", 1)
    rows, _ = problem.clear_rows(oracle, 1, 4)
    before = oracle.margins64(rows)
    bias = "dense1/bias"
    weights = oracle.export64()
    eye = np.zeros_like(weights["dense2/kernel"])
    eye[:84] = np.eye(84)
    shown = weights | {"dense2/kernel": eye, "dense3/kernel": np.eye(84)[:, :10]}
    oracle.follow(shown | {"dense2/bias": np.zeros(84)})
    images = problem.images[rows]
    unit = int(oracle.predict64(images)[0].argmax())
    z = oracle.predict64(images)[0, unit] - weights["dense3/bias"][unit]
    tipped = weights[bias].copy()
    tipped[unit] -= z
    oracle.follow(weights | {bias: tipped})
    after = oracle.margins64(rows)
    assert before[0] > problems.CLEAR
    assert after[0] < 1e-15


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (OptimizerSpec("adam"), "adam"),
        (
            OptimizerSpec("sgd", momentum=0.9, weight_decay=5e-4),
            "sgd, momentum 0.9, weight decay 0.0005",
        ),
        (OptimizerSpec("rmsprop", epsilon_form="inside"), "rmsprop, epsilon form inside"),
        (
            OptimizerSpec("sgd", momentum=0.5, rate_in_momentum=True),
            "sgd, momentum 0.5, rate in momentum",
        ),
    ],
)
def test_labels(spec, text):
    assert examination.label(spec) == text
