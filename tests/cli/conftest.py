"""The command line, run as a person runs it: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugins"

# Where a Julia is that a person has named; without them juliapkg finds one.
JULIA = ("JULIA_DEPOT_PATH", "PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT")

# Small enough for a NumPy network: 4 steps an epoch, and a last batch of 8.
TINY = (
    *("--train-size", "200", "--val-size", "60", "--test-size", "60"),
    *("--epochs", "3", "--batch-size", "64", "--seeds", "0", "--threads", "1"),
)
FEW_WINDOWS = ("--windows", "4", "--window", "0.01")  # of throughput, which most tests ignore


class Bench:
    """Runs `python -m bench` with a results folder and a data root of the test's own."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.out, self.cache = folder / "results", folder / "cache"
        self.env = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR", *JULIA)
        } | {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGINS}",
            "LENET_BENCH_DATA": str(data),
            "LENET_BENCH_CACHE": str(self.cache),
            "COLUMNS": "200",
        }

    def command(self, *arguments: str) -> list[str]:
        if arguments[:1] == ("run",) and "--resume" not in arguments:
            arguments = ("run", *FEW_WINDOWS, *arguments[1:])  # of two, the later counts
        return [sys.executable, "-W", "error", "-m", "bench", *arguments]

    def __call__(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        options.setdefault("timeout", 240)
        return subprocess.run(
            self.command(*arguments), env=self.env, capture_output=True, text=True, **options
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A job in the background ignores Ctrl-C, and so would what it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(
        self, frameworks: str, *arguments: str, verified: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """A run of a tiny plan; unverified unless said otherwise, since that takes seconds."""
        more = arguments if verified else ("--unverified", *arguments)
        return self("run", "--frameworks", frameworks, "--out", str(self.out), *TINY, *more)

    def records(
        self, frameworks: str, *arguments: str, verified: bool = False
    ) -> dict[str, dict[str, Any]]:
        """The records of a run by framework, whatever its exit code."""
        done = self.run(frameworks, "--json", *arguments, verified=verified)
        return {record["framework"]: record for record in json.loads(done.stdout)["records"]}

    def only_run(self) -> Path:
        (folder,) = self.out.iterdir()
        return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root for all tests, so that digits are decoded once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def bench(tmp_path: Path, data: Path) -> Bench:
    return Bench(tmp_path, data)


@pytest.fixture
def refused(bench: Bench) -> Callable[..., str]:
    """Runs a wrong call; returns its one line of complaint."""

    def check(*arguments: str, **options: Any) -> str:
        done = bench(*arguments, **options)
        assert done.returncode == 2, done.stderr
        assert done.stdout == ""
        complaints = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(complaints) == 1, done.stderr
        assert "Traceback" not in done.stderr
        return complaints[0]

    return check
