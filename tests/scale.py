"""What many cells and records cost: `python tests/scale.py --sizes 100,1000,10000`.

A run folder is made with so many cells of the reference, speed alone, whose records this program
writes itself, since only reading is measured. Of each command it prints the seconds, the greatest
resident memory, and what a cell more costs between two sizes.

`--records 100000` makes a report over so many records instead, `--runs 500,2000` a site over so
many runs of six records each, and `--classes 1000,7354` prints how large the record of one training
on so many classes is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench import __version__
from bench.config import plan
from bench.config.plan import Plan
from bench.config.split_sizes import AvailableImages
from bench.execution import record_builder
from bench.results import store
from bench.system import machine
from bench.worker import misclassified
from bench.worker.prepared_data import source
from bench.workload import datasets

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command; the time of CPUs is what other programs on the machine change least."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def measured(*arguments: str) -> Cost:
    """`python -m bench` with these arguments, in a process of its own.

    Its greatest resident memory, or that of the largest process that it has waited for.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(
            f"{' '.join(arguments)[:200]} ended with {process.returncode}: {said[-800:]}"
        )
    cpu_s = used.ru_utime + used.ru_stime
    return Cost(time.perf_counter() - start, cpu_s, used.ru_maxrss * 1024)


def told(cost: Cost) -> str:
    """In columns."""
    return f"{cost.wall_s:8.2f} s {cost.cpu_s:8.2f} s of CPU {cost.peak_bytes >> 20:6,} MiB"


def planned(cells: int) -> Plan:
    """A plan of so many cells: a seed each."""
    available = source(datasets.load("digits", datasets.default_root(), (32, 32), "resize"))
    given = {"frameworks": ("reference",), "seeds": tuple(range(cells)), "throughput_only": True}
    return plan.make(given, available)


def speed_fields(run_id: str | None) -> dict[str, object]:
    """What a cell of speed alone leaves, for `record_builder.build`."""
    return {
        "run_id": run_id,
        "started_at": "2026-01-01T00:00:00Z",
        "outcome": "ok",
        "images_per_s": 1000.0,
        "windows_s": [0.1] * 20,
        "window_steps": 3,
        "measured_windows": 20,
        "clean_windows": 20,
        "framework_version": "1.0",
        "unverified": True,
        "compile_s": 0.1,
        "wall_s": 3.0,
    }


def records(of: Plan, run_id: str, run_name: str) -> Iterator[tuple[str, str]]:
    """Names and texts of records as `run` writes them, with speeds that differ among the cells."""
    cells, fields = of.cells(), speed_fields(run_id)
    first = record_builder.build(run_name, of, cells[0], machine.describe(), fields)
    content = first.model_dump(mode="json")
    for cell in cells:
        faster = 1 + cell.seed * 7919 % 1000 / 10_000
        content["identity"] |= {"cell": cell.name, "seed": cell.seed}
        content["throughput"] |= {
            "images_per_s": 1000 * faster,
            "windows_s": [0.1 / faster * (1 + place * 31 % 7 / 1000) for place in range(20)],
        }
        yield cell.name, json.dumps(content, indent=2)


def fill(out: Path, cells: int) -> Path:
    """A run folder in `out` whose cells have all ended."""
    of, now = planned(cells), datetime.now(UTC)
    manifest = store.Manifest(
        name=store.run_name("digits", "lenet5", now),
        run_id=store.new_run_id(),
        created_at=now.isoformat(),
        bench_version=__version__,
        command=("bench", "run"),
        plan=of,
        machine=machine.describe(),
    )
    assert manifest.run_id is not None
    with store.create(out, manifest) as run:
        for name, text in records(of, manifest.run_id, run.folder.name):
            (run.folder / "records" / f"{name}.json").write_text(text, encoding="utf-8")
        return run.folder


def commands(folder: Path, cells: int, report: Path) -> dict[str, Sequence[str]]:
    """What is measured, by what it is called."""
    seeds = ",".join(map(str, range(cells)))
    asked = ("--frameworks", "reference", "--seeds", seeds, "--throughput-only", "--dry-run")
    return {
        "planning": ("run", *asked),
        "--resume": ("run", "--resume", str(folder), "--format", "none"),
        "watch": ("watch", str(folder)),
        "report": ("report", str(folder), "--out", str(report)),
        "history": ("history", str(folder.parent)),
    }


def scale(sizes: Sequence[int], within: Path, only: Sequence[str]) -> None:
    """A table of all commands at all sizes."""
    found: dict[str, list[Cost]] = {}
    for cells in sizes:
        out = within / f"{cells}"
        folder = fill(out, cells)
        for name, arguments in commands(folder, cells, within / "report").items():
            if not only or name in only:
                cost = measured(*arguments)
                found.setdefault(name, []).append(cost)
                print(
                    f"{cells:>7,} {name:<9} {told(cost)}",
                    flush=True,
                )
        shutil.rmtree(out)
    for name, costs in found.items():
        for (few, one), (many, other) in zip(
            zip(sizes, costs, strict=True), list(zip(sizes, costs, strict=True))[1:], strict=False
        ):
            cell_ms = 1000 * (other.cpu_s - one.cpu_s) / (many - few)
            cell_bytes = (other.peak_bytes - one.peak_bytes) / (many - few)
            more = f"{cell_ms:.3f} ms of CPU and {cell_bytes:,.0f} bytes a cell"
            print(f"{name:<9} {few:,} to {many:,}: {more}")


def report(count: int, within: Path) -> None:
    """Over so many records, in runs of a thousand."""
    for number in range(count // 1000):
        fill(within / "runs", 1000)
        if number % 10 == 9:
            print(f"{(number + 1) * 1000:,} records are written", flush=True)
    cost = measured("report", str(within / "runs"), "--out", str(within / "report"))
    print(f"report over {count:,} records: {told(cost)}")


def sites(counts: Sequence[int], within: Path) -> None:
    """A site over so many runs: copies of one, a day apart."""
    costs: list[Cost] = []
    one = fill(within / "one", 6)
    identity = json.loads(next((one / "records").iterdir()).read_text())["identity"]
    for count in counts:
        out = within / f"runs-{count}"
        for number in range(count):
            day = (datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number)).date().isoformat()
            name = f"{day}T00-00-00Z-digits-lenet5"
            new = {
                identity["run"]: name,
                identity["run_id"]: store.new_run_id(),
                identity["started_at"]: f"{day}T00:00:00Z",
            }
            (out / name / "records").mkdir(parents=True)
            for file in (one / "run.json", *(one / "records").iterdir()):
                text = file.read_text(encoding="utf-8")
                for old, other in new.items():
                    text = text.replace(f'"{old}"', f'"{other}"')
                (out / name / file.relative_to(one)).write_text(text, encoding="utf-8")
        costs.append(measured("report", str(out), "--site", str(within / f"site-{count}")))
        print(f"site over {count:>6,} runs: {told(costs[-1])}", flush=True)
        shutil.rmtree(out)
    for (few, before), (many, after) in pairwise(zip(counts, costs, strict=True)):
        run_ms = 1000 * (after.cpu_s - before.cpu_s) / (many - few)
        run_bytes = (after.peak_bytes - before.peak_bytes) / (many - few)
        print(f"{few:,} to {many:,}: {run_ms:.1f} ms of CPU and {run_bytes:,.0f} bytes a run")


def of_classes(counts: Sequence[int]) -> None:
    """The size of what a record holds of each class, for a test of 20 images a class."""
    random = np.random.default_rng(0)
    for classes in counts:
        labels = np.repeat(np.arange(classes, dtype=np.int32), 20)
        predicted = np.where(
            random.random(len(labels)) < 0.7, labels, random.integers(0, classes, len(labels))
        )
        logits = np.zeros((len(labels), classes), np.float32)
        logits[np.arange(len(labels)), predicted] = 1
        confusion = misclassified.confusion(logits, labels)
        available = AvailableImages(classes * 20, len(labels), 1, classes, "d" * 64)
        of = plan.make({"frameworks": ("reference",), "seeds": (0,)}, available)
        fields = {
            "started_at": "2026-01-01T00:00:00Z",
            "outcome": "ok",
            "confusion": confusion,
            "class_names": tuple(map(str, range(classes))),
        }
        text = record_builder.build("run", of, of.cells()[0], machine.describe(), fields)
        size = len(text.model_dump_json(indent=2))
        of_test = f"{len(labels):,} images of the test"
        print(f"{classes:>7,} classes, {of_test}: a record of {size / 1e6:.2f} MB")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--only", default="", help="names of commands, as in planning,report")
    parser.add_argument("--records", type=int)
    parser.add_argument("--runs")
    parser.add_argument("--classes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lenet-bench-scale-") as folder:
        if asked.classes:
            of_classes([int(word) for word in asked.classes.split(",")])
        elif asked.runs:
            sites([int(word) for word in asked.runs.split(",")], Path(folder))
        elif asked.records:
            report(asked.records, Path(folder))
        else:
            only = [
                word if word != "resume" else "--resume" for word in asked.only.split(",") if word
            ]
            scale([int(word) for word in asked.sizes.split(",")], Path(folder), only)


if __name__ == "__main__":
    main()
