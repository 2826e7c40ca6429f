"""The command line, as a person calls it.

Most tests call it within this process, where the NumPy reference is trained, too: a process for
each takes seconds. What only a process of its own can show is asked of one: `Bench.process`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bench.execution import ChildProcess
from bench.execution.in_process import InProcess
from bench.workload import datasets
from tests.calling import call
from tests.golden_texts import assert_golden_of, complaints, named

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugins"
GOLDEN = Path(__file__).parent / "golden"

# Where a Julia is that a person has named; without them juliapkg finds one.
JULIA = ("JULIA_DEPOT_PATH", "PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT")

# Small enough for a NumPy network: 4 steps an epoch, and a last batch of 8.
TINY = (
    *("--train-size", "56", "--val-size", "60", "--test-size", "60"),
    *("--epochs", "3", "--batch-size", "16", "--seeds", "0", "--threads", "1"),
)
# Of the frameworks in tests/plugins those that end no process and damage none.
IN_NUMPY = (
    *("reference", "opinionated", "twofold", "twofold:counting"),
    *("flipped", "raises", "diverges", "infinite"),
)
# Of throughput, which most tests ignore; other tests run beside them, which are not waited for.
FEW_WINDOWS = ("--windows", "4", "--window", "0.01", "--wait-for-quiet", "0s")


class Bench:
    """Runs `python -m bench` with a results folder and a data root of the test's own."""

    def __init__(self, folder: Path, data: Path, decoded: Path) -> None:
        self.out, self.cache = folder / "results", folder / "cache"
        self._decoded = decoded
        self._places = {folder: "TMP", data: "DATA", data.parent: "OTHERS", ROOT: "ROOT"}
        self.complaints: list[str] = []  # of what was called within this process
        self.documents: list[str] = []  # the names in what it printed as JSON
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

    def arguments(self, *arguments: str) -> list[str]:
        """With few windows and no report, unless said otherwise: of two, the later counts."""
        if arguments[:1] == ("run",):
            begun = () if "--resume" in arguments else FEW_WINDOWS
            arguments = ("run", "--format", "none", *begun, *arguments[1:])
        elif arguments[:1] == ("rerun",):
            arguments = ("rerun", "--format", "none", *arguments[1:])
        return list(arguments)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The program, called within this process; its exit code and what it has printed."""
        typed = self.arguments(*arguments)
        with mock.patch.object(sys, "path", [str(PLUGINS), *sys.path]):
            done = call(typed, self.env, lambda: InProcess(ChildProcess(), IN_NUMPY))
        self._note(typed, done)
        return done

    def _note(self, typed: list[str], done: subprocess.CompletedProcess[str]) -> None:
        self.complaints += complaints(done.stderr, self._places)
        if "--json" in typed and done.stdout.startswith(("{", "[")):
            # Which versions are installed says whether any has a defect.
            names = sorted({*names_in(json.loads(done.stdout))} - {"frameworks[].known_defects[]"})
            if names != ["records[]", "run"]:  # what a run prints
                self.documents.append(f"{typed[0]}: {' '.join(names)}")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "bench", *self.arguments(*arguments)]

    def process(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """The program in a process of its own."""
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

    def tiny(self, frameworks: str, *arguments: str, verified: bool = False) -> tuple[str, ...]:
        """The arguments of a tiny run; unverified unless said otherwise: that takes seconds."""
        more = arguments if verified else ("--unverified", *arguments)
        return ("run", "--frameworks", frameworks, "--out", str(self.out), *TINY, *more)

    def run(
        self, frameworks: str, *arguments: str, verified: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """A tiny run, in whose cache the digits are decoded already."""
        shutil.copytree(self._decoded, self.cache / self._decoded.name, dirs_exist_ok=True)
        return self(*self.tiny(frameworks, *arguments, verified=verified))

    def records(
        self, frameworks: str, *arguments: str, verified: bool = False
    ) -> dict[str, dict[str, Any]]:
        """The records of a run by framework, whatever its exit code."""
        done = self.run(frameworks, "--json", *arguments, verified=verified)
        return {
            record["identity"]["framework"]: record for record in json.loads(done.stdout)["records"]
        }

    def only_run(self) -> Path:
        (folder,) = self.out.iterdir()
        return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root for all tests, so that digits are decoded once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def decoded(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cache in which the digits are decoded: that takes a tenth of a second."""
    folder = tmp_path_factory.mktemp("cache")
    with mock.patch.dict(os.environ, LENET_BENCH_CACHE=str(folder)):
        datasets.load("digits", data, (32, 32), "resize")
    return folder / "decoded"


@pytest.fixture
def bench(
    tmp_path: Path, data: Path, decoded: Path, request: pytest.FixtureRequest
) -> Iterator[Bench]:
    """The program, of which all errors and all names in JSON are compared with those before."""
    made = Bench(tmp_path, data, decoded)
    yield made
    name = named(request)
    assert_golden_of(GOLDEN / "errors.txt", name, made.complaints)
    assert_golden_of(GOLDEN / "documents.txt", name, made.documents)


def names_in(document: Any, path: str = "") -> Iterator[str]:
    """The paths of all values; those of a record, which has a test of its own, are not told."""
    if isinstance(document, dict) and "schema_version" not in document:
        for key, value in document.items():
            yield from names_in(value, f"{path}.{key}".removeprefix("."))
    elif isinstance(document, list) and document:
        for value in document:
            yield from names_in(value, f"{path}[]")
    else:
        yield path


@pytest.fixture
def refused(bench: Bench) -> Callable[..., str]:
    """Runs a wrong call; returns its one line of complaint."""

    def check(*arguments: str) -> str:
        done = bench(*arguments)
        assert done.returncode == 2, done.stderr
        assert done.stdout == ""
        complaints = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(complaints) == 1, done.stderr
        assert "Traceback" not in done.stderr
        return complaints[0]

    return check
