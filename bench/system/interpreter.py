"""Pythons: another one than this for a worker, and the packages that each has installed."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# With these a Python would find packages that its own environment does not have.
OF_ANOTHER_PYTHON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
PACKAGES = ("site-packages", "dist-packages")  # the second is Debian's
LIBRARY = re.compile(r"\.so(\.[0-9]+)*$")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python, and where it finds the harness.

    python  its executable, as its environment has it: a link, which is not followed
    code    a folder that holds `bench` and `impls`, and nothing that its environment has, too
    """

    python: Path
    code: Path

    def command(self, module: str) -> list[str]:
        """Runs a module; neither the current folder nor a person's own packages are looked in."""
        return [str(self.python), "-P", "-s", "-m", module]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """A worker's environment without what leads to the packages of another Python."""
        return alone(env) | {"PYTHONPATH": str(self.code)}


def alone(env: Mapping[str, str]) -> dict[str, str]:
    """What is left of an environment where no other Python's packages are to be found."""
    return {name: value for name, value in env.items() if name not in OF_ANOTHER_PYTHON}


def packages() -> tuple[Path, ...]:
    """Folders in which this Python finds packages that are installed; they exist."""
    folders = (Path(entry) for entry in sys.path)
    return tuple(each for each in folders if each.name in PACKAGES and each.is_dir())


def packages_of(python: Path) -> tuple[Path, ...]:
    """Folders in which the environment of an interpreter has its packages; they exist."""
    return tuple(python.parent.parent.glob("lib/python*/site-packages"))


def forget_libraries(folders: Iterable[Path]) -> None:
    """Have the shared libraries below some folders read from the disk when they are next loaded.

    A file that has been written stays in memory in larger pieces than one that was read, and the
    code in it is faster by some percent, for as long as it is kept: of two environments with the
    same packages the one that was installed last would be the faster.

    A library that a process has loaded stays as it is. Needs no rights but to read; does nothing
    where the system cannot be told (macOS).
    """
    if not hasattr(os, "posix_fadvise"):
        return
    for path in _libraries(folders):
        with contextlib.suppress(OSError):  # gone meanwhile, or another's
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                os.fdatasync(descriptor)  # what is not on the disk yet cannot be forgotten
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def _libraries(folders: Iterable[Path]) -> Iterator[str]:
    for top in folders:
        for folder, _, files in os.walk(top):
            yield from (os.path.join(folder, file) for file in files if LIBRARY.search(file))
