"""Where a run is to be measured: what `--on` says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import UsageError

ALLOWED = "local, dask:ADDRESS such as dask:tcp://10.0.0.2:8786, or slurm:FILE such as slurm:a.toml"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is measured.

    address  of a Dask scheduler that is there
    file     that says how to start one on Slurm
    """

    kind: Literal["local", "dask", "slurm"]
    address: str = ""
    file: Path = Path()


HERE = Place("local")


def parse(typed: str) -> Place:
    """What was typed after `--on`.

    Raises:
        UsageError: it is none of these.
    """
    kind, _, rest = typed.partition(":")
    if typed == "local":
        return HERE
    if kind == "dask" and re.fullmatch(r"(tcp|tls|ws|wss)://.+:\d+", rest):
        return Place("dask", address=rest)
    if kind == "slurm" and rest:
        return Place("slurm", file=Path(rest))
    raise UsageError(f"--on {typed!r}: give {ALLOWED}")
