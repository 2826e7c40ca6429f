"""A commit of a repository as files in a folder, without a trace in that repository.

The folder becomes a repository of its own that borrows the objects of the other one. Nothing is
registered there, as a worktree would be: no index, reference or setting of a person's is written,
and a gate that is killed leaves nothing there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bench.errors import UsageError
from bench.system import git

# Settings that say where a repository is, what of it is wanted, or what is to be run in it. All
# others are taken over: line endings, filters, where objects come from that are not here.
OWN_SETTINGS = (
    *("core.bare", "core.worktree", "core.repositoryformatversion", "core.hookspath"),
    *("core.fsmonitor", "core.untrackedcache", "core.splitindex", "core.sparsecheckout"),
    *("index.", "extensions.", "branch.", "submodule.", "include", "lfs.storage"),
)
QUIET = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
    ("submodule.recurse", "false"),
)
# What stands beside a repository's settings and has a say in what is checked out, or in history.
BESIDE = ("info/attributes", "info/grafts", "shallow")
OF_A_REPOSITORY = ("local", "worktree")  # scopes of settings
REFERENCES = ("refs/tags", "refs/replace")
SUBMODULE = "160000 commit "


def check_out(source: Path, commit: str, target: Path) -> list[str]:
    """Write a commit's files to the folder `target`, which is made, with those of its submodules.

    source  any folder of the repository that has the commit
    Returns the submodules, by their paths, whose commit is neither here nor can be fetched from
    where their repository came; their folders are empty. What Git LFS has here is put in place, and
    what can be neither found nor fetched stays a pointer. Sparse checkouts are of no account.
    Raises UsageError with git's words.
    """
    borrow(source, target)
    settings = settings_of(source, target)
    _must(target, "checkout", "--quiet", "--detach", commit, settings=settings)
    absent: list[str] = []
    for path, wanted in _submodules(target, commit):
        places, folder = list(_places(source, target, commit, path)), target / path
        place = next((one for one in places if _has(one, wanted)), None)
        place = place or next((one for one in places if _fetched(one, wanted, folder)), None)
        if place is None:
            absent.append(path)
        else:
            absent += [f"{path}/{one}" for one in check_out(place, wanted, folder)]
    return absent


def borrow(source: Path, target: Path) -> None:
    """Make a repository in `target`, if none is there, that has the objects of `source`.

    And its tags, which packages take their version from, and what stands for other objects.
    """
    if (target / ".git").exists():
        return
    kind = _said(source, "rev-parse", "--show-object-format")
    unusual = () if kind in ("", "sha1") else (f"--object-format={kind}",)
    target.mkdir(parents=True, exist_ok=True)
    _must(target, "init", "--quiet", "--template=", *unusual)
    own = target / ".git"
    lines = _said(source, "count-objects", "-v").splitlines()
    others = [line.partition(": ")[2] for line in lines if line.startswith("alternate: ")]
    objects = [str(_path(source, "objects")), *others]
    (own / "objects/info").mkdir(parents=True, exist_ok=True)
    lines = [f"{_quoted(one)}\n" for one in objects]
    (own / "objects/info/alternates").write_bytes(os.fsencode("".join(lines)))
    for name in BESIDE:
        if (found := _path(source, name)).is_file():
            (own / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(found, own / name)
    named = _said(source, "for-each-ref", "--format=%(objectname) %(refname)", *REFERENCES)
    if named:
        (own / "packed-refs").write_bytes(os.fsencode(f"{named}\n"))


def _quoted(path: str) -> str:
    """A path as a line of git's own files: in quotes where it could be taken for something else."""
    if "\n" not in path and not path.startswith(('"', "#")):
        return path
    escaped = path.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def settings_of(source: Path, target: Path) -> list[git.Setting]:
    """The repository's settings that say how its files are written and where they come from.

    Its own ones, and those of a person's that hold for it and would not for the target, as
    settings do that are included for a folder.
    """
    own = {entry for scope, entry in _listed(target) if scope not in OF_A_REPOSITORY}
    found = []
    for scope, entry in _listed(source):
        name, separator, value = entry.partition("\n")
        if name.startswith(OWN_SETTINGS) or scope == "command":
            continue
        if scope in OF_A_REPOSITORY or entry not in own:
            found.append((name, value if separator else "true"))
    return [*found, *QUIET]


def _listed(folder: Path) -> list[tuple[str, str]]:
    """Where each setting is from, and the setting."""
    parts = _git(folder, "config", "--list", "--show-scope", "-z").stdout.split("\0")
    return list(zip(parts[::2], parts[1::2], strict=False))


def _submodules(target: Path, commit: str) -> list[tuple[str, str]]:
    """Path and commit of each submodule, as far as it lies within the folder."""
    entries = _must(target, "ls-tree", "-r", "-z", commit).split("\0")
    found = [entry.removeprefix(SUBMODULE) for entry in entries if entry.startswith(SUBMODULE)]
    return [(path, wanted) for wanted, _, path in (one.partition("\t") for one in found)]


def _places(source: Path, target: Path, commit: str, path: str) -> Iterator[Path]:
    """Where the repository of a submodule may be on this disk, as far as there is one.

    In the working tree, where it was checked out; or among git's own files, where another revision
    had it.
    """
    top = _said(source, "rev-parse", "--show-toplevel")
    if top and (Path(top) / path).is_dir() and _top_of(Path(top) / path) == Path(top) / path:
        yield Path(top) / path
    listed = git.run(
        target,
        *("config", "-z", "--blob", f"{commit}:.gitmodules"),
        *("--get-regexp", r"^submodule\..*\.path$"),
    ).stdout
    for entry in listed.split("\0"):
        name, _, where = entry.partition("\n")
        name = name.removeprefix("submodule.").removesuffix(".path")
        if where != path or ".." in PurePosixPath(name).parts or name.startswith("/"):
            continue
        for option in ("--absolute-git-dir", "--git-common-dir"):
            folder = source / _said(source, "rev-parse", option) / "modules" / name
            if (folder / "HEAD").is_file():
                yield folder


def _fetched(place: Path, wanted: str, target: Path) -> bool:
    """Whether a submodule's commit can be had from where its repository came, into `target`."""
    url = _said(place, "config", "--get", "remote.origin.url")
    if not url:
        return False
    borrow(place, target)
    settings = settings_of(place, target)
    for what in (("--depth", "1", url, wanted), (url,)):
        fetch = ("fetch", "--quiet", "--no-tags", *what)
        git.run(target, *fetch, settings=settings, may_fetch=True)
        if _has(target, wanted):
            return True
    shutil.rmtree(target / ".git")
    return False


def _has(place: Path, commit: str) -> bool:
    return _git(place, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


def _top_of(folder: Path) -> Path:
    return Path(_said(folder, "rev-parse", "--show-toplevel") or "/")


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a folder of a working tree, or in one of git's own.

    The latter names the working tree of a submodule, which need not be there any more.
    """
    bare = (folder / "HEAD").is_file() and not (folder / ".git").exists()
    own = ("--git-dir=.", "--work-tree=.") if bare else ()
    return git.run(folder, *own, *arguments)


def _path(source: Path, name: str) -> Path:
    """Where a file of git's own is."""
    return (source / _said(source, "rev-parse", "--git-path", name)).resolve()


def _said(folder: Path, *arguments: str) -> str:
    """What git prints; nothing where it has nothing to say."""
    done = _git(folder, *arguments)
    return done.stdout.removesuffix("\n") if done.returncode == 0 else ""


def _must(target: Path, *arguments: str, settings: list[git.Setting] | None = None) -> str:
    """What git prints in a repository of ours; UsageError with its words where it fails."""
    done = git.run(target, *arguments, settings=settings or QUIET, may_fetch=True)
    if done.returncode:
        raise UsageError(git.complaint(done.stderr))
    return done.stdout
