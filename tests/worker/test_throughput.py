"""Windows of throughput on a clock that the test moves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.system.clocks import Clocks
from bench.system.contention import Taken
from bench.worker import throughput
from bench.workload import order

BATCH = 4


class Machine:
    """An adapter whose windows take what the test says, per step, one entry a window.

    `others` is their share of the CPUs in a window; None: nobody knows.
    """

    def __init__(self, step_s, compiling=(), threads=1.0, watts=None, others=lambda window: None):
        self.now_s, self.cpu_s, self.windows = 0.0, 0.0, 0
        self._step_s, self._compiling = step_s, set(compiling)
        self._threads, self._watts = threads, watts
        self._has_compiled, self._others = False, others
        self.compiled, self.steps = [], []
        self.clocks = Clocks(
            lambda: self.now_s, lambda: self.cpu_s, energy=self.energy, watch=self.watch
        )

    def watch(self):
        window, start_s = self.windows, self.now_s
        return lambda: Taken(self.now_s - start_s, 2, others=self._others(window))

    def energy(self):
        return None if self._watts is None else self.now_s * self._watts

    def snapshot(self):
        return self.windows

    def restore(self, snapshot):
        self.windows = snapshot

    def compile(self, epoch):
        self._has_compiled = True
        self.compiled.append((*epoch.batches.shape, len(epoch.remainder)))
        self.now_s += 100.0

    def compiled_since(self):
        found, self._has_compiled = self._has_compiled, False
        return found

    def synchronize(self):
        pass

    def train_epoch(self, batches, learning_rate):
        self.steps.append(batches.steps)
        spent_s = batches.steps * self._step_s(self.windows)
        if self.windows in self._compiling:
            self._has_compiled = True
            spent_s += 50.0
        self.windows += 1
        self.now_s += spent_s
        self.cpu_s += spent_s * self._threads


def measure(machine, wanted=8, window_s=0.25):
    orders = (order.epoch_order(0, epoch, 30, BATCH) for epoch in itertools.count())
    told = []
    found = throughput.throughput(
        machine, orders, 0.1, machine.clocks, wanted=wanted, window_s=window_s,
        tell=lambda number, rate: told.append((number, rate)),
    )  # fmt: skip
    return found, told


def constant(window):
    return 0.01


def test_a_constant_speed_needs_no_warm_up():
    machine = Machine(constant)
    found, told = measure(machine)
    assert found.window_steps == 25
    assert found.images_per_s == pytest.approx(BATCH / 0.01)
    assert found.windows_s == pytest.approx([0.25] * 8)
    assert (found.steady, found.warm_up_windows, found.compiling_windows) == (True, 0, 0)
    assert [number for number, _ in told] == list(range(1, 9))
    assert machine.compiled[-1] == (25, BATCH, 0)


def test_slow_windows_at_first_are_warm_up():
    machine = Machine(lambda window: 0.01 * (3 if window < 6 else 1))
    found, _ = measure(machine)
    assert found.steady
    assert found.images_per_s == pytest.approx(BATCH / 0.01)
    assert found.warm_up_windows >= 1
    assert found.warm_up_s > 0


def test_a_speed_that_never_settles_is_told():
    machine = Machine(lambda window: 0.01 * 1.05**window)
    found, told = measure(machine)
    assert not found.steady
    assert len(told) == throughput.MOST_WINDOWS * 8
    assert len(found.windows_s) == 8


def test_windows_in_which_something_was_compiled_do_not_count():
    machine = Machine(constant, compiling=(3, 5))
    found, told = measure(machine)
    assert found.compiling_windows == 2
    assert len(told) == 10
    assert max(found.windows_s) == pytest.approx(0.25)


def test_a_framework_that_compiles_in_every_window():
    with pytest.raises(RuntimeError, match="compiled in each of 32 windows"):
        measure(Machine(constant, compiling=range(1000)))


def test_windows_that_others_disturbed_do_not_count():
    others = {5: 0.4, 6: 0.5, 9: 0.3}
    machine = Machine(
        lambda window: 0.05 if window in others else 0.01,
        others=lambda window: others.get(window, 0.0),
    )
    found, told = measure(machine)
    assert found.images_per_s == pytest.approx(BATCH / 0.01)
    assert (found.clean_windows, found.measured_windows, len(told)) == (8, 11, 11)
    assert (found.disturbed, found.steady, found.warm_up_windows) == (False, True, 0)
    seconds = 8 * 0.25 + 3 * 1.25
    assert found.others_share == pytest.approx(1.25 * sum(others.values()) / seconds)


@pytest.mark.parametrize(("clean", "disturbed"), [(4, False), (3, True)])
def test_enough_clean_windows_are_half_of_those_wanted(clean, disturbed):
    left_alone = [6 * (1 + number) for number in range(clean)]
    machine = Machine(
        lambda window: 0.01 if window in left_alone else 0.02,
        others=lambda window: 0.0 if window in left_alone else 0.5,
    )
    found, told = measure(machine)
    assert len(told) == found.measured_windows == throughput.MOST_WINDOWS * 8
    assert (found.clean_windows, found.disturbed) == (clean, disturbed)
    assert len(found.windows_s) == (8 if disturbed else 4)
    assert found.images_per_s == pytest.approx(BATCH / (0.02 if disturbed else 0.01))


def test_where_nobody_knows_what_others_did():
    found, _ = measure(Machine(constant))
    assert (found.disturbed, found.clean_windows, found.others_share) == (None, None, None)
    assert found.measured_windows == 8


def test_windows_that_were_counted_on_a_slow_machine_are_made_longer():
    """Else what is clean would be too short to be told from what is not."""
    machine = Machine(lambda window: 0.2 if window < 4 else 0.001)
    found, _ = measure(machine)
    assert found.window_steps == 250
    assert found.windows_s == pytest.approx([0.25] * 8)
    assert found.images_per_s == pytest.approx(BATCH / 0.001)
    assert found.warm_up_windows >= 1


def test_a_short_window_at_the_end_leaves_those_before_it():
    """There are no tries left in which longer ones could be measured."""
    last = throughput.MOST_WINDOWS * 8  # one window calibrates before them
    machine = Machine(lambda window: 0.2 if window < last else 0.1, others=lambda window: 0.5)
    found, told = measure(machine)
    assert len(told) == found.measured_windows == last
    assert found.window_steps == 1
    assert found.windows_s == pytest.approx([0.2] * 7 + [0.1])


def test_short_windows_that_cannot_be_made_longer_are_windows_as_others():
    """A step takes as long as a window, or half of it, by chance."""
    machine = Machine(lambda window: 0.1 if window == 3 else 0.2)
    found, told = measure(machine)
    assert (found.window_steps, found.measured_windows, found.warm_up_windows) == (1, 8, 0)
    assert len(told) == 8


def test_a_window_that_nothing_is_known_of_is_not_clean():
    """Such as one that is too short for the counters."""
    others = {3: None, 5: None}
    found, _ = measure(Machine(constant, others=lambda window: others.get(window, 0.0)))
    assert (found.clean_windows, found.measured_windows) == (8, 10)
    assert found.disturbed is False


def test_a_little_all_the_time_is_too_much():
    """No window tells it from the grain of the counters, all of them together do."""
    found, _ = measure(Machine(constant, others=lambda window: 0.05))
    assert (found.clean_windows, found.measured_windows) == (8, 8)
    assert found.disturbed


def test_threads_and_energy():
    found, _ = measure(Machine(constant, threads=1.9, watts=20.0))
    assert found.busy_threads == pytest.approx(1.9)
    assert found.energy_j == pytest.approx(20.0 * sum(found.windows_s))


@pytest.mark.parametrize(
    ("step_s", "steps"), [(10.0, 1), (1e-9, throughput.MOST_STEPS), (0.1, 2), (0.001, 250)]
)
def test_length_of_a_window(step_s, steps):
    found, _ = measure(Machine(lambda window: step_s), wanted=4)
    assert found.window_steps == steps


def test_batches_come_without_a_gap_and_are_full():
    """A window may need more batches than an epoch has."""
    machine = Machine(constant)
    measure(machine)
    assert all(steps in (4, 16, 25) for steps in machine.steps)


@pytest.mark.parametrize(
    ("seconds", "steady"),
    [
        ([1.0] * 8, True),
        ([1.0] * 4 + [1.019] * 4, True),  # within 2 %
        ([1.0] * 4 + [1.03] * 4, False),  # beyond, and without any noise
        ([1.0, 1.2, 0.9, 1.1, 1.05, 1.25, 0.95, 1.15], True),  # 5 % of noise of 10 %
        ([2.0, 1.9, 1.8, 1.7, 1.1, 1.05, 1.0, 0.95], False),
        ([1.0, 1.0, 1.0], False),
    ],
)
def test_steady(seconds, steady):
    assert throughput.is_steady(seconds) is steady


def test_noise_alone_is_steady_and_a_drift_in_it_is_not():
    random = np.random.default_rng(0)
    noise = random.lognormal(0, 0.03, (2000, 20))
    assert np.mean([throughput.is_steady(row) for row in noise]) > 0.97
    drift = noise * np.linspace(1.0, 1.3, 20)
    assert np.mean([throughput.is_steady(row) for row in drift]) < 0.1
