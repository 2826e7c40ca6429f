"""What a run on a cluster costs its parent, and how busy it keeps the hosts.

    python -m tests.cluster_scale --sizes 100,1000,10000
    python -m tests.cluster_scale --hosts 4 --cells 80 --sleep 4

A real scheduler, real workers and the real command; on the workers cells sleep in the place of
measuring (`tests/quick_host.py`), so that what is measured is everything else. The first prints
seconds and the greatest memory of the parent at each number of cells, a block each, on two hosts;
the second how long a run took against the sum of what its cells slept, shared by the hosts.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests import dask_hosts
from tests.quick_host import PRELOAD, sleep_s
from tests.scale import measured, told


def run(folder: Path, hosts: int, cells: int, usual_s: float = 0.0) -> tuple[str, float]:
    """A run of so many cells: what the parent took, and the seconds in which the cells were done.

    They begin when the first cell does, after the hosts have been asked what they have.
    """
    env = {"BENCH_TEST_SLEEP_S": str(usual_s)}
    cluster = dask_hosts.Cluster(folder, env)
    try:
        for number in range(hosts):
            cluster.host(f"host{number}", *PRELOAD)
        cluster.wait_for_hosts()
        os.environ["PYTHONPATH"] = cluster.env["PYTHONPATH"]  # of the parent, too
        cost = measured(
            *("run", "--frameworks", "reference", "--dataset", "digits", "--throughput-only"),
            *("--unverified", "--threads", "1", "--format", "none", "--out", str(folder / "runs")),
            *("--seeds", ",".join(map(str, range(cells))), "--on", f"dask:{cluster.address}"),
        )
        records = list(folder.glob("runs/*/records/*.json"))
        assert len(records) == cells, f"{len(records)} records of {cells} cells"
        written = [one.stat().st_mtime for one in records]
        first = min(written) - sleep_s(0, usual_s)
    finally:
        cluster.end()
    return told(cost), max(written) - first


def sizes(counts: Sequence[int], within: Path) -> None:
    """A row each."""
    for cells in counts:
        folder = within / f"cells{cells}"
        folder.mkdir()
        said, _ = run(folder, 2, cells)
        print(f"{cells:>7,} cells: the parent took {said}", flush=True)


def makespan(hosts: int, cells: int, usual_s: float, within: Path) -> None:
    """How far from ideal."""
    ideal_s = sum(sleep_s(seed, usual_s) for seed in range(cells)) / hosts
    said, took_s = run(within, hosts, cells, usual_s)
    print(
        f"{cells} cells on {hosts} hosts: {took_s:.1f} s, {took_s / ideal_s:.3f} of what they "
        f"slept shared by the hosts ({ideal_s:.1f} s); the parent took {said}"
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--hosts", type=int)
    parser.add_argument("--cells", type=int, default=80)
    parser.add_argument("--sleep", type=float, default=4.0, help="seconds of a cell, on average")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lenet-bench-cluster-") as folder:
        if asked.hosts:
            makespan(asked.hosts, asked.cells, asked.sleep, Path(folder))
        else:
            sizes([int(word) for word in asked.sizes.split(",")], Path(folder))


if __name__ == "__main__":
    main()
