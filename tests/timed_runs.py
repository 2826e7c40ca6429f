"""Runs of speed alone for the studies of this folder, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def timed_run(folder: Path, names: Sequence[str], data_root: Path, *options: str) -> Path | None:
    """`bench run` of these frameworks on a part of MNIST: its folder, None where it made none.

    What it prints goes to a file in `folder`. It ends with 1 where a figure is missing since others
    disturbed it, which is for the caller to see.
    """
    out = folder / "runs"
    out.mkdir(parents=True, exist_ok=True)
    before = set(out.iterdir())
    with (folder / "log.txt").open("a") as log:
        subprocess.run(
            [
                *(sys.executable, "-m", "bench", "run", "--frameworks", ",".join(names)),
                *("--dataset", "mnist", "--data-root", str(data_root), "--throughput-only"),
                *("--train-size", "12800", "--val-size", "500", "--test-size", "500"),
                *("--out", str(out), "--format", "none", *options),
            ],
            stdout=log,
            stderr=log,
            cwd=ROOT,
            check=False,
        )
    made = set(out.iterdir()) - before
    return made.pop() if made else None
