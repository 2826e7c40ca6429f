"""Is a record ever lost or doubled on a cluster? Kills at moments that a seed draws.

    python tests/cluster_kills.py --seed 1 --kills 200

Runs of 60 cells are measured on two hosts, and SIGKILL ends a measuring process, a worker, the
scheduler or the parent while they go on; what was ended is started again, and a run whose parent
has ended is resumed. Checked after each: every record that was there is there, whole and unchanged,
among the records or the attempts; at the end of a run there is one record a cell, no more, with the
figures of training of a run that nobody disturbed. The end is a table of what was tried.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.results import store  # noqa: E402
from tests.dask_hosts import Cluster, can_be_hosts  # noqa: E402

SEEDS = 30  # with two frameworks: 60 cells
KILLS_A_RUN = 20
KINDS = ("cell", "worker", "scheduler", "parent")
RUN = (
    *("run", "--frameworks", "reference,twofold", "--dataset", "digits", "--unverified"),
    *("--seeds", ",".join(map(str, range(SEEDS))), "--train-size", "56", "--val-size", "60"),
    *("--test-size", "60", "--epochs", "2", "--batch-size", "16", "--threads", "1"),
    *("--windows", "4", "--window", "0.01", "--wait-for-quiet", "0s", "--format", "none"),
)
MOST_S = 600.0  # for a run, with all that is done to it


class Campaign:
    """Runs, one after the other, and what was done to them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._draw = folder, random.Random(seed)
        self.tried: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._names = (f"host{number}" for number in range(100_000))

    def run(self, number: int, kills: int, expected: dict[str, object]) -> None:
        """One run to its end, with so many kills."""
        out = self._folder / f"run{number}"
        self._cluster = Cluster(self._new(f"dask{number}"))
        self._add_hosts()
        parent, begun, seen = self._start(out), time.monotonic(), dict[str, str]()
        try:
            while time.monotonic() - begun < MOST_S:
                pause_s = self._draw.uniform(0.3, 4.0)
                ends = time.monotonic() + pause_s
                while parent.poll() is None and time.monotonic() < ends:
                    time.sleep(0.05)
                self._look(out, seen)
                if parent.poll() == 0:
                    break
                if parent.poll() is not None:  # it says that cells are missing
                    self._restore()
                    parent = self._start(out)
                elif kills:
                    kills -= self._kill(self._draw.choice(KINDS), parent)
                    self._restore()
            else:
                self.wrong.append(f"run {number} was not done after {MOST_S:g} s")
        finally:
            parent.kill()
            parent.wait()
            self._cluster.end()
        self._check(number, out, expected)

    def undisturbed(self) -> dict[str, object]:
        """What each cell learns."""
        out = self._folder / "undisturbed"
        command = [sys.executable, "-m", "bench", *RUN, "--out", str(out)]
        subprocess.run(command, env=self._env(), check=True, capture_output=True)
        return {one.identity.cell: one.learning for one in store.read_records([out])[0]}

    def _start(self, out: Path) -> subprocess.Popen[bytes]:
        """A parent: of a new run, or of one that is there."""
        (run,) = [*out.glob("*Z-*")] or [None]
        on = ("--on", f"dask:{self._cluster.address}")
        typed = ("run", "--resume", str(run)) if run else (*RUN, "--out", str(out))
        with (self._folder / "parent.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bench", *typed, *on, "--format", "none"],
                env=self._env(),
                stdout=log,
                stderr=log,
            )

    def _env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'plugins'}",
            "LENET_BENCH_CACHE": str(self._folder / "cache"),
        }

    def _kill(self, kind: str, parent: subprocess.Popen[bytes]) -> int:
        """SIGKILL one of that kind; how many were killed."""
        workers = [one for one in self._cluster.workers.values() if one.poll() is None]
        match kind:
            case "parent":
                found = [parent.pid]
            case "scheduler":
                found = [self._cluster.scheduler.pid]
            case "worker":
                found = [self._draw.choice(workers).pid] if workers else []
            case _:
                found = [cell for worker in workers for cell in _cells(worker.pid)][:1]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        self.tried[kind] += len(found)
        return len(found)

    def _restore(self) -> None:
        """A scheduler and two hosts, as before."""
        if self._cluster.scheduler.poll() is not None:
            self._cluster.end()
            self._cluster = Cluster(self._new(next(self._names)))
        self._add_hosts()

    def _add_hosts(self) -> None:
        alive = [name for name, one in self._cluster.workers.items() if one.poll() is None]
        for _ in range(2 - len(alive)):
            self._cluster.host(next(self._names))

    def _new(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder

    def _look(self, out: Path, seen: dict[str, str]) -> None:
        """That what was there is there."""
        texts = {
            hashlib.sha256(path.read_bytes()).hexdigest(): path.name
            for part in ("records", "attempts")
            for path in out.glob(f"*/{part}/*.json")
        }
        lost = {text: name for text, name in seen.items() if text not in texts}
        self.wrong += [f"the record of {name} is gone or another" for name in lost.values()]
        for text in lost:
            del seen[text]
        seen |= texts

    def _check(self, number: int, out: Path, expected: dict[str, object]) -> None:
        records, problems = store.read_records([out])
        found = {one.identity.cell: one.learning for one in records}
        self.wrong += [f"run {number}: {path}: {why}" for path, why in problems]
        if len(records) != len(found):
            self.wrong.append(f"run {number}: {len(records) - len(found)} records are doubled")
        if found != expected:
            differing = [name for name in expected if found.get(name) != expected[name]]
            self.wrong.append(f"run {number}: missing or other: {', '.join(differing)}")
        left = [path.name for path in out.glob("*/.*")]
        if left:
            self.wrong.append(f"run {number}: left behind: {', '.join(left)}")


def _cells(pid: int) -> list[int]:
    """Processes that measure, started by a worker."""
    try:
        children = psutil.Process(pid).children(recursive=True)
        return [one.pid for one in children if "bench.worker" in one.cmdline()]
    except psutil.Error:
        return []


def main() -> int:
    """Run after run until as many were killed as were asked for; 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    if not can_be_hosts():
        print("no name spaces of mounts here: two workers would be one host, and wait", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="lenet-bench-kills-"))
    campaign, begun = Campaign(folder, options.seed), time.monotonic()
    expected = campaign.undisturbed()
    runs = 0
    while (done := sum(campaign.tried.values())) < options.kills:
        campaign.run(runs, min(KILLS_A_RUN, options.kills - done), expected)
        runs += 1
        killed = ", ".join(f"{campaign.tried[kind]} {kind}" for kind in KINDS)
        print(f"run {runs}: {killed} killed so far, {len(campaign.wrong)} wrong", flush=True)
    for text in campaign.wrong:
        print(f"    {text}")
    print(f"{runs} runs of {len(expected)} cells in {time.monotonic() - begun:.0f} s")
    if not campaign.wrong:
        shutil.rmtree(folder)
    return 1 if campaign.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
