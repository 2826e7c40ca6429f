"""`npz:PATH` as a data set: its arrays read, held against each other and told.

Images are uint8 (N, H, W) or (N, H, W, C) with 1 or 3 channels, labels integers (N,); other forms
are taken where they can mean one thing only (`images`, `labels`). There are as many classes as the
highest training label plus one. Pickled objects are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError
from bench.workload.datasets import integrity
from bench.workload.datasets.npz import archive, images, labels
from bench.workload.datasets.npz.archive import Archive, UnfitError
from bench.workload.datasets.npz.images import Form
from bench.workload.datasets.npz.labels import LabelsRead
from bench.workload.datasets.npz.names import Names, left_out
from bench.workload.datasets.source import Decoded, Description, FileCheck, Input, StoredFile

PREFIX = "npz:"


@dataclass(frozen=True, slots=True)
class NpzDataset:
    """The arrays of one archive."""

    path: Path

    @property
    def name(self) -> str:
        """As it is given on the command line."""
        return f"{PREFIX}{self.path}"

    def describe(self, root: Path) -> Description:
        """See `Source`; reads labels and headers. DataError where they are not right."""
        with self._opened() as (opened, names):
            train, test, *read = _read(opened, names)
            return Description(
                name=self.name,
                title=f"your images in {self.path.name}",
                classes=labels.classes(*read),
                shape=train.shape,
                train_size=train.size,
                test_size=test.size,
                available=True,
                reason=None,
                folder=self.path.resolve().parent,
                credit="yours",
                notes=self._notes((train, test), read, left_out(opened.names)),
            )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`."""
        self._exists()
        return integrity.inputs((self.path,))

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """See `Source`; it cannot be fetched, so it has to be there."""
        self._exists()
        return ()

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """See `Source`; there is no hash to hold it against, so it is decoded."""
        expected = "a NumPy archive with x_train, y_train, x_test and y_test"
        if not self.path.is_file():
            return (FileCheck(self.path, "missing", expected, None),)
        try:
            self.decode(root)
        except DataError as error:
            return (FileCheck(self.path, "wrong", expected, str(error)),)
        return (FileCheck(self.path, "ok", expected, expected),)

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        with self._opened() as (opened, names):
            train, test, of_train, of_test = _read(opened, names)
            if train.shape != test.shape:
                raise UnfitError(
                    f"{names.train_images} holds images {train.shape}, {names.test_images} "
                    f"{test.shape}: bring both to one height, width and number of channels"
                )
            return Decoded(
                labels.classes(of_train, of_test),
                images.pixels(opened, train),
                of_train.numbers,
                images.pixels(opened, test),
                of_test.numbers,
            )

    def _notes(
        self, forms: Iterable[Form], read: Iterable[LabelsRead], without: Sequence[str]
    ) -> tuple[str, ...]:
        """What was not as it is delivered, and how it was taken; and what was not taken."""
        told: dict[str, list[str]] = {}
        for one in forms:
            if one.note:
                given = f"{one.header.dtype} {_of_one(one.header.shape)}"
                taken = f"uint8 {_of_one((0, *one.shape))}"
                told.setdefault(f"{given} as {taken} ({one.note})", []).append(one.header.key)
        for own in read:
            if own.note:
                given = f"{own.header.dtype} {_of_one(own.header.shape)}"
                told.setdefault(f"{given} ({own.note})", []).append(own.header.key)
        notes = []
        if told:
            taken = "; ".join(f"{' and '.join(keys)} {how}" for how, keys in told.items())
            notes.append(f"{self.path.name}: taken are {taken}")
        if without:
            notes.append(
                f"{self.path.name}: left out are {', '.join(without)}; validation images are taken "
                "from those for training"
            )
        return tuple(notes)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Archive, Names]]:
        """The archive and its names of what is wanted; what is not right becomes a DataError."""
        try:
            with archive.opened(self.path) as opened:
                yield opened, Names.of(opened.names)
        except UnfitError as error:
            raise self._fault(str(error)) from error.__cause__

    def _exists(self) -> None:
        if not self.path.is_file():
            raise self._fault("there is no such file; it is yours and cannot be fetched")

    def _fault(self, text: str) -> DataError:
        return DataError(f"data set {self.name!r}: {text}")


def _of_one(shape: tuple[int, ...]) -> str:
    """A shape with N for the number of images."""
    return f"({', '.join(map(str, ('N', *shape[1:])))})"


def _read(opened: Archive, names: Names) -> tuple[Form, Form, LabelsRead, LabelsRead]:
    """The forms of the images and the labels, of training and test."""
    train, test = (images.form(opened, key) for key in (names.train_images, names.test_images))
    pair = names.train_labels, names.test_labels
    of_train, of_test = (
        labels.read(opened, key, of.size, labels.renumbering(*pair))
        for key, of in zip(pair, (train, test), strict=True)
    )
    return train, test, of_train, of_test
