"""A report over many records: its cost grows with them, and no faster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUPS = 20


def write(folder: Path, count: int) -> Path:
    """So many records, in twenty set-ups, made of the frozen ones."""
    frozen = sorted((Path(__file__).parent / "frozen-windows" / "records").glob("*.json"))
    kinds = [json.loads(file.read_text()) for file in frozen if "batch128" not in file.name]
    (folder / "records").mkdir(parents=True)
    for at in range(count):
        again = at // len(kinds)
        faster = 1 + (at * 7919 % 1000) / 10_000
        record = kinds[at % len(kinds)] | {"run": f"run-{again}", "cell": f"{at:05d}"}
        record["batch_size"] = 16 * (1 + again % SETUPS)
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


def cost(folder: Path) -> tuple[float, int]:
    """CPU seconds and peak bytes of `bench report`."""
    told = folder / "peak"
    process = subprocess.Popen(
        [sys.executable, "-c", TELLING_ITS_PEAK, "report", str(folder), str(told)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime, int(told.read_text()) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_two_thousand_records(tmp_path: Path) -> None:
    """What 10,000 may cost, 20 s and 1 GiB, leaves 5 s for the start and 1.5 ms a record.

    Twice that, since a machine of tests is shared.
    """
    small_s, _ = cost(write(tmp_path / "small", 500))
    large_s, large_bytes = cost(write(tmp_path / "large", 2000))
    assert large_s < 2 * (5 + 2000 * 0.0015)
    assert large_s - small_s < 2 * 1500 * 0.0015
    assert large_bytes < 2**30 / 2
