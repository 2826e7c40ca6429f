"""A block of cells: plain data there, plain data back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.config import plan
from bench.execution import block as blocks
from bench.execution import runner
from bench.execution.block import Block, CellBegun, CellEnded, OnThisMachine
from bench.execution.certify import VerificationResult
from bench.execution.executors.local import Local
from bench.execution.in_process import InProcess
from bench.results import store
from bench.results.record import PARTS
from bench.system import machine
from bench.system.quiet import Patience
from bench.worker import prepared_data
from bench.worker.messages import EpochEnded, PhaseBegun, WindowEnded
from bench.workload import datasets
from tests.calling import NoExecutor

MEASURED_ANEW = (
    *("run", "started_at", "other_busy_cpus", "warnings"),
    "_s",
    "_bytes",
    "state_",
    "images_per_s",
    "gflop",
    "steady",
    "windows",
    "busy",
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> plan.Plan:
    root = tmp_path_factory.mktemp("data")
    source = prepared_data.source(datasets.load("digits", root, (32, 32), "resize"))
    asked = {"frameworks": ("reference",), "seeds": (0, 1), "data_root": root, "train_size": 64}
    asked |= {"val_size": 20, "test_size": 20, "batch_sizes": (32,), "epochs": 2, "threads": (1,)}
    asked |= {"windows": 4, "window_s": 0.001, "unverified": True, "save": ("none",)}
    return plan.make(asked, source)


def block_of(planned: plan.Plan, folder: Path, cells: tuple[plan.Cell, ...]) -> Block:
    return Block(run="r", plan=planned, cells=cells, logs=folder, checkpoints=folder / "saved")


class Elsewhere:
    """Another machine: what goes there and what comes back is text."""

    def __init__(self) -> None:
        self._there = OnThisMachine(InProcess(NoExecutor()), machine.describe())
        self.sent: list[str] = []

    is_whole = False

    def measure(self, several, listen) -> None:
        for block in several:
            self._one(block, listen(block))

    def _one(self, block, emit) -> None:
        self.sent.append(block.model_dump_json())
        there = Block.model_validate_json(self.sent[-1])
        assert there == block
        self._there.measure(there, lambda e: emit(blocks.event_from(e.model_dump_json())))


class Silent:
    """Shows nothing."""

    def __getattr__(self, name):
        return lambda *arguments: None


def learned(record) -> dict:
    """What two runs of a cell have in common."""
    written = record.model_dump(exclude={"timing", "throughput"})
    parts = (written[part] for part in PARTS if part in written)
    fields = {name: value for part in parts for name, value in part.items()}
    kept = {k: v for k, v in fields.items() if not any(part in k for part in MEASURED_ANEW)}
    return kept | {"settings": written["settings"], "of_run": written["run_settings"]}


def test_what_is_told_of_a_block_comes_in_order(planned, tmp_path):
    events: list = []
    cells = planned.cells()
    OnThisMachine(InProcess(NoExecutor()), machine.describe()).measure(
        block_of(planned, tmp_path, cells), events.append
    )
    assert [e.cell for e in events if isinstance(e, CellBegun)] == list(cells)
    ended = [e.record for e in events if isinstance(e, CellEnded)]
    assert [(r.identity.cell, r.status.outcome) for r in ended] == [
        (cell.name, "ok") for cell in cells
    ]
    assert isinstance(events[0], CellBegun)
    assert isinstance(events[-1], CellEnded)
    first = events[: events.index(next(e for e in events if isinstance(e, CellEnded)))]
    epochs = [e.figures["train_loss"] for e in first if isinstance(e, EpochEnded)]
    assert epochs == ended[0].learning.train_loss
    assert {e.name for e in first if isinstance(e, PhaseBegun)} >= {"limit", "oracle", "train"}
    assert any(isinstance(e, WindowEnded) for e in first)
    # What serves all cells is computed once: there is no such phase in the second.
    later = events[len(first) + 1 :]
    assert "oracle" not in {e.name for e in later if isinstance(e, PhaseBegun)}
    assert ended[0].throughput.machine_gflop_per_s == ended[1].throughput.machine_gflop_per_s
    assert [bool(r.learning.oracle_step_loss) for r in ended] == [True, False]  # of the first seed


def test_libraries_are_read_anew_once_a_run(planned, tmp_path, monkeypatch):
    done: list = []
    monkeypatch.setattr(blocks.interpreter, "packages", lambda: (tmp_path,))
    monkeypatch.setattr(blocks.interpreter, "forget_libraries", done.append)
    monkeypatch.setattr(blocks.frameworks, "missing", lambda framework: "not installed")
    here = OnThisMachine(NoExecutor(), machine.describe())
    for _ in range(2):
        here.measure(block_of(planned, tmp_path, planned.cells()[:1]), done.append)
    assert done[0] == (tmp_path,)
    assert done.count((tmp_path,)) == 1
    assert len(done) == 5  # and of each cell its beginning and its end


def test_an_examination_is_a_phase_and_serves_every_seed(planned, tmp_path, monkeypatch):
    examined = []
    refused = VerificationResult(None, "not-equivalent", "another network")

    def certify(subject, log, on_check, executor):
        examined.append((subject, log))
        return refused

    monkeypatch.setattr(blocks, "certify", certify)
    verified = planned.model_copy(update={"settings": replace(planned.settings, unverified=False)})
    events: list = []
    here = OnThisMachine(InProcess(NoExecutor()), machine.describe())
    cells = verified.cells()
    here.measure(block_of(verified, tmp_path, cells), events.append)
    of_first = tmp_path / f"{cells[0].name}.log"
    assert examined == [(blocks.subject(verified, cells[0], {}), of_first)]
    assert [type(e).__name__ for e in events] == [
        *("CellBegun", "PhaseBegun", "CellEnded", "CellBegun", "CellEnded")
    ]
    assert events[1].name == "verify"
    outcomes = [e.record.status.outcome for e in events if isinstance(e, CellEnded)]
    assert outcomes == ["not-equivalent"] * 2


def test_a_run_is_the_same_where_its_blocks_are_measured_elsewhere(planned, tmp_path):
    found = []
    here = Local(OnThisMachine(InProcess(NoExecutor()), machine.describe()))
    for name, where in (("here", here), ("elsewhere", Elsewhere())):
        manifest = store.Manifest(
            name=name,
            created_at="2026-01-01T00:00:00+00:00",
            bench_version="0",
            command=(),
            plan=planned,
            machine=machine.describe(),
        )
        with store.create(tmp_path, manifest) as run:
            runner.run(run, Silent(), where, Patience(0.0))
            found.append([learned(record) for record in run.records()])
            assert runner.unsettled(run) == []
    assert len(found[0]) == 2
    assert found[0] == found[1]
    assert len(where.sent) == 2  # a block a seed


def test_a_framework_that_is_not_here_has_a_record_all_the_same(planned, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks.frameworks, "missing", lambda framework: "not installed: buy one")
    events: list = []
    OnThisMachine(NoExecutor(), machine.describe()).measure(
        block_of(planned, tmp_path, planned.cells()[:1]), events.append
    )
    (record,) = (e.record for e in events if isinstance(e, CellEnded))
    assert (record.status.outcome, record.status.reason) == (
        "unavailable",
        "not installed: buy one",
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, (32, 0, 1400, (20,)), id="few images"),
        pytest.param({"batch_sizes": (60,)}, (60, 4, 1400, (20,)), id="a smaller last batch"),
        pytest.param({"batch_sizes": (60,), "drop_last": True}, (60, 0, 1400, (20,)), id="dropped"),
        pytest.param(
            {"train_size": 1500, "batch_sizes": (1000,), "val_size": 10, "test_size": 30},
            (1000, 500, 1500, (10, 30)),
            id="large batches of a large set",
        ),
    ],
)
def test_what_is_proved_is_of_the_sizes_that_a_cell_has(planned, asked, expected) -> None:
    source = prepared_data.source(
        datasets.load("digits", planned.settings.data_root, (32, 32), "resize")
    )
    given = {"frameworks": ("reference",), "data_root": planned.settings.data_root}
    given |= {"train_size": 64, "val_size": 20, "test_size": 20, "batch_sizes": (32,)}
    plan_of = plan.make(given | asked, source)
    (cell,) = plan_of.cells()[:1]
    of = blocks.subject(plan_of, cell, {"B": "2", "A": "1"})
    assert of.variables == (("A", "1"), ("B", "2"))
    assert (of.batch_size, of.remainder, of.loaded, of.predicted) == expected
