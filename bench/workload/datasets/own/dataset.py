"""What all data sets of a person's own share: a path, no hash, and errors that say what to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from bench.errors import DataError
from bench.workload.datasets.source import FileCheck, StoredFile


class UnfitError(Exception):
    """What a person gave is not what it should be; the text says how, and what to do."""


@dataclass(frozen=True, slots=True)
class OwnDataset(ABC):
    """A path after a prefix, as in `npz:PATH`.

    prefix    how the name begins
    kind      what the path has to be, in a word
    expected  what has to be there
    example   a name of a data set
    """

    path: Path

    prefix: ClassVar[str]
    kind: ClassVar[str]
    expected: ClassVar[str]
    example: ClassVar[str]

    @classmethod
    def named(cls, text: str) -> Self:
        """The data set that `text` behind the prefix names."""
        return cls(Path(text).expanduser())

    @property
    def name(self) -> str:
        """As it is given on the command line."""
        return f"{self.prefix}{self.path}"

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """See `Source`; it cannot be fetched, so it has to be there."""
        self._require()
        return ()

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """See `Source`; there is no hash to hold it against, so all of it is read."""
        if not self.path.exists():
            return (FileCheck(self.path, "missing", self.expected, None),)
        try:
            self._read_all()
        except DataError as error:
            return (FileCheck(self.path, "wrong", self.expected, str(error)),)
        return (FileCheck(self.path, "ok", self.expected, self.expected),)

    @abstractmethod
    def _is_there(self) -> bool:
        """Whether the path is what it has to be."""

    @abstractmethod
    def _read_all(self) -> None:
        """Raise a DataError where something is not as it should be."""

    def _require(self) -> None:
        if not self._is_there():
            if self.path.exists():
                there = "folder" if self.path.is_dir() else "file"
                raise self._fault(f"this is a {there}, where a {self.kind} is wanted")
            raise self._fault(f"there is no such {self.kind}; it is yours and cannot be fetched")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What is not right becomes a DataError with the data set's name."""
        self._require()
        try:
            yield
        except UnfitError as error:
            raise self._fault(str(error)) from error.__cause__

    def _fault(self, text: str) -> DataError:
        return DataError(f"data set {self.name!r}: {text}")
