"""What is shown while a run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from bench.config import plan
from bench.execution import record_builder
from bench.execution.observing import progress
from bench.results import store
from bench.results.record import Record
from bench.system import machine


def test_time_left():
    now = [100.0]
    left = progress.TimeLeft(10, lambda: now[0])
    assert left.after(0) == ""
    now[0] += 30
    assert left.after(1) == "4:30 left"
    now[0] += 7200
    assert left.after(5) == "2:00:30 left"


@pytest.fixture
def run(tmp_path):
    asked = {
        "frameworks": ("torch",),
        "devices": ("cpu",),
        "data_root": Path("/d"),
        "epochs": 2,
        "train_size": 1258,
    }
    planned = plan.make(asked, plan.AvailableImages(1797, 0, 1, 10, "d" * 64))
    manifest = store.Manifest(
        name="r", created_at="", bench_version="0", command=(), asked=asked, plan=planned,
        machine=machine.describe(),
    )  # fmt: skip
    with store.create(tmp_path, manifest) as folder:
        yield folder


def _record(run, status: str, **fields) -> Record:
    manifest = run.manifest
    cell = manifest.plan.cells()[0]
    known = {"started_at": "", "outcome": status} | fields
    return record_builder.build(manifest.name, manifest.plan, cell, manifest.machine, known)


@pytest.mark.parametrize("terminal", [True, False])
def test_cells_and_outcomes_are_shown(run, terminal):
    console = Console(force_terminal=terminal, width=150, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with progress.make_progress(console, run.manifest.plan, 3) as shown:
        shown.cell(run.manifest.plan.cells()[0])
        shown.phase("compile")
        shown.epoch({"epoch_s": [0.5]})
        shown.done(_record(run, "ok", test_accuracy=0.975, images_per_s=1234.5, wall_s=3.21))
        shown.cell(run.manifest.plan.cells()[1])
        shown.done(_record(run, "failed", reason="[red]no[/red] luck"))
        shown.more(0)
        shown.more(1)
    console.file.close()
    text = console.export_text()
    assert "[1/3] torch-cpu-seed0: test accuracy 97.50%, 1,234 images/s, 3.2 s in all" in text
    assert "[2/3] torch-cpu-seed0: failed: [red]no[/red] luck" in text
    assert text.count("more cell") == 1
    assert "1 more cell, to repeat what others disturbed" in text


def test_images_per_second_of_the_epoch(run):
    console = Console(force_terminal=True, width=150, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with progress.make_progress(console, run.manifest.plan, 3) as shown:
        shown.cell(run.manifest.plan.cells()[0])
        shown.epoch({"epoch_s": [1.0, 0.5]})
    console.file.close()
    assert "epoch 2/2, 2,516 images/s" in console.export_text()
