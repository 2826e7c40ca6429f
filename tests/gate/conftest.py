"""A small repository with the harness and the NumPy reference in it, whose revisions are compared.

What is measured is real: processes, checkouts, clocks. Only the network is small and in NumPy, so
that a pair takes a second. Most gates are called within the process of the tests; what only a
process of its own can show is asked of one: `Gate.process`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bench.gate import schedule
from bench.system import environment
from tests.calling import call
from tests.golden_texts import assert_golden_of, complaints, named

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("bench", "report", "impls/reference", "impls/__init__.py", "pyproject.toml")
SMALL = (
    *("--frameworks", "reference", "--batch-size", "2", "--window", "0.01"),
    *("--quadruples", "2", "--pairs", "7", "--seed", "0"),
)
# For what a few short windows would not show: figures, or what others do meanwhile.
LONGER = ("--batch-size", "16", "--window", "0.03", "--quadruples", "4")


@dataclass(frozen=True)
class Repository:
    """A git repository of a test's own."""

    top: Path

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        command = ["git", *identity, "-c", "init.defaultBranch=main", *arguments]
        return subprocess.run(
            command, cwd=self.top, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, message: str = "change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.top / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def worktrees(self) -> list[str]:
        return self.git("worktree", "list").splitlines()


@dataclass(frozen=True)
class Gate:
    """Runs `python -m bench gate` in a repository, as a person does.

    folder  where its temporary files go, so that a test can see that nothing is left
    path    what PYTHONPATH names
    """

    repository: Repository
    folder: Path
    path: list[Path] = field(default_factory=lambda: [ROOT])

    @property
    def env(self) -> dict[str, str]:
        kept = environment.PASSED_ON - {"PYTHONPATH"} | {"HOME"}
        found = {name: value for name, value in os.environ.items() if name in kept}
        found |= {"TMPDIR": str(self.folder), "COLUMNS": "160"}
        if self.path:
            found["PYTHONPATH"] = os.pathsep.join(map(str, self.path))
        return found

    def __call__(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """The program, called within this process; its exit code and what it has printed."""
        with (
            mock.patch.object(tempfile, "tempdir", str(self.folder)),  # is looked up only once
            contextlib.chdir(self.repository.top),
        ):
            return call(["gate", *arguments], self.env | env)

    def result(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Of a small gate: its exit code, and what it has found."""
        done = self("--json", *SMALL, *arguments)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def once(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The same of a gate that measures a single pair, which leaves it undecided."""
        with mock.patch.object(schedule.Run, "go", lambda run: run._round()):
            return self.result(*arguments)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-W", "error", "-m", "bench", "gate", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.repository.top,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A job in the background ignores Ctrl-C, and so would what it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The program in a process of its own."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.repository.top,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=280,
        )

    def left_over(self) -> list[str]:
        return [path.name for path in self.folder.iterdir() if path.name.startswith("bench-gate")]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("gate") / "template"
    for part in PARTS:
        source, target = ROOT / part, top / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    repository = Repository(top)
    repository.git("init", "--quiet", "--template=")
    repository.commit("the beginning")
    return top


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Repository:
    shutil.copytree(template, tmp_path / "repository")
    return Repository(tmp_path / "repository")


@pytest.fixture
def gate(repository: Repository, tmp_path: Path) -> Gate:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return Gate(repository, folder)


@pytest.fixture
def refused(gate: Gate, request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """A wrong call: its one line of complaint; nothing has been made, and nothing is left.

    Each is compared, word for word, with what it was before.
    """
    said: list[str] = []
    places = {gate.repository.top: "REPOSITORY", gate.folder.parent: "TMP", ROOT: "ROOT"}

    def check(*arguments: str, **env: str) -> str:
        done = gate(*arguments, **env)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        found = complaints(done.stderr, {})
        assert len(found) == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert len(gate.repository.worktrees()) == 1
        assert gate.left_over() == []
        said.extend(complaints(done.stderr, places))
        return next(line for line in done.stderr.splitlines() if line.startswith("error: "))

    yield check
    name = named(request)
    assert_golden_of(Path(__file__).parent / "golden" / "errors.txt", name, said)
