"""Executors: the same task, the same outcome, whoever does it."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from bench.config import plan
from bench.execution import ChildProcess
from bench.execution.in_process import InProcess
from bench.worker import prepared_data
from bench.worker.messages import (
    ComputeOracleLosses,
    Ended,
    EpochEnded,
    FindDevices,
    FrameworkAnswered,
    Measured,
    PhaseBegun,
    TrainCell,
)
from bench.workload import datasets
from tests.calling import NoExecutor

CELL = plan.Cell(framework="reference", device="cpu", seed=0, batch_size=32, threads=1)
MEASURED_ANEW = {"epoch_s"}  # what no two runs have in common


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> TrainCell:
    """A training of two epochs in the reference."""
    root: Path = tmp_path_factory.mktemp("data")
    source = prepared_data.source(datasets.load("digits", root, (32, 32), "resize"))
    asked = {
        "frameworks": ("reference",),
        "devices": ("cpu",),
        "data_root": root,
        "train_size": 64,
        "val_size": 20,
        "test_size": 20,
        "batch_sizes": (32,),
        "epochs": 2,
        "windows": 4,
        "window_s": 0.001,
    }
    return TrainCell(plan=plan.make(asked, source), cell=CELL, checkpoints=root / "checkpoints")


def epochs(outcome) -> list[dict]:
    """Losses and accuracies by epoch."""
    return [
        {name: value for name, value in event.figures.items() if name not in MEASURED_ANEW}
        for event in outcome.events
        if isinstance(event, EpochEnded)
    ]


def test_a_child_and_this_process_train_the_same(task, tmp_path):
    heard: list = []
    here = InProcess(NoExecutor()).call(
        task, log=tmp_path / "here", timeout_s=600, on_event=heard.append
    )
    child = ChildProcess().call(task, log=tmp_path / "child", timeout_s=600)
    assert here.end == child.end == Ended(outcome="ok")
    assert epochs(here) == epochs(child)
    assert len(epochs(here)) == 2
    assert tuple(heard) == here.events
    for outcome in (here, child):
        figures: dict = {}
        for event in outcome.events:
            if isinstance(event, Measured):
                figures |= event.figures
        assert figures["images_per_s"] > 0
        assert figures["test_accuracy"] is not None
        assert outcome.usage.wall_s > 0
        assert outcome.usage.cpu_s > 0
        assert outcome.usage.peak_rss_bytes > 10_000_000
    names = [[e.name for e in o.events if isinstance(e, PhaseBegun)] for o in (here, child)]
    assert names[0] == names[1]


def test_a_fault_is_an_outcome_with_its_traceback_in_the_log(task, tmp_path):
    other = task.plan.model_copy(update={"data_sha256": "0" * 64})
    wrong = ComputeOracleLosses(plan=other, cell=CELL)
    log = tmp_path / "log"
    outcome = InProcess(NoExecutor()).call(wrong, log=log, timeout_s=600)
    assert outcome.end.outcome == "failed"
    assert "has changed since the run was planned" in outcome.end.reason
    assert outcome.events == ()
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize(("framework", "limit_s"), [("torch", 600), ("reference", 1)])
def test_what_is_not_for_this_process_is_handed_on(framework, limit_s, tmp_path):
    task = FindDevices(framework=framework, threads=1)
    with pytest.raises(AssertionError, match="handed on"):
        InProcess(NoExecutor()).call(task, log=tmp_path / "log", timeout_s=limit_s)


def test_a_child_out_of_time(tmp_path):
    task = FindDevices(framework="reference", threads=1)
    outcome = ChildProcess().call(task, log=tmp_path / "log", timeout_s=0.001)
    assert outcome.end == Ended(outcome="timeout", reason="not done after 0.001 s")


def test_a_child_that_dies_has_a_last_word(task, tmp_path):
    """It is killed when its first phase begins; what it said by then is kept."""
    before = psutil.Process().children()

    def kill(event) -> None:
        for child in psutil.Process().children():
            if child not in before:
                child.kill()

    outcome = ChildProcess().call(task, log=tmp_path / "log", timeout_s=600, on_event=kill)
    assert outcome.end.outcome == "failed"
    assert "ended by SIGKILL" in outcome.end.reason
    assert isinstance(outcome.events[0], PhaseBegun)


def test_an_interruption_ends_the_child(task, tmp_path):
    def interrupt(event) -> None:
        raise KeyboardInterrupt

    begun, before = time.monotonic(), psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        ChildProcess().call(task, log=tmp_path / "log", timeout_s=600, on_event=interrupt)
    assert time.monotonic() - begun < 60
    assert psutil.Process().children() == before


def test_a_child_answers_what_it_was_asked(tmp_path):
    task = FindDevices(framework="reference", threads=1)
    outcome = ChildProcess().call(task, log=tmp_path / "log", timeout_s=60)
    (answer,) = outcome.events
    assert isinstance(answer, FrameworkAnswered)
    assert answer.devices == ("cpu",)
    assert "numpy" in answer.versions
