"""A report over many records: its cost grows with them, and no faster."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
START_S = 8.0  # libraries and figures, however few the records
RECORD_S = 0.0012
START_BYTES = 560 * 2**20  # of the process that draws, too, and of what it is sent
RECORD_BYTES = 45_000
SLOWER = 3  # than an idle machine of today, and still no failure


def write(folder: Path, count: int, setups: int = 20) -> Path:
    """So many records, in so many set-ups, made of the published trainings.

    They hold all that a training leaves: a certificate, windows, what was mistaken, the first
    steps; and a third of them, those of seed 0, pictures.
    """
    files = sorted((ROOT / "results" / "published" / "mnist" / "records").glob("*-seed?.json"))
    kinds = [json.loads(file.read_text()) for file in files]
    assert {bool(kind["confusion"] and kind["step_loss"]) for kind in kinds} == {True}
    assert sum(bool(kind["mistakes"][0]["png"]) for kind in kinds) == len(kinds) / 3
    (folder / "records").mkdir(parents=True)
    for at in range(count):
        again = at // len(kinds)
        faster = 1 + (at * 7919 % 1000) / 10_000
        record = kinds[at % len(kinds)] | {"run": f"run-{again}", "cell": f"{at:05d}"}
        record["machine"] = record["machine"] | {"host": "the same"}
        record["batch_size"] = 16 * (1 + again % setups)
        record["images_per_s"] *= faster
        record["window_s"] = [window / faster for window in record["window_s"]]
        (folder / "records" / f"{at:05d}.json").write_text(json.dumps(record))
    return folder


@dataclass(frozen=True, slots=True)
class Cost:
    """What `bench report` took; `peak_bytes` is the sum over it and the process that draws.

    Of the sum the highest that was seen; of the first process alone the highest that there was.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int


def cost(folder: Path, *options: str) -> Cost:
    """Of a report over the records in a folder."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "report", str(folder), *options],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    peak = 0
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        peak = max(peak, resident(psutil.Process(process.pid)), highest(process.pid))
        time.sleep(0.02)
    _, status, used = ended
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return Cost(wall_s, used.ru_utime + used.ru_stime, peak)


def highest(pid: int) -> int:
    """The most bytes that were resident of a process so far; 0 once it has ended."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def resident(process: psutil.Process) -> int:
    """Bytes of a process and those below it, what they share counted for each."""
    total = 0
    with suppress(psutil.Error):
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    return total


needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="wait4, and Linux's resident bytes"
)


@needs_linux
def test_a_record_more_costs_the_same(tmp_path: Path) -> None:
    """As below, among as many as fit into a test of seconds.

    In one set-up, so that as many seeds stand beside each other as twice the records have in two;
    and no sweep, for which the libraries that draw would be loaded twice.
    """
    few, many = 60, 900
    options = ("--format", "md,csv")
    small = cost(write(tmp_path / "small", few, 1), *options)
    large = cost(write(tmp_path / "large", many, 1), *options)
    assert large.cpu_s - small.cpu_s < SLOWER * (many - few) * RECORD_S
    assert large.peak_bytes - small.peak_bytes < (many - few) * RECORD_BYTES


@pytest.mark.long
@needs_linux
def test_a_record_more_costs_the_same_among_many(tmp_path: Path) -> None:
    """10,000 may cost 20 s and 1 GiB, of which 8 s are for the start, and 1.2 ms for a record.

    Three times that, since a machine of tests is shared, or slow. In two set-ups as many seeds
    stand beside each other as 10,000 records have in ten, so that what grows with their square or
    cube shows; and without figures, whose cost is that of the start.
    """
    few, many = 240, 2400
    options = ("--format", "md,csv")
    small = cost(write(tmp_path / "small", few, 2), *options)
    folder = write(tmp_path / "large", many, 2)
    large = cost(folder, *options)
    assert large.cpu_s - small.cpu_s < SLOWER * (many - few) * RECORD_S
    assert large.peak_bytes - small.peak_bytes < (many - few) * RECORD_BYTES
    whole = cost(folder)
    assert whole.cpu_s < SLOWER * (START_S + many * RECORD_S)
    assert whole.peak_bytes < START_BYTES + many * RECORD_BYTES
