"""A report over many records: its cost grows with them, and no faster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START_S = 8.0  # libraries and figures, however few the records
RECORD_S = 0.0012
RECORD_BYTES = 50_000
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
        record["batch_size"] = 16 * (1 + again % setups)
        record["images_per_s"] *= faster
        record["window_s"] = [window / faster for window in record["window_s"]]
        (folder / "records" / f"{at:05d}.json").write_text(json.dumps(record))
    return folder


# ru_maxrss would not do: a child's begins with that of the process that has started it.
TELLING_ITS_PEAK = """
import atexit, pathlib, re, runpy, sys
status, told = pathlib.Path("/proc/self/status"), pathlib.Path(sys.argv.pop())
atexit.register(lambda: told.write_text(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]))
runpy.run_module("bench", run_name="__main__")
"""


def cost(folder: Path, *options: str) -> tuple[float, int]:
    """CPU seconds and peak bytes of `bench report`."""
    told = folder / "peak"
    process = subprocess.Popen(
        [sys.executable, "-c", TELLING_ITS_PEAK, "report", str(folder), *options, str(told)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime, int(told.read_text()) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_record_more_costs_the_same_among_many(tmp_path: Path) -> None:
    """10,000 may cost 20 s and 1 GiB, which leaves 8 s for the start and 1.2 ms a record.

    Three times that, since a machine of tests is shared, or slow. In two set-ups as many seeds
    stand beside each other as 10,000 records have in ten, so that what grows with their square or
    cube shows; and without figures, whose cost is that of the start.
    """
    few, many = 240, 2400
    options = ("--format", "md,csv")
    small_s, small_bytes = cost(write(tmp_path / "small", few, 2), *options)
    large = write(tmp_path / "large", many, 2)
    large_s, large_bytes = cost(large, *options)
    assert large_s - small_s < SLOWER * (many - few) * RECORD_S
    assert large_bytes - small_bytes < (many - few) * RECORD_BYTES
    whole_s, whole_bytes = cost(large)
    assert whole_s < SLOWER * (START_S + many * RECORD_S)
    assert whole_bytes < 2**29
