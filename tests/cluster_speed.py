"""Does a block on a Dask worker measure what it measures without? Pairs, A B B A, on one machine.

    python tests/cluster_speed.py --framework torch --pairs 20 --data-root DIR

Each pair is a process started by this one and a process started by a Dask worker, of the same cell.
The end is the ratio of images/s, Dask over local, with its interval, and the CPU time that Dask's
scheduler and worker took meanwhile, as shares of one CPU.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "plugins")]  # as the hosts have it

from bench import stats  # noqa: E402
from bench.config import plan  # noqa: E402
from bench.execution import ChildProcess  # noqa: E402
from bench.execution.block import Block, BlockEvent, CellEnded, OnThisMachine  # noqa: E402
from bench.execution.executors import link  # noqa: E402
from bench.execution.executors.cluster import Cluster  # noqa: E402
from bench.execution.executors.local import Local  # noqa: E402
from bench.results.record import Record  # noqa: E402
from bench.system import machine  # noqa: E402
from bench.worker import prepared_data  # noqa: E402
from bench.workload import datasets  # noqa: E402
from tests import dask_hosts  # noqa: E402


class Speeds:
    """Takes the records of blocks."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def __call__(self, block: Block, host: str | None = None):
        def take(event: BlockEvent) -> None:
            if isinstance(event, CellEnded):
                self.records.append(event.record)

        return take


def main() -> None:
    """Measure the pairs, then print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--framework", default="torch")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--data-root", type=Path, default=None)
    options = parser.parse_args()
    root = (options.data_root or datasets.default_root()).absolute()
    source = prepared_data.source(datasets.load("mnist", root, (32, 32), "pad"))
    planned = plan.make(
        {
            "frameworks": (options.framework,),
            "dataset": "mnist",
            "data_root": root,
            "throughput_only": True,
            "unverified": True,
            "seeds": (0,),
            "min_repeats": options.pairs,
            "wait_for_quiet_s": 0.0,
        },
        source,
    )
    folder = Path(tempfile.mkdtemp(prefix="lenet-bench-speed-"))
    dask = dask_hosts.Cluster(folder)
    dask.host("one")
    dask.wait_for_hosts()
    here = Local(OnThisMachine(ChildProcess(), machine.describe()))
    found = {"local": Speeds(), "dask": Speeds()}
    watched = {
        name: psutil.Process(one.pid)
        for name, one in (("scheduler", dask.scheduler), ("worker", dask.workers["one"]))
    }
    try:
        with link.connected(dask.address) as connection:
            there = Cluster(connection, folder, machine.describe(), print)
            there.measure([_block(planned, planned.cells()[0], folder)], Speeds())  # warms up
            before, begun = _cpu_s(watched), time.monotonic()
            for number, cell in enumerate(planned.cells()):
                block = _block(planned, cell, folder)
                order = ("local", "dask") if number % 2 else ("dask", "local")
                for name in order:
                    (here if name == "local" else there).measure([block], found[name])
            taken, passed_s = _cpu_s(watched), time.monotonic() - begun
    finally:
        dask.end()
        shutil.rmtree(folder, ignore_errors=True)
    speeds = {
        name: [one.throughput.images_per_s or 0.0 for one in of.records]
        for name, of in found.items()
    }
    clean = [
        not (one.throughput.disturbed or other.throughput.disturbed)
        for one, other in zip(found["dask"].records, found["local"].records, strict=True)
    ]
    ratio = stats.paired_ratio(speeds["dask"], speeds["local"])
    bounds = f" ({ratio.interval.low:.3f} to {ratio.interval.high:.3f})" if ratio.interval else ""
    shares = ", ".join(
        f"{name} {100 * (taken[name] - before[name]) / passed_s:.1f} %" for name in watched
    )
    print(
        f"{options.framework}: {ratio.estimate:.3f}{bounds} of the local speed over "
        f"{options.pairs} pairs, {sum(clean)} of them undisturbed; of a CPU, Dask took: {shares}"
    )


def _block(planned: plan.Plan, cell: plan.Cell, folder: Path) -> Block:
    return Block(run="speed", plan=planned, cells=(cell,), logs=folder, checkpoints=folder)


def _cpu_s(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """User and system time of each process itself, without what it has started."""
    return {name: one.cpu_times().user + one.cpu_times().system for name, one in processes.items()}


if __name__ == "__main__":
    main()
