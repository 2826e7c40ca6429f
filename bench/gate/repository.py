"""The git repository of the revisions: what they are, what they want, and their files."""

from __future__ import annotations

import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bench import git
from bench.errors import UsageError
from bench.gate.cases import NAMES, Name
from bench.gate.checkout import check_out

LOCKS = (
    *("constraints.txt", "requirements.txt", "uv.lock", "poetry.lock", "pylock.toml", "pdm.lock"),
    *("pixi.lock", "Pipfile.lock", "conda-lock.yml", "environment.yml"),
)
PYPROJECT = "pyproject.toml"
OF_JULIA = "juliapkg.json"  # which packages of Julia's a package of Python's wants
TOP = PurePosixPath()
PROJECTS = (PYPROJECT, "setup.cfg", "setup.py")  # each of these makes a folder a project


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit. given: as a person named it; subject: the first line of its message."""

    given: str
    commit: str
    subject: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """A revision's files. absent: submodules that could not be had, by their paths."""

    folder: Path
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """The git repository around the current folder.

    top      its working tree, absolute
    project  the package in it that is meant, relative to the top: the nearest folder around the
             current one that holds a pyproject.toml, setup.cfg or setup.py, else the top
    """

    top: Path
    project: PurePosixPath = TOP

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """UsageError where there is no git, or no repository, or where it is unclear which."""
        if shutil.which("git") is None:
            raise UsageError("git is not installed, or not on the PATH: the gate needs it")
        done = git.run(folder, "rev-parse", "--show-toplevel")
        if done.returncode or not done.stdout.strip():
            raise UsageError(
                f"{folder} is not in the working tree of a git repository: run the gate where "
                f"the revisions are; git says: {git.last_line(done.stderr)}"
            )
        top = Path(done.stdout.rstrip("\n")).resolve()
        _refuse_another(folder, top)
        return cls(top, _project(folder.resolve(), top))

    def revision(self, given: str) -> Revision:
        """The commit that is meant; UsageError where there is none of that name."""
        name = f"{given}^{{commit}}"
        done = git.run(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
        if done.returncode:
            raise UsageError(
                f"unknown revision {given!r}: "
                + self._hint("give a branch, tag or commit that this repository has, or git fetch")
            )
        return self._described(given, done.stdout.strip())

    def merge_base(self, base: Revision, head: Revision) -> Revision:
        """Where head's own changes began: the newest commit that both revisions have.

        What has been changed on the base since is not head's doing. UsageError where there is none,
        or where head has no commit of its own.
        """
        done = git.run(self.top, "merge-base", base.commit, head.commit)
        common = done.stdout.strip()
        if not common:
            raise UsageError(
                f"{base.given} and {head.given} have no commit in common: "
                + self._hint("take --tip to compare the two as they are")
            )
        if common == base.commit:
            return base
        if common == head.commit:
            raise UsageError(
                f"{head.given} is older than {base.given} and has no commit of its own to measure: "
                "take --tip to compare the two as they are"
            )
        return self._described(f"where {head.given} left {base.given}", common)

    def changed(self) -> list[str]:
        """Tracked files that differ from the commit that is checked out."""
        done = git.run(self.top, "status", "--porcelain", "--untracked-files=no")
        return [line[3:] for line in done.stdout.splitlines()]

    def worktrees(self) -> tuple[Path, ...]:
        """The working trees of this repository, this one first: nothing may be measured there."""
        listed = git.run(self.top, "worktree", "list", "--porcelain", "-z").stdout.split("\0")
        others = [line.partition(" ")[2] for line in listed if line.startswith("worktree ")]
        return tuple(dict.fromkeys((self.top, *(Path(one).resolve() for one in others))))

    def dependencies(self, revision: Revision) -> dict[str, Any]:
        """All that says which packages a revision wants, by file.

        Lock files and parts of pyproject.toml, of the project and of the folders around it; and
        what its packages want of Julia's.
        """
        levels = (self.project, *self.project.parents)
        found: dict[str, Any] = {}
        for path in self._files(revision):
            here = PurePosixPath(path)
            locks = here.parent in levels and here.name in LOCKS
            if locks or (here.name == OF_JULIA and here.is_relative_to(self.project)):
                found[path] = self._text(revision, path)
            elif here.parent in levels and here.name == PYPROJECT:
                found[path] = _wanted(self._text(revision, path))
        return found

    def differing(self, base: Revision, head: Revision) -> list[str]:
        """The files in which the two revisions want other packages."""
        one, other = self.dependencies(base), self.dependencies(head)
        return sorted(name for name in one | other if one.get(name) != other.get(name))

    def paths(self, top: Path) -> tuple[Path, ...]:
        """The folders that packages are imported from, in a checkout: as far as they are there."""
        places = (top / self.project, top / self.project / "src", top, top / "src")
        return tuple(dict.fromkeys(place for place in places if place.is_dir()))

    def check_out(self, revisions: dict[Name, Revision], folder: Path) -> dict[Name, Checkout]:
        """The files of each revision in a folder below `folder`, named as the side is."""
        found: dict[Name, Checkout] = {}
        for name in NAMES:
            try:
                absent = check_out(self.top, revisions[name].commit, folder / name)
            except (UsageError, OSError) as error:
                raise UsageError(f"cannot check out {name} to {folder}: {error}") from error
            found[name] = Checkout(folder / name, tuple(absent))
        return found

    def _described(self, given: str, commit: str) -> Revision:
        subject = git.run(self.top, "log", "-1", "--format=%s", commit).stdout.strip()
        return Revision(given, commit, subject)

    def _hint(self, otherwise: str) -> str:
        shallow = git.run(self.top, "rev-parse", "--is-shallow-repository").stdout.strip()
        if shallow == "true":
            return "this clone is shallow: fetch the history, such as with fetch-depth: 0"
        return otherwise

    def _files(self, revision: Revision) -> list[str]:
        done = git.run(self.top, "ls-tree", "-r", "-z", "--name-only", revision.commit)
        return [path for path in done.stdout.split("\0") if path]

    def _text(self, revision: Revision, path: str) -> str:
        return git.run(self.top, "show", f"{revision.commit}:{path}").stdout


def _refuse_another(folder: Path, top: Path) -> None:
    """A hook's GIT_DIR is of the repository around it; any other one is a person's, who means it.

    The gate goes by the folder alone.
    """
    given = os.environ.get("GIT_DIR")
    if given is None or not (folder / given / "HEAD").is_file():
        return
    own = git.run(folder, "rev-parse", "--absolute-git-dir").stdout.rstrip("\n")
    if (folder / given).resolve() != Path(own).resolve():
        raise UsageError(
            f"GIT_DIR is {given}, and {folder} is in the repository {top}: run the gate within the "
            "one that is meant, with GIT_DIR unset"
        )


def _project(folder: Path, top: Path) -> PurePosixPath:
    around = (one for one in (folder, *folder.parents) if one.is_relative_to(top))
    project = next((one for one in around if any((one / name).is_file() for name in PROJECTS)), top)
    return PurePosixPath(project.relative_to(top).as_posix())


def _wanted(text: str) -> Any:
    """The parts of a pyproject.toml that name packages; the whole text where it cannot be read."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return text
    project, poetry = document.get("project", {}), document.get("tool", {}).get("poetry", {})
    keys = ("dependencies", "optional-dependencies", "requires-python")
    return {key: project.get(key) for key in keys} | {"poetry": poetry.get("dependencies")}
