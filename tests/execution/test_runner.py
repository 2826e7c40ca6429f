"""What a run does with what others have disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.config import plan
from bench.execution import record_builder, repeats, runner
from bench.execution.block import CellBegun, CellEnded
from bench.results import store
from bench.results.store import Run
from bench.system import machine

HERE = machine.describe()


class Measured:
    """Measures nothing: tells a speed for each cell, disturbed in the attempts of these numbers."""

    def __init__(self, *disturbed: int) -> None:
        self._disturbed, self.cells = disturbed, []

    is_whole = False

    def measure(self, blocks, listen):
        for block in blocks:
            self._one(block, listen(block))

    def _one(self, block, emit):
        for cell in block.cells:
            emit(CellBegun(cell=cell))
            known = {"started_at": "", "outcome": "ok", "images_per_s": 1000.0}
            known["disturbed"] = len(self.cells) in self._disturbed
            self.cells.append(cell.name)
            record = record_builder.build(block.run, block.plan, cell, HERE, known)
            emit(CellEnded(record=record))


class Patience:
    """Waits so often, and takes no time for it."""

    def __init__(self, waits: int) -> None:
        self._waits, self.asked = waits, 0

    def wait(self, tell) -> bool:
        self.asked += 1
        tell(1.0, 10.0)
        return self.asked <= self._waits


class Shown:
    """What is shown, by name."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name):
        return lambda *arguments: self.told.append(name)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    given = {"frameworks": ("torch", "flax"), "devices": ("cpu",), "seeds": (0, 1)}
    given |= {"throughput_only": True, "threads": (1,), "data_root": tmp_path}
    manifest = store.Manifest(
        name="r",
        created_at="2026-01-01T00:00:00+00:00",
        bench_version="0",
        command=(),
        plan=plan.make(given, plan.AvailableImages(1797, 0, 1, 10, "d" * 64)),
        machine=HERE,
    )
    with store.create(tmp_path, manifest) as made:
        yield made


def test_a_block_is_repeated_when_the_machine_is_quiet(run):
    measured, patience, shown = Measured(1), Patience(1), Shown()
    runner.run(run, shown, measured, patience)
    assert len(measured.cells) == 4 + 2
    assert {name.rpartition("-")[2] for name in measured.cells[4:]} == {"repeat1"}
    assert patience.asked == 1
    assert "waiting" in shown.told
    assert runner.unsettled(run) == []


def test_without_a_quiet_moment_it_stays_disturbed_and_the_run_is_complete(run):
    measured, patience = Measured(0, 1, 2, 3), Patience(0)
    runner.run(run, Shown(), measured, patience)
    assert (len(measured.cells), patience.asked) == (4, 1)
    assert runner.unsettled(run) == []
    assert repeats.any_disturbed(run.records())


def test_it_goes_on_at_once_when_others_are_gone(run):
    """Of two blocks that take the place of others the second one waits for nothing."""
    measured, patience = Measured(0, 1, 2, 3), Patience(1)
    runner.run(run, Shown(), measured, patience)
    assert len(measured.cells) == 4 + 2 + 2
    assert patience.asked == 1


def test_what_is_resumed_later_is_repeated_then(run):
    runner.run(run, Shown(), Measured(0), Patience(0))
    later = Measured()
    runner.run(run, Shown(), later, Patience(1))
    assert len(later.cells) == 2


def test_the_cells_of_the_plan_wait_for_nothing(run):
    """A run that was interrupted after a disturbed cell goes on with the others.

    They are clean, so that the block for the disturbed one follows at once.
    """
    first = run.manifest.plan.cells()[0]
    known = {"started_at": "", "outcome": "ok", "images_per_s": 1000.0, "disturbed": True}
    run.save(record_builder.build("r", run.manifest.plan, first, HERE, known))
    measured, patience = Measured(), Patience(0)
    runner.run(run, Shown(), measured, patience)
    assert len(measured.cells) == 3 + 2
    assert patience.asked == 0


def test_a_quiet_machine_is_not_waited_for(run):
    patience = Patience(0)
    runner.run(run, Shown(), Measured(), patience)
    assert patience.asked == 0
