"""What others took of a process's CPUs, by counters that the test writes, and by those of Linux."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.system import contention
from bench.system.contention import Reading, Taken, Watch, between, most_of_others, total

linux = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="Linux counts it")


def reading(wall=0.0, own=0.0, counted=0.0, busy=0.0, stolen=0.0, **others) -> Reading:
    return Reading(wall, own, counted, busy, stolen, **others)


def test_shares_of_the_time_of_the_cpus():
    after = reading(2.0, own=3.0, counted=4.0, busy=3.4, stolen=0.2, throttled=0.5)
    found = between(reading(throttled=0.0), after, cpus=2)
    assert found.others == pytest.approx(0.4 / 4)
    assert found.stolen == pytest.approx(0.2 / 4)
    assert found.throttled == pytest.approx(0.5 / 2)
    assert found.waited is None


def test_threads_that_wait_for_a_cpu():
    before = reading(waited={1: 5.0, 2: 7.0})  # the second ends, a third begins
    after = reading(1.0, counted=2.0, waited={1: 5.3, 3: 0.1})
    assert between(before, after, cpus=2).waited == pytest.approx(0.4 / 2)


@pytest.mark.parametrize(
    "after",
    [
        reading(0.04, counted=0.08),  # less than five ticks
        Reading(1.0, 0.5),  # no such file
        reading(1.0, own=0.5, counted=0.0),  # a file in which nothing is counted
    ],
)
def test_what_is_not_counted_is_not_known(after):
    found = between(reading() if after.counted is not None else Reading(0.0, 0.0), after, cpus=2)
    assert (found.others, found.stolen) == (None, None)
    assert found.is_disturbed is None


def test_no_time_tells_nothing():
    assert between(reading(1.0), reading(1.0), cpus=2) == Taken(cpus=2)


@pytest.mark.parametrize(
    ("seconds", "taken", "disturbed"),
    [
        (0.25, Taken(others=0.0, stolen=0.0), False),
        (0.25, Taken(others=0.055, stolen=0.05, throttled=0.01), False),
        (0.25, Taken(others=0.065, stolen=0.0), True),
        (0.25, Taken(others=0.0, stolen=0.06), True),
        (5.0, Taken(others=0.015, stolen=0.015), False),
        (5.0, Taken(others=0.025), True),  # which a short stretch cannot tell
        (5.0, Taken(others=0.0, stolen=0.025), True),
        (5.0, Taken(throttled=0.02), True),
        (5.0, Taken(throttled=0.0), None),
        (5.0, Taken(), None),
    ],
)
def test_disturbed(seconds, taken, disturbed):
    assert replace(taken, seconds=seconds, cpus=2).is_disturbed is disturbed


@pytest.mark.parametrize("cpus", [1, 2, 4, 16, 64])
def test_one_busy_program_is_too_much_for_any_machine(cpus):
    """All the more for a large one: its threads wait for the one that is held up."""
    assert most_of_others(0.25, cpus) * cpus < 1
    assert most_of_others(60.0, cpus) * cpus < 0.25


def test_the_total_of_stretches():
    stretches = [
        Taken(seconds=1.0, cpus=2, others=0.5, stolen=0.1),
        Taken(seconds=3.0, cpus=2, others=0.1, stolen=None),
    ]
    found = total(stretches)
    assert (found.seconds, found.cpus) == (4.0, 2)
    assert found.others == pytest.approx(0.2)
    assert found.stolen == pytest.approx(0.1)
    assert found.waited is None
    assert total([Taken(seconds=1.0, others=-0.02)]).others == 0.0
    assert total([]) == Taken()


def test_the_file_of_a_system_with_more_cpus(tmp_path):
    (tmp_path / "stat").write_text(
        "cpu  9 9 9 9 9 9 9 9 9 9\n"
        "cpu0 100 1 10 800 5 2 3 40 7 7\n"
        "cpu1 200 2 20 700 6 4 5 60 7 7\n"
        "cpu10 999 9 99 999 9 9 9 99 9 9\n"
        "intr 1 2 3\n"
    )
    (tmp_path / "self/task/7").mkdir(parents=True)
    (tmp_path / "self/task/7/schedstat").write_text("123 2500000000 9\n")
    now = Watch(lambda: 9.0, lambda: 1.5, {0, 1}, tmp_path)()
    assert (now.wall, now.own) == (9.0, 1.5)
    assert now.busy == pytest.approx((116 + 231) / 100)
    assert now.stolen == pytest.approx(1.0)
    assert now.counted == pytest.approx((961 + 997) / 100)
    assert now.waited == {7: 2.5}


@pytest.mark.parametrize("stat", ["cpu0 1 2 3 4 5 6 7 8\n", "cpu0 1 2 3\ncpu1 1 2 3\n", ""])
def test_a_file_without_these_cpus(tmp_path, stat):
    (tmp_path / "stat").write_text(stat)
    assert Watch(time.monotonic, time.process_time, {0, 1}, tmp_path)().busy is None


def test_a_system_without_these_files(tmp_path):
    now = Watch(time.monotonic, time.process_time, {0}, tmp_path)()
    assert (now.busy, now.stolen, now.waited, now.throttled) == (None, None, None, None)


@linux
def test_this_machine_counts():
    """Two threads on one CPU wait for each other, and are nobody else's work."""
    begin = contention.watch(time.monotonic, time.process_time)
    taken = begin()
    numbers = [0] * 2

    def work(place: int) -> None:
        for n in range(300_000):
            numbers[place] += n

    threads = [threading.Thread(target=work, args=(place,)) for place in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found = taken()
    assert found.waited is not None
    assert found.waited >= 0
    assert sys.platform == "linux"
