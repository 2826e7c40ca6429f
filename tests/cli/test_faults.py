"""Cells that fail, each in its own way: recorded with a reason, and the others go on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time

import psutil
import pytest


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("killed", "failed", "ended by SIGKILL"),
        ("segfault", "failed", "ended by SIGSEGV"),
        ("raises", "failed", "ValueError: the tensor has a cold"),
        ("broken", "unavailable", "libfaulty.so.1: cannot open shared object file"),
        ("absent", "unavailable", "a_module_that_nobody_has is not installed"),
    ],
)
def test_a_failing_cell_is_recorded_and_the_others_go_on(bench, name, status, reason):
    done = bench.run(f"{name},reference", "--json", "--seeds", "0,1")
    assert done.returncode == 1
    records = json.loads(done.stdout)["records"]
    assert [
        r["status"]["outcome"] for r in records if r["identity"]["framework"] == "reference"
    ] == ["ok", "ok"]
    for record in (r for r in records if r["identity"]["framework"] == name):
        assert record["status"]["outcome"] == status
        assert reason in record["status"]["reason"]
        assert record["learning"]["test_accuracy"] is None


def test_what_was_measured_before_a_crash_is_kept(bench):
    record = bench.records("killed")["killed"]
    assert len(record["timing"]["epoch_s"]) == len(record["learning"]["val_accuracy"]) == 1
    assert record["timing"]["import_s"] > 0
    assert record["environment"]["peak_rss_bytes"] > 0


def test_the_end_of_the_log_is_in_the_record(bench):
    record = bench.records("raises")["raises"]
    assert record["status"]["log_tail"].endswith("ValueError: the tensor has a cold")
    assert "Traceback" in record["status"]["log_tail"]


@pytest.mark.parametrize("name", ["hangs", pytest.param("stubborn", marks=pytest.mark.long)])
def test_an_overlong_cell_is_ended(bench, name):
    begin = time.monotonic()
    records = bench.records(f"{name},reference", "--timeout", "6")
    assert time.monotonic() - begin < 60
    assert records[name]["status"]["outcome"] == "timeout"
    assert "--timeout 6" in records[name]["status"]["reason"]
    assert len(records[name]["timing"]["epoch_s"]) == 1
    assert records["reference"]["status"]["outcome"] == "ok"


@pytest.mark.parametrize(("name", "step"), [("diverges", 8), ("infinite", 8)])
def test_divergence_names_the_step(bench, name, step):
    # Four steps an epoch; the fourth of the second epoch is the eighth.
    done = bench.run(name, "--json")
    assert done.returncode == 0  # it ran, and this is what came of it
    (record,) = json.loads(done.stdout)["records"]
    assert record["status"]["outcome"] == "diverged"
    assert record["status"]["diverged_step"] == step
    assert f"step {step}" in record["status"]["reason"]
    assert len(record["timing"]["epoch_s"]) == 2
    assert len(record["learning"]["val_accuracy"]) == 1


def test_a_chatty_library_cannot_forge_a_record(bench):
    record = bench.records("chatty")["chatty"]
    assert record["status"]["outcome"] == "ok"
    assert len(record["timing"]["epoch_s"]) == 3
    assert min(record["timing"]["epoch_s"]) > 0
    log = bench.only_run() / "logs" / "chatty-cpu-seed0.log"
    assert "forged" in log.read_text()


def _wait_for(condition, limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _workers(process) -> list[psutil.Process]:
    """The workers that this process has started and that still run."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "bench.worker" in child.cmdline()]


def _end_soon(workers: list[psutil.Process]) -> None:
    """A zombie has ended: where nobody waits for orphans, it stays in the table."""

    def runs(worker: psutil.Process) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            return worker.status() != psutil.STATUS_ZOMBIE
        return False

    _wait_for(lambda: not any(map(runs, workers)), 20)


def _started(bench, name):
    """A run of a minute."""
    return bench.start(
        *("run", "--frameworks", name, "--unverified", "--out", str(bench.out), "--epochs", "60"),
        *("--train-size", "64", "--seeds", "0"),
    )


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_run(bench, sign):
    process = _started(bench, "slow")
    _wait_for(lambda: _workers(process))
    workers = _workers(process)
    os.kill(process.pid, sign)
    process.communicate(timeout=30)
    _end_soon(workers)


def test_no_worker_outlives_the_run_whatever_its_library_does_to_standard_input(bench):
    process = _started(bench, "unblocks")
    _wait_for(lambda: any("unblocked" in log.read_text() for log in bench.out.glob("*/logs/*")))
    workers = _workers(process)
    assert workers
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    _end_soon(workers)


def test_ctrl_c_keeps_what_is_done_and_resume_does_the_rest(bench):
    process = bench.start(
        *("run", "--frameworks", "slow", "--unverified", "--out", str(bench.out), "--epochs", "3"),
        *("--train-size", "64", "--val-size", "32", "--test-size", "32", "--seeds", "0,1"),
        *("--windows", "4", "--window", "0.01", "--wait-for-quiet", "0s", "--format", "none"),
    )
    _wait_for(lambda: list(bench.out.glob("*/records/slow-cpu-seed0.json")))
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "interrupted: 1 of 2 cells are saved" in stderr
    assert "Traceback" not in stderr
    folder = bench.only_run()
    first = (folder / "records" / "slow-cpu-seed0.json").read_text()

    done = bench("run", "--resume", str(folder), "--json", "--format", "none")
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)["records"]
    assert [r["identity"]["seed"] for r in records] == [0, 1]
    assert {r["status"]["outcome"] for r in records} == {"ok"}
    assert (folder / "records" / "slow-cpu-seed0.json").read_text() == first


def test_resume_repeats_what_failed_and_keeps_the_earlier_try(bench):
    bench.run("raises,reference")
    folder = bench.only_run()
    kept = (folder / "records" / "reference-cpu-seed0.json").read_text()
    done = bench("run", "--resume", str(folder))
    assert done.returncode == 1
    assert (folder / "records" / "reference-cpu-seed0.json").read_text() == kept
    earlier = json.loads((folder / "attempts" / "raises-cpu-seed0.1.json").read_text())
    assert earlier["status"]["outcome"] == "failed"
    assert (folder / "attempts" / "raises-cpu-seed0.1.log").exists()
