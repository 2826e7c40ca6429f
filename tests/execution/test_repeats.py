"""Which cells come next: whole blocks, until the intervals are narrow enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config import plan
from bench.execution import record_builder, repeats
from bench.results.record import Record
from bench.system import machine

HERE = machine.describe()


def make(**asked) -> plan.Plan:
    known = {"devices": ("cpu",), "data_root": Path("/d"), "seeds": (0,), "precision": 0.02}
    known |= {"frameworks": ("torch", "flax"), "throughput_only": True, "threads": (1,)}
    given = {name: value for name, value in (known | asked).items() if value is not None}
    return plan.make(given, plan.AvailableImages(1797, 0, 1, 10, "d" * 64))


def record(
    planned: plan.Plan,
    cell: plan.Cell,
    speed: float | None,
    *,
    disturbed: bool = False,
    host: str | None = HERE.host,
) -> Record:
    known = {"started_at": "", "outcome": "ok" if speed else "failed", "images_per_s": speed}
    known["disturbed"] = disturbed
    there = HERE.model_copy(update={"host": host})
    return record_builder.build("r", planned, cell, there, known)


def run(
    planned: plan.Plan, speed, disturbed=lambda cell: False
) -> tuple[list[list[str]], list[Record]]:
    """The rounds of cells that are asked for, when a cell has the speed that `speed` gives."""
    rounds, records, tried = [], [], set()
    while cells := repeats.pending(planned, records, tried):
        rounds.append([cell.name for cell in cells])
        for cell in cells:
            tried.add(cell.name)
            is_disturbed = disturbed(cell)
            records.append(record(planned, cell, speed(cell, len(rounds)), disturbed=is_disturbed))
        assert len(rounds) < 100
    return rounds, records


def test_steady_figures_need_the_least_repeats():
    rounds, records = run(make(), lambda cell, number: 1000.0 + cell.repeat)
    assert len(rounds) == 1
    assert len(rounds[0]) == 2 * 3
    (torch, flax) = repeats.precisions(make(), records)
    assert (torch.framework, torch.processes, flax.processes) == ("torch", 3, 3)
    assert torch.half_width < 0.02


def noisy(cell: plan.Cell, number: int) -> float:
    """Flax swings by a tenth at first and is steady from the tenth repeat on."""
    if cell.framework == "torch" or cell.repeat > 9:
        return 1000.0
    return 1100.0 if cell.repeat % 2 else 900.0


def test_a_wide_interval_asks_for_whole_blocks():
    rounds, records = run(make(), noisy)
    assert len(rounds) > 5
    for cells in rounds[1:]:
        assert {name.split("-")[0] for name in cells} == {"torch", "flax"}
    counts = {one.framework: one.processes for one in repeats.precisions(make(), records)}
    assert counts["torch"] == counts["flax"] < 30
    assert all(one.half_width <= 0.02 for one in repeats.precisions(make(), records))


def test_it_ends_at_the_most_repeats_and_says_what_was_reached():
    planned = make(max_repeats=7)
    rounds, records = run(planned, lambda cell, number: 1000.0 * (1 + cell.repeat % 2))
    assert len(rounds) == 1 + 4
    for one in repeats.precisions(planned, records):
        assert one.processes == 7
        assert one.half_width > 0.02


def test_a_group_that_is_precise_is_left_alone():
    planned = make(batch_sizes=(16, 64), max_repeats=5)

    def speed(cell, number):
        return 1000.0 * (1 + cell.repeat % 2) if cell.batch_size == 16 else 1000.0

    rounds, _ = run(planned, speed)
    assert len(rounds) == 3
    assert all("batch16" in name for cells in rounds[1:] for name in cells)


def test_a_framework_that_never_runs_does_not_ask_for_more():
    planned = make()
    rounds, _ = run(planned, lambda c, number: None if c.framework == "flax" else noisy(c, 0))
    assert len(rounds) == 1
    rounds, _ = run(planned, lambda c, number: None if c.framework == "torch" else noisy(c, 0))
    assert len(rounds) > 1
    assert not any("torch" in name for cells in rounds[1:] for name in cells)


def test_a_block_that_was_begun_is_ended():
    """After an interruption within a further block, its other half is run though all is narrow."""
    planned = make()
    _, records = run(planned, lambda cell, number: 1000.0)
    further = planned.block(planned.settings.min_repeats)
    records.append(record(planned, further[0], 1000.0))
    assert [c.name for c in repeats.pending(planned, records)] == [further[1].name]


def steady(cell: plan.Cell, number: int) -> float:
    return 1000.0


def test_a_block_takes_the_place_of_one_that_others_disturbed():
    planned = make(precision=None, min_repeats=3)
    rounds, _ = run(planned, steady, lambda cell: (cell.framework, cell.repeat) == ("flax", 1))
    assert [len(cells) for cells in rounds] == [6, 2]
    assert sorted(rounds[1]) == ["flax-cpu-seed0-repeat3", "torch-cpu-seed0-repeat3"]


def test_a_training_is_not_repeated_for_its_speed():
    planned = make(precision=None, throughput_only=False, seeds=(0, 1))
    rounds, records = run(planned, steady, lambda cell: not cell.throughput_only)
    assert [len(cells) for cells in rounds] == [4, 2, 2]
    assert all(one.identity.throughput_only == (one.identity.repeat > 0) for one in records)


def test_what_is_always_disturbed_is_given_up():
    planned = make(precision=None, min_repeats=3)
    rounds, records = run(planned, steady, lambda cell: True)
    assert [len(cells) for cells in rounds] == [6, 2, 2, 2]
    assert repeats.any_disturbed(records)
    assert repeats.unsettled(planned, records) == []
    assert repeats.precisions(planned, records) == []


def test_who_does_not_want_to_wait_has_nothing_repeated():
    planned = make(precision=None, min_repeats=3, wait_for_quiet_s=0.0)
    rounds, records = run(planned, steady, lambda cell: cell.repeat == 1)
    assert [len(cells) for cells in rounds] == [6]
    assert repeats.any_disturbed(records)


def test_what_was_disturbed_counts_where_that_is_accepted():
    planned = make(precision=None, min_repeats=3, accept_disturbed=True)
    rounds, records = run(planned, steady, lambda cell: True)
    assert [len(cells) for cells in rounds] == [6]
    assert not repeats.any_disturbed(records)
    assert [one.processes for one in repeats.precisions(planned, records)] == [3, 3]


def test_a_disturbed_speed_makes_no_interval_narrow():
    planned = make(max_repeats=6)
    rounds, records = run(planned, steady, lambda cell: cell.repeat == 0)
    assert [len(cells) for cells in rounds] == [6, 2]
    assert [one.processes for one in repeats.precisions(planned, records)] == [3, 3]


def test_without_a_precision_the_plan_is_all():
    planned = make(precision=None, min_repeats=4)
    rounds, _ = run(planned, lambda cell, number: 1000.0 * (1 + cell.repeat % 2))
    assert len(rounds) == 1
    assert len(rounds[0]) == 8


@pytest.mark.parametrize("failing", ["torch", "flax"])
def test_a_failed_cell_is_not_tried_twice_in_one_run(failing):
    planned = make(precision=None, min_repeats=3)
    rounds, records = run(planned, lambda c, number: None if c.framework == failing else 1000.0)
    assert len(rounds) == 1
    left = repeats.pending(planned, records)  # but when the run is resumed
    assert {cell.framework for cell in left} == {failing}


def on_hosts(planned: plan.Plan, speed) -> tuple[list[list[repeats.Due]], list[Record]]:
    """The rounds that are due, where two hosts take the blocks that are for neither in turns."""
    rounds, records, tried = [], [], set()
    while found := repeats.due(planned, records, tried):
        rounds.append(found)
        for one in found:
            for cell in one.cells:
                tried.add(cell.name)
                host = one.host or "ab"[cell.repeat % 2]
                records.append(record(planned, cell, speed(cell, host), host=host))
        assert len(rounds) < 100
    return rounds, records


def test_each_host_is_given_the_blocks_that_its_own_intervals_need():
    """Host b is half as fast: no interval over both would ever be narrow."""
    planned = make(precision=0.05, min_repeats=8, max_repeats=40)

    def speed(cell: plan.Cell, host: str) -> float:
        if host == "a":
            return 1000.0 + cell.repeat
        swings = 0.2 if cell.framework == "flax" and cell.repeat < 14 else 0.0
        return 500.0 * (1 + swings * (-1) ** (cell.repeat // 2))

    rounds, records = on_hosts(planned, speed)
    assert [one.host for one in rounds[0]] == [None]
    further = [one for found in rounds[1:] for one in found]
    assert {one.host for one in further} == {"b"}
    for one in further:  # whole blocks, and none twice
        assert {cell.framework for cell in one.cells} == {"torch", "flax"}
    assert len({one.cells[0].repeat for one in further}) == len(further)
    reached = repeats.precisions(planned, records)
    assert {(one.framework, one.host) for one in reached} == {
        (name, host) for name in ("torch", "flax") for host in "ab"
    }
    assert all(one.half_width <= 0.05 for one in reached)


def test_a_host_has_no_more_blocks_than_there_may_be():
    planned = make(precision=0.001, min_repeats=4, max_repeats=7)
    _, records = on_hosts(planned, lambda cell, host: 1000.0 * (1 + cell.repeat % 5 / 10))
    counts = {one.host: one.processes for one in repeats.precisions(planned, records)}
    assert counts == {"a": 7, "b": 7}
