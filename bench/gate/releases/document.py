"""What was measured of the releases of a package, as one file that is written as it grows."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench import __version__
from bench.errors import StoreError
from bench.gate.cases import Case, Pair
from bench.results.certificate import Certificate
from bench.results.record import CellOutcome, Machine
from bench.results.store import first_fault, write_atomically
from bench.system import machine

FORMAT: Literal["lenet-bench releases 1"] = "lenet-bench releases 1"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Examined(_Frozen):
    """What came of the examination of a release, before it is timed.

    outcome, reason  why it is not timed; None where it is
    parameters       numbers in the network that was built; None where they were not counted
    """

    case: Case
    certificate: Certificate | None
    outcome: CellOutcome | None = None
    reason: str | None = None
    parameters: int | None = None

    @property
    def verdict(self) -> str:
        """In a few words."""
        made = len(self.certificate.made) if self.certificate else 0
        return self.outcome or f"equivalent, {made} checks"


class Release(_Frozen):
    """A release as it was measured.

    python    version of the interpreter that ran it
    packages  what is installed with it: version by name
    """

    version: str
    python: str
    packages: dict[str, str]
    examined: tuple[Examined, ...] = ()

    def of(self, case: Case) -> Examined | None:
        """Its examination for a case."""
        return next((one for one in self.examined if one.case == case), None)


class Compared(_Frozen):
    """Pairs of an earlier release (base) and a later one (head), or of one with itself."""

    case: Case
    base: str
    head: str
    pairs: tuple[Pair, ...]


class Document(_Frozen):
    """All of a package. left_out: releases that could not be installed, with the reason."""

    format: Literal["lenet-bench releases 1"] = FORMAT
    bench_version: str = __version__
    package: str
    distribution: str
    machine: Machine
    left_out: dict[str, str] = Field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    compared: tuple[Compared, ...] = ()

    def release(self, version: str) -> Release | None:
        """What is known of a release."""
        return next((one for one in self.releases if one.version == version), None)

    def pairs(self, case: Case, base: str, head: str) -> tuple[Pair, ...]:
        """Those that were measured of two releases."""
        wanted = (case, base, head)
        found = (one.pairs for one in self.compared if (one.case, one.base, one.head) == wanted)
        return next(found, ())


class File:
    """The document of a package in a folder, which one process at a time writes."""

    def __init__(self, path: Path, document: Document) -> None:
        self.path, self.document = path, document

    def leave_out(self, version: str, reason: str) -> None:
        """This release cannot be installed here."""
        self._save(left_out={**self.document.left_out, version: reason})

    def put(self, release: Release) -> None:
        """What is known of a release, in place of what was."""
        others = [one for one in self.document.releases if one.version != release.version]
        left_out = {v: why for v, why in self.document.left_out.items() if v != release.version}
        self._save(releases=(*others, release), left_out=left_out)

    def add(self, base: str, head: str, pair: Pair) -> None:
        """One more pair."""
        before = self.document.pairs(pair.case, base, head)
        compared = Compared(case=pair.case, base=base, head=head, pairs=(*before, pair))
        key = (pair.case, base, head)
        others = (one for one in self.document.compared if (one.case, one.base, one.head) != key)
        self._save(compared=(*others, compared))

    def _save(self, **fields: object) -> None:
        self.document = self.document.model_copy(update=fields)
        try:
            write_atomically(self.path, self.document.model_dump_json() + "\n")
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error


@contextlib.contextmanager
def opened(folder: Path, package: str, distribution: str) -> Iterator[File]:
    """The file of a package, to go on with or new; StoreError where it is in use, or no such one.

    The folder is locked: two that measure at once would disturb each other. What was measured on
    another machine is not gone on with.
    """
    path = folder / f"{package}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"another process measures into {folder}: wait for it, or name another folder"
            ) from error
        here = machine.describe()
        found = read(path) if path.exists() else None
        if found is None:
            found = Document(package=package, distribution=distribution, machine=here)
        elif (found.machine.fingerprint, found.machine.host) != (here.fingerprint, here.host):
            raise StoreError(
                f"{path} was measured on another machine ({found.machine.cpu}): name another folder"
            )
        yield File(path, found)
    finally:
        os.close(lock)


def read(path: Path) -> Document:
    """A document; StoreError where it is none."""
    try:
        return Document.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, ValidationError) as error:
        raise StoreError(
            f"{path} does not hold measured releases, as `bench bisect` writes them: "
            f"{first_fault(error)}"
        ) from error


def differing(one: Mapping[str, str], other: Mapping[str, str], but: str) -> dict[str, str]:
    """`old → new` of what else differs between two releases' packages, by name."""
    return {
        name: f"{one.get(name, 'none')} → {other.get(name, 'none')}"
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name) and name != but
    }
