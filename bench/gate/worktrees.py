"""Revisions of a git repository as folders of their own, which are always removed again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.gate.cases import NAMES, Name

GIT_LIMIT_S = 300.0
LOCKS = ("constraints.txt", "requirements.txt", "uv.lock", "poetry.lock", "pylock.toml")


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit. given: as a person named it; subject: the first line of its message."""

    given: str
    commit: str
    subject: str


@dataclass(frozen=True, slots=True)
class Repository:
    """The git repository around the current folder. top: its working tree, absolute."""

    top: Path

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """UsageError where there is no git, or no repository."""
        if shutil.which("git") is None:
            raise UsageError("git is not installed, or not on the PATH: the gate needs it")
        done = _git(folder, "rev-parse", "--show-toplevel")
        if done.returncode or not done.stdout.strip():
            raise UsageError(
                f"{folder} is not in the working tree of a git repository: run the gate where "
                f"the revisions are; git says: {_last_line(done.stderr)}"
            )
        return cls(Path(done.stdout.rstrip("\n")).resolve())

    def revision(self, given: str) -> Revision:
        """The commit that is meant; UsageError where there is none of that name."""
        name = f"{given}^{{commit}}"
        done = _git(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
        if done.returncode:
            shallow = _git(self.top, "rev-parse", "--is-shallow-repository").stdout.strip()
            hint = (
                "this clone is shallow: fetch the history, such as with fetch-depth: 0"
                if shallow == "true"
                else "give a branch, tag or commit that this repository has, or git fetch first"
            )
            raise UsageError(f"unknown revision {given!r}: {hint}")
        commit = done.stdout.strip()
        subject = _git(self.top, "log", "-1", "--format=%s", commit).stdout.strip()
        return Revision(given, commit, subject)

    def changed(self) -> list[str]:
        """Tracked files that differ from the commit that is checked out."""
        done = _git(self.top, "status", "--porcelain", "--untracked-files=no")
        return [line[3:] for line in done.stdout.splitlines()]

    def dependencies(self, revision: Revision) -> dict[str, Any]:
        """All that says which packages a revision wants: parts of pyproject.toml, lock files."""
        found: dict[str, Any] = {name: self._text(revision, name) for name in LOCKS}
        text = self._text(revision, "pyproject.toml")
        try:
            project = tomllib.loads(text or "").get("project", {})
        except tomllib.TOMLDecodeError:
            found["pyproject.toml"] = text
            return found
        keys = ("dependencies", "optional-dependencies", "requires-python")
        return found | {"pyproject.toml": {key: project.get(key) for key in keys}}

    def differing(self, base: Revision, head: Revision) -> list[str]:
        """The files in which the two revisions want other packages."""
        one, other = self.dependencies(base), self.dependencies(head)
        return sorted(name for name in one | other if one.get(name) != other.get(name))

    def _text(self, revision: Revision, path: str) -> str | None:
        done = _git(self.top, "show", f"{revision.commit}:{path}")
        return done.stdout if done.returncode == 0 else None

    @contextlib.contextmanager
    def checkouts(self, revisions: dict[Name, Revision]) -> Iterator[dict[Name, Path]]:
        """A detached worktree of each in a temporary folder; removed however this is left."""
        folder = Path(tempfile.mkdtemp(prefix="bench-gate-")).resolve()
        trees = {name: folder / name for name in NAMES}
        try:
            for name, tree in trees.items():
                done = _git(
                    self.top,
                    *("-c", f"core.hooksPath={os.devnull}"),
                    *("worktree", "add", "--detach", "--quiet", str(tree), revisions[name].commit),
                )
                if done.returncode:
                    raise UsageError(f"git cannot check out {name}: {_last_line(done.stderr)}")
            yield trees
        finally:
            for tree in trees.values():
                _git(self.top, "worktree", "remove", "--force", "--force", str(tree))
            shutil.rmtree(folder, ignore_errors=True)
            _git(self.top, "worktree", "prune")


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git there, without a shell and in English; what it thinks of that is in the result."""
    git = shutil.which("git") or "git"
    return subprocess.run(
        [git, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=GIT_LIMIT_S,
        env=os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
