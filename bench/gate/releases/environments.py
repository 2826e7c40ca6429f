"""An environment for each release, kept among the user's caches: whole, or not at all.

A release is installed with the same other packages as all others: what a worker needs and what else
its frameworks are made of, each in the version that is here. Only where these do not go together
with a release, they may be others; which ones is kept, and told.

An environment counts from when its last file, `COMPLETE`, is written. A folder without it was left
by an installation that was killed, and is removed before anything else is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.errors import BenchError
from bench.frameworks import Package, installed_here
from bench.gate.releases import pip
from bench.gate.releases.packages import Subject
from bench.results.store import write_atomically
from bench.system.interpreter import packages_of
from bench.workload import caches

COMPLETE = "complete.json"
LOCK = "installing.lock"
# What a worker imports beside a framework, with the least versions of pyproject.toml.
OF_WORKER = (
    Package("numpy", "2.0"),
    Package("packaging", "24.2"),
    Package("pillow", "11"),
    Package("platformdirs", "4"),
    Package("pooch", "1.8.2"),
    Package("psutil", "6"),
    Package("pydantic", "2.10"),
    Package("safetensors", "0.5"),
    Package("scipy", "1.14"),
    Package("threadpoolctl", "3.5"),
)


@dataclass(frozen=True, slots=True)
class Environment:
    """What a release is installed in.

    python    its interpreter
    packages  what is installed in it: version by canonical name
    """

    python: Path
    packages: dict[str, str]

    def version(self, distribution: str) -> str | None:
        """That of a package in it, or None."""
        return self.packages.get(canonicalize_name(distribution.partition("[")[0]))


def folder() -> Path:
    """Where environments and wheels are kept."""
    return caches.folder() / "releases"


def installed(subject: Subject, version: str) -> Environment | None:
    """The environment of a release, where it has been made."""
    return _read(_place(subject, version))


def versions_installed(subject: Subject) -> tuple[str, ...]:
    """The releases whose environments have been made."""
    name = subject.package.distribution.partition("[")[0]
    places = (folder() / "environments").glob(f"{name}-*-*")
    versions = {place.name.removeprefix(f"{name}-").rpartition("-")[0] for place in places}
    return tuple(sorted(one for one in versions if installed(subject, one)))


def install(
    subject: Subject, version: str, *, waiting: Callable[[], None] = lambda: None
) -> Environment:
    """The environment of a release; made, where it is not here.

    `waiting` is called once where another process installs something, and is waited for.

    Raises:
        pip.PipError: the release cannot be installed here.
        BenchError: nothing can, such as on a full disk or without a network.
    """
    place = _place(subject, version)
    found = _read(place)
    if found is not None:
        return found
    with _lock(waiting):
        found = _read(place)
        if found is None:
            _collect()
            with _removed_unless_whole(place):
                found = _made(place, subject, version)
        return found


def requirements(subject: Subject, version: str, *, here: Sequence[Package]) -> list[str]:
    """What pip is asked for; `here`: packages in the versions of this environment.

    All others may be of any version that the adapters are written for, or of the one that is held.
    """
    held = {canonicalize_name(Requirement(one).name): one for one in subject.held}
    asked = [f"{subject.package.distribution}=={version}"]
    for other in (*subject.others, *OF_WORKER):
        name = other.distribution
        bare = name.partition("[")[0]
        same = installed_here(bare) if other in here else None
        usual = f"{name}=={same}" if same else f"{name}>={other.least}"
        asked.append(held.pop(canonicalize_name(bare), usual))
    return [*asked, *held.values()]


def _attempts(subject: Subject, version: str) -> list[list[str]]:
    """From all others as they are here to all free: first those of frameworks, then the rest."""
    every = ((*subject.others, *OF_WORKER), OF_WORKER, ())
    tries = [requirements(subject, version, here=here) for here in every]
    return [one for number, one in enumerate(tries) if one not in tries[:number]]


def _made(place: Path, subject: Subject, version: str) -> Environment:
    python = pip.make_environment(place)
    wheels = folder() / "wheels"
    *first, last = _attempts(subject, version)
    for wanted in first:
        try:
            pip.install(python, wanted, wheels)
            break
        except pip.PipError as error:
            if not error.in_conflict:
                raise
    else:
        pip.install(python, last, wheels)
    made = Environment(python, _packages(python))
    write_atomically(place / COMPLETE, json.dumps({"packages": made.packages}, indent=1) + "\n")
    return made


def _collect() -> None:
    """Remove what installations left that were killed; nobody else installs now."""
    places = folder() / "environments"
    for place in places.iterdir() if places.is_dir() else ():
        if not (place / COMPLETE).exists():
            shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def _removed_unless_whole(place: Path) -> Iterator[None]:
    """Leaves nothing that is half made."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise BenchError(f"cannot write to {place}: {error.strerror or error}") from error
    finally:
        if not (place / COMPLETE).exists():
            shutil.rmtree(place, ignore_errors=True)


def _place(subject: Subject, version: str) -> Path:
    """The folder of a release: another one wherever something else would be installed."""
    parts = {
        "requirements": _attempts(subject, version),
        "python": [sys.version, sys.base_prefix, platform.machine()],
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    name = subject.package.distribution.partition("[")[0]
    return folder() / "environments" / f"{name}-{version}-{digest[:16]}"


def _read(place: Path) -> Environment | None:
    """One that was made whole, and whose interpreter is still there."""
    try:
        packages = json.loads((place / COMPLETE).read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    python = place / "bin" / "python"
    return Environment(python, packages) if python.exists() else None


def _packages(python: Path) -> dict[str, str]:
    paths = [str(one) for one in packages_of(python)]
    found = importlib.metadata.distributions(path=paths)
    return dict(sorted((canonicalize_name(one.name), one.version) for one in found))


@contextlib.contextmanager
def _lock(waiting: Callable[[], None]) -> Iterator[None]:
    """One installation at a time: the disk and the wheels are shared."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        lock = os.open(folder() / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BenchError(
            f"cannot write to {folder()}: {error.strerror}; LENET_BENCH_CACHE names another folder"
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
