"""The git repository of the revisions: what they are, what they want, and their files."""

from __future__ import annotations

import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bench.errors import UsageError
from bench.gate.cases import NAMES, Name
from bench.gate.checkout import borrow, check_out, settings_of
from bench.system import git

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
    mirror   a repository of the gate's own that has its objects: where they are read, so that
             nothing is written to this one
    project  the package in it that is meant, relative to the top: the nearest folder around the
             current one that holds a pyproject.toml, setup.cfg or setup.py, else the top
    """

    top: Path
    mirror: Path
    project: PurePosixPath = TOP

    @classmethod
    def around(cls, folder: Path, workspace: Path) -> Repository:
        """The repository around a folder; its mirror is made in the `workspace`.

        UsageError where there is no git, or no repository, or where it is unclear which.
        """
        if shutil.which("git") is None:
            raise UsageError("git is not installed, or not on the PATH: the gate needs it")
        done = git.run(folder, "rev-parse", "--show-toplevel")
        if done.returncode or not done.stdout.strip():
            raise UsageError(
                f"{folder} is not in the working tree of a git repository: run the gate where "
                f"the revisions are; git says: {git.complaint(done.stderr)}"
            )
        top = Path(done.stdout.removesuffix("\n")).resolve()
        _refuse_another(folder, top)
        mirror = workspace / "repository"
        try:
            borrow(top, mirror)
        except (OSError, UsageError) as error:
            raise _unwritable(mirror, error) from error
        return cls(top, mirror, _project(folder.resolve(), top))

    def revision(self, given: str) -> Revision:
        """The commit that is meant; UsageError where there is none of that name."""
        found = self._commit(given)
        if found is None:
            raise UsageError(
                f"unknown revision {git.printable(given)!r}: "
                + self._hint("give a branch, tag or commit that this repository has, or git fetch")
            )
        return self._described(given, found)

    def merge_base(self, base: Revision, head: Revision) -> Revision:
        """Where head's own changes began: the newest commit that both revisions have.

        What has been changed on the base since is not head's doing. UsageError where there is none,
        or where head has no commit of its own.
        """
        common = self._read("merge-base", base.commit, head.commit).strip()
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
        """Tracked files that differ from the commit that is checked out.

        Compared with a copy of the index, in the mirror: filters, as Git LFS has them, write down
        what they make of a file.
        """
        head, own = self._commit("HEAD"), self.mirror / ".git"
        if head is None:
            return []
        index = self.top / git.run(self.top, "rev-parse", "--git-path", "index").stdout.strip()
        for file in (index, *index.parent.glob("sharedindex.*")):
            if file.is_file():
                try:
                    shutil.copyfile(file, own / file.name)
                except OSError as error:
                    raise _unwritable(self.mirror, error) from error
                # By the index's time git tells which files may have changed since it looked.
                os.utime(own / file.name, ns=(0, file.stat().st_mtime_ns))
        git.run(self.mirror, "update-ref", "--no-deref", "HEAD", head)
        place = (f"--git-dir={own}", f"--work-tree={self.top}")
        done = git.run(
            self.top,
            *(*place, "status", "--porcelain", "--untracked-files=no"),
            settings=settings_of(self.top, self.mirror),
            may_fetch=True,
        )
        return [git.printable(line[3:]) for line in done.stdout.splitlines()]

    def worktrees(self) -> tuple[Path, ...]:
        """The working trees of this repository, inner ones first: nothing is measured there."""
        listed = git.run(self.top, "worktree", "list", "--porcelain", "-z").stdout.split("\0")
        others = [line.partition(" ")[2] for line in listed if line.startswith("worktree ")]
        found = {self.top, *(Path(one).resolve() for one in others)}
        return tuple(sorted(found, key=lambda tree: len(tree.parts), reverse=True))

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
        subject = self._read("log", "-1", "--format=%s", commit).strip()
        return Revision(git.printable(given), commit, git.printable(subject))

    def _commit(self, given: str) -> str | None:
        """The commit that a person's name stands for, which only their repository knows."""
        verified = ("rev-parse", "--verify", "--quiet", "--end-of-options")
        found = git.run(self.top, *verified, given).stdout.strip()
        done = git.run(self.top, *verified, f"{found}^{{commit}}")
        return done.stdout.strip() if found and done.returncode == 0 else None

    def _read(self, *arguments: str) -> str:
        """What git prints of objects; what a partial clone lacks comes into the mirror."""
        settings = settings_of(self.top, self.mirror)
        return git.run(self.mirror, *arguments, settings=settings, may_fetch=True).stdout

    def _hint(self, otherwise: str) -> str:
        shallow = git.run(self.top, "rev-parse", "--is-shallow-repository").stdout.strip()
        if shallow == "true":
            return "this clone is shallow: fetch the history, such as with fetch-depth: 0"
        return otherwise

    def _files(self, revision: Revision) -> list[str]:
        listed = self._read("ls-tree", "-r", "-z", "--name-only", revision.commit)
        return [path for path in listed.split("\0") if path]

    def _text(self, revision: Revision, path: str) -> str:
        return self._read("show", f"{revision.commit}:{path}")


def _unwritable(folder: Path, error: OSError | UsageError) -> UsageError:
    what = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return UsageError(
        f"cannot write to {folder}: {what}; make room, or name another place by TMPDIR"
    )


def _refuse_another(folder: Path, top: Path) -> None:
    """A hook's GIT_DIR is of the repository around it; any other one is a person's, who means it.

    The gate goes by the folder alone.
    """
    given = os.environ.get("GIT_DIR")
    if given is None:
        return
    asked = ("rev-parse", "--absolute-git-dir")
    meant, own = git.run(folder, f"--git-dir={given}", *asked), git.run(folder, *asked)
    if meant.returncode == 0 and meant.stdout != own.stdout:
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
    keys = ("dependencies", "optional-dependencies", "requires-python")
    try:
        document = tomllib.loads(text)
        project, poetry = document.get("project", {}), document.get("tool", {}).get("poetry", {})
        return {key: project.get(key) for key in keys} | {"poetry": poetry.get("dependencies")}
    except (tomllib.TOMLDecodeError, AttributeError):
        return text
