"""Waiting for others to leave the machine alone, on a clock that the test moves."""

from __future__ import annotations

import pytest

from bench.system import quiet
from bench.system.quiet import Patience


class Machine:
    """Busy until a moment, and in bursts; a look at it takes its time."""

    def __init__(self, *bursts: tuple[float, float]) -> None:
        self.now_s, self._bursts, self.told = 0.0, bursts, []

    def busy_cpus(self, watch_s: float) -> float:
        at = self.now_s
        self.now_s += watch_s
        return 1.0 if any(begin <= at < end for begin, end in self._bursts) else 0.0

    def patience(self, limit_s: float) -> Patience:
        return Patience(limit_s, self.busy_cpus, lambda: self.now_s)

    def tell(self, busy_cpus: float, left_s: float) -> None:
        self.told.append((busy_cpus, left_s))


@pytest.fixture(autouse=True)
def two_cpus(monkeypatch):
    monkeypatch.setattr(quiet.machine, "usable_cpus", lambda: (0, 1))


def test_a_quiet_machine_is_looked_at_for_a_while():
    machine = Machine()
    assert machine.patience(60).wait(machine.tell)
    assert machine.now_s == pytest.approx(quiet.QUIET_S)
    assert machine.told == []


def test_a_pause_between_two_bursts_is_none():
    machine = Machine((0, 5), (6, 9))
    assert machine.patience(60).wait(machine.tell)
    assert machine.now_s >= 9 + quiet.QUIET_S
    assert machine.told[0] == (1.0, 60.0)
    assert machine.told[-1][1] == pytest.approx(51.5)


def test_the_time_is_that_of_all_waits_together():
    machine = Machine((0, 4), (20, 1000))
    patience = machine.patience(10)
    assert patience.wait(machine.tell)
    machine.now_s = 20.0
    assert not patience.wait(machine.tell)
    assert machine.now_s == pytest.approx(24.0)
    assert not patience.wait(machine.tell)
    assert machine.now_s == pytest.approx(24.0)


def test_a_look_at_a_quiet_machine_takes_no_patience():
    machine = Machine((100, 103))
    patience = machine.patience(4)
    for _ in range(5):
        assert patience.wait(machine.tell)
    machine.now_s = 100.0
    assert not patience.wait(machine.tell)
    assert machine.told[0][1] == pytest.approx(4.0)


def test_no_patience_does_not_even_look():
    machine = Machine()
    assert not machine.patience(0).wait(machine.tell)
    assert machine.now_s == 0.0
