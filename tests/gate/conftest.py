"""A small repository with the harness and the NumPy reference in it, whose revisions are compared.

What is measured is real: processes, worktrees, clocks. Only the network is small and in NumPy, so
that a gate takes seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("bench", "report", "impls/reference", "impls/__init__.py", "pyproject.toml")
SMALL = (
    *("--frameworks", "reference", "--batch-size", "16", "--window", "0.03"),
    *("--quadruples", "4", "--pairs", "7", "--seed", "0"),
)


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
    """Runs `python -m bench gate` in a repository, as a person does."""

    repository: Repository
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
        found = {name: value for name, value in os.environ.items() if name in kept}
        # Where the checkouts go, so that a test can see that nothing is left.
        return found | {"TMPDIR": str(self.folder), "COLUMNS": "160", "PYTHONPATH": str(ROOT)}

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
        )

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.repository.top,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=280,
        )

    def result(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = self("--json", *SMALL, *arguments)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

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
    repository.git("init", "--quiet")
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
def refused(gate: Gate) -> Callable[..., str]:
    """A wrong call: its one line of complaint; nothing has been made."""

    def check(*arguments: str) -> str:
        done = gate(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        complaints = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(complaints) == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert len(gate.repository.worktrees()) == 1
        return complaints[0]

    return check
