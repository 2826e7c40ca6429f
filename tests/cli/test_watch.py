"""Looking on: `bench watch`, and event files that a real TensorBoard reads."""

from __future__ import annotations

import json
import signal
import sys
import time
import types

import pytest


def scalars(folder):
    # TensorBoard takes its own part of TensorFlow where this module is, and starts in no time.
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("notf"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_event_files_hold_what_the_record_does(bench):
    (record,) = bench.records("reference", "--tensorboard").values()
    (cell,) = (bench.only_run() / "tensorboard").iterdir()
    assert cell.name == "reference-cpu-seed0"
    found = scalars(cell)
    steps = [4, 8, 12]  # three epochs of 3 full batches and one of 8
    for tag, values in {
        "loss/train": record["learning"]["train_loss"],
        "loss/validation": record["learning"]["val_loss"],
        "accuracy/validation": record["learning"]["val_accuracy"],
        "learning_rate": [record["settings"]["learning_rate"]] * 3,
        "images_per_s/epoch": [56 / seconds for seconds in record["timing"]["epoch_s"]],
    }.items():
        assert [step for step, _ in found[tag]] == steps, tag
        assert [value for _, value in found[tag]] == pytest.approx(values), tag
    assert found["accuracy/test"] == [(12, pytest.approx(record["learning"]["test_accuracy"]))]
    assert len(found["images_per_s/windows"]) >= 4


def test_no_event_files_unless_asked_for(bench):
    bench.run("reference")
    assert not (bench.only_run() / "tensorboard").exists()
    assert not (bench.only_run() / "state.json").exists()


def test_without_the_extra_the_option_tells_what_to_install(bench, tmp_path):
    hidden = "raise ModuleNotFoundError(name='tensorboard')"  # as where it is not installed
    (tmp_path / "tensorboard.py").write_text(hidden)
    bench.env["PYTHONPATH"] = f"{tmp_path}:{bench.env['PYTHONPATH']}"
    done = bench.process(*bench.tiny("reference", "--tensorboard"))
    assert done.returncode == 2
    assert "pip install 'lenet-bench[tensorboard]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not bench.out.exists()


def test_a_finished_run_is_shown_by_its_table(bench):
    assert bench.run("reference").returncode == 0
    done = bench("watch", str(bench.only_run()))
    assert done.returncode == 0
    assert "reference" in done.stdout
    assert "Images/s" in done.stdout


def test_a_run_that_goes_on_is_followed_to_its_end(bench):
    process = bench.start(
        *("run", "--frameworks", "slow", "--unverified", "--out", str(bench.out), "--epochs", "3"),
        *("--train-size", "64", "--val-size", "32", "--test-size", "32", "--seeds", "0,1"),
        *("--windows", "4", "--window", "0.01", "--wait-for-quiet", "0s", "--format", "none"),
    )
    deadline = time.monotonic() + 60
    while not list(bench.out.glob("*/state.json")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    folder = bench.only_run()
    state = json.loads((folder / "state.json").read_text())
    assert (state["cells"], state["done"], state["cell"]) == (2, 0, "slow-cpu-seed0")
    done = bench("watch", str(folder))
    assert done.returncode == 0, done.stdout
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert "slow-cpu-seed0: test accuracy" in done.stdout
    assert "slow-cpu-seed1: test accuracy" in done.stdout
    assert not (folder / "state.json").exists()


def test_an_interrupted_run_is_told_with_what_would_go_on(bench):
    process = bench.start(
        *("run", "--frameworks", "slow", "--unverified", "--out", str(bench.out), "--epochs", "60"),
        *("--train-size", "64", "--seeds", "0"),
    )
    while not list(bench.out.glob("*/state.json")):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    done = bench("watch", str(bench.only_run()))
    assert done.returncode == 1
    assert "1 cells have not ended well" in done.stdout
    assert f"--resume {bench.only_run()}" in done.stdout


def test_what_is_no_run(refused, tmp_path):
    assert "is not the folder of a run" in refused("watch", str(tmp_path))
