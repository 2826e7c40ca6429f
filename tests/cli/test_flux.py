"""Flux cells that end as they should not, in a real Julia: recorded, and the others go on."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from bench import frameworks
from bench.system.launch import GRACE_S

REASON = frameworks.missing(frameworks.named("flux"))
REQUIRED = "flux" in os.environ.get("BENCH_REQUIRE", "").split(",")
pytestmark = [
    pytest.mark.skipif(bool(REASON) and not REQUIRED, reason=f"flux: {REASON}"),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for workers in /proc"),
]

ENDLESS = ("--epochs", "100000", "--train-size", "1400")
TIMEOUT_S = 40  # on a busy machine Julia and Flux need some ten seconds to begin


def _wait_until_flux_trains(bench, process) -> int:
    """The worker's process id, once it is in Julia: its log or its threads tell."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for worker in psutil.Process(process.pid).children():
            maps = Path(f"/proc/{worker.pid}/maps")
            try:
                if "libjulia-internal" in maps.read_text():
                    time.sleep(8)  # the import, and some epochs
                    return worker.pid
            except OSError:
                continue
        time.sleep(0.1)
    raise AssertionError("no worker has started Julia")


def _start(bench, *more: str):
    return bench.start(
        *("run", "--frameworks", "flux,reference", "--unverified", "--out", str(bench.out)),
        *(*ENDLESS, "--val-size", "60", "--test-size", "60", "--seeds", "0", "--threads", "1"),
        *more,
    )


def _records(bench) -> dict[str, dict]:
    read = [json.loads(file.read_text()) for file in bench.only_run().glob("records/*.json")]
    return {record["identity"]["framework"]: record for record in read}


def test_an_overlong_cell_is_ended_in_the_middle_of_julia(bench):
    done = bench.run("flux,reference", *ENDLESS, "--timeout", str(TIMEOUT_S))
    assert done.returncode == 1
    records = _records(bench)
    assert {name: record["status"]["outcome"] for name, record in records.items()} == {
        "flux": "timeout",
        "reference": "timeout",
    }
    flux = records["flux"]
    assert flux["status"]["reason"] == f"not done after --timeout {TIMEOUT_S} s"
    assert flux["timing"]["epoch_s"], "it had not begun to train"
    # SIGTERM was enough: Python has got it back from Julia.
    assert flux["timing"]["wall_s"] < TIMEOUT_S + GRACE_S - 1


def test_a_killed_cell_is_recorded_and_the_next_one_runs(bench):
    process = _start(bench, "--timeout", "30")
    worker = _wait_until_flux_trains(bench, process)
    os.kill(worker, signal.SIGKILL)
    process.communicate(timeout=120)
    records = _records(bench)
    assert records["flux"]["status"]["outcome"] == "failed"
    assert "ended by SIGKILL" in records["flux"]["status"]["reason"]
    assert records["reference"]["status"]["outcome"] == "timeout"
    assert records["reference"]["timing"]["epoch_s"]


def test_ctrl_c_ends_flux_at_once_and_saves_what_is_done(bench):
    process = _start(bench)
    worker = _wait_until_flux_trains(bench, process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "interrupted: " in stderr
    assert "Traceback" not in stderr
    assert not Path(f"/proc/{worker}").exists()


def test_a_worker_in_julia_ends_with_its_parent(bench):
    process = _start(bench)
    worker = _wait_until_flux_trains(bench, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
