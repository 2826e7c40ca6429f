"""Where the code that was measured came from: all that is the repository's, from the revision.

Were anything of it the same on both sides, a change of it could never be found.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = ("__main__", "__mp_main__")  # the measuring process itself, which is no side's
INIT = "__init__.py"
POINTER = b"version https://git-lfs.github.com/spec/"  # as a file begins that Git LFS has elsewhere
POINTER_BYTES = 1024  # at most


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a measuring process has loaded, as it says itself.

    adapter      the name of the module that has the adapter's class
    modules      file by name, of each module that has one
    environment  where its interpreter and installed packages are
    copies       packages that were installed as copies of a folder: the folder by name
    """

    adapter: str
    modules: Mapping[str, str]
    environment: Sequence[str]
    copies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Origins:
    """What is a side's own.

    checkout   the files of its revision
    worktrees  where the checkout was copied from: nothing may be loaded from there
    roots      the folders that packages are imported from: of both revisions, and in the worktrees
    cleared    modules with their files that were found to be no strangers
    """

    checkout: Path
    worktrees: tuple[Path, ...]
    roots: tuple[Path, ...]
    cleared: set[tuple[str, str]] = field(default_factory=set, compare=False, repr=False)

    def moved(self, path: Path) -> Path:
        """A path in a working tree as the one of the revision; any other one as it is."""
        tree = next((tree for tree in self.worktrees if path.is_relative_to(tree)), None)
        return path if tree is None else self.checkout / path.relative_to(tree)

    def strangers(self, loaded: Loaded) -> list[str]:
        """Modules that are the repository's and were not loaded from the revision, each with why.

        - the adapter, from wherever else
        - what lies in a working tree, but for an environment in it
        - a package that was installed from a working tree, as a copy
        - what a revision, or the working tree, has as well: a submodule that is not checked out, a
          part of a package over several folders, a link that leads out of the repository
        """
        return [
            f"{name} from {file}{why}"
            for name, file, why in self._found(loaded)
            if name not in PROGRAM
        ]

    def _found(self, loaded: Loaded) -> Iterator[tuple[str, str, str]]:
        environment = [os.path.realpath(place) for place in loaded.environment]
        if loaded.adapter not in loaded.modules:
            yield loaded.adapter, "no file", ""
        for name, text in loaded.modules.items():
            if (name, text) in self.cleared and name != loaded.adapter:
                continue
            file, top = _resolved(text), name.partition(".")[0]
            if _is_below(file, [self.checkout]):
                self.cleared.add((name, text))
            elif name == loaded.adapter:
                yield name, file, ""
            elif _is_below(file, self.worktrees) and not _is_below(file, environment):
                yield name, file, ", which is the working tree and no revision"
            elif top in loaded.copies:
                yield name, file, f", a copy of {loaded.copies[top]}"
            elif top not in sys.stdlib_module_names and _provided(self.roots, name):
                yield name, file, ", which is not the one of the repository"
            else:
                self.cleared.add((name, text))

    def pointers(self, loaded: Loaded) -> list[Path]:
        """What Git LFS has elsewhere of the packages that were loaded from the revision."""
        files = [_resolved(text) for text in loaded.modules.values() if text.endswith(INIT)]
        packages = {Path(file).parent for file in files if _is_below(file, [self.checkout])}
        outermost = [one for one in sorted(packages) if packages.isdisjoint(one.parents)]
        return [pointer for folder in outermost for pointer in _pointers(folder)]


def _resolved(path: str) -> str:
    """Without links. Frameworks have thousands of modules, most of them in the same folders."""
    if os.path.islink(path):
        return os.path.realpath(path)
    folder, name = os.path.split(path)
    return os.path.join(_real(folder), name)


@functools.cache
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _is_below(file: str, folders: Iterable[Path | str]) -> bool:
    return any(file.startswith(os.path.join(folder, "")) for folder in folders)


def _provided(roots: Sequence[Path], name: str) -> bool:
    """Whether a folder has the module, or the package that it is in.

    A folder without `__init__.py` may be a part of a package over several folders: what is below it
    decides.
    """
    parts = name.split(".")
    near = [root for root in roots if _has_name(root, parts[0])]
    return any(_has(root, *parts[: length + 1]) for root in near for length in range(len(parts)))


@functools.cache
def _has_name(root: Path, top: str) -> bool:
    return (root / top).is_dir() or (root / f"{top}.py").is_file()


@functools.cache
def _has(root: Path, *parts: str) -> bool:
    """Whether the folder has a module or a package of this name."""
    path = root.joinpath(*parts)
    return (path / INIT).is_file() or path.with_name(f"{path.name}.py").is_file()


@functools.cache
def _pointers(folder: Path) -> tuple[Path, ...]:
    small = (p for p in folder.rglob("*") if p.is_file() and p.stat().st_size <= POINTER_BYTES)
    return tuple(sorted(path for path in small if path.read_bytes().startswith(POINTER)))
