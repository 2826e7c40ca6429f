"""`npz:PATH` as a data set: its arrays read, held against each other and told.

Images are uint8 (N, H, W) or (N, H, W, C) with 1 or 3 channels, labels integers (N,); other forms
are taken where they can mean one thing only (`images`, `labels`). There are as many classes as the
highest training label plus one. Pickled objects are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError
from bench.workload.datasets import integrity
from bench.workload.datasets.npz import archive, images, labels
from bench.workload.datasets.npz.archive import Archive, UnfitError
from bench.workload.datasets.npz.images import Form
from bench.workload.datasets.npz.labels import LabelsRead
from bench.workload.datasets.source import Decoded, Description, FileCheck, Input, StoredFile

PREFIX = "npz:"
_KEYS = ("x_train", "y_train", "x_test", "y_test")


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
        with self._opened() as opened:
            train, test = images.form(opened, "x_train"), images.form(opened, "x_test")
            of_train = labels.read(opened, "y_train", train.size)
            of_test = labels.read(opened, "y_test", test.size)
            classes = _classes(of_train)
        return Description(
            name=self.name,
            title=f"your images in {self.path.name}",
            classes=classes,
            shape=train.shape,
            train_size=train.size,
            test_size=test.size,
            available=True,
            reason=None,
            folder=self.path.resolve().parent,
            credit="yours",
            notes=self._notes((train, test), (of_train, of_test)),
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
        expected = f"a NumPy archive with {', '.join(_KEYS)}"
        if not self.path.is_file():
            return (FileCheck(self.path, "missing", expected, None),)
        try:
            self.decode(root)
        except DataError as error:
            return (FileCheck(self.path, "wrong", expected, str(error)),)
        return (FileCheck(self.path, "ok", expected, expected),)

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        with self._opened() as opened:
            train, test = images.form(opened, "x_train"), images.form(opened, "x_test")
            if train.shape != test.shape:
                raise UnfitError(
                    f"x_train holds images {train.shape}, x_test {test.shape}: "
                    "bring both to one height, width and number of channels"
                )
            train_labels = labels.read(opened, "y_train", train.size)
            test_labels = labels.read(opened, "y_test", test.size)
            classes = _classes(train_labels)
            highest = test_labels.numbers.max()
            if highest >= len(classes):
                raise UnfitError(
                    f"y_test has labels up to {highest}, but y_train only up to "
                    f"{len(classes) - 1}: no image of that class can be trained on"
                )
            return Decoded(
                classes,
                images.pixels(opened, train),
                train_labels.numbers,
                images.pixels(opened, test),
                test_labels.numbers,
            )

    def _notes(self, forms: Iterable[Form], read: Iterable[LabelsRead]) -> tuple[str, ...]:
        """One line of what was not as it is delivered, and how it was taken; none otherwise."""
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
        if not told:
            return ()
        taken = "; ".join(f"{' and '.join(keys)} {how}" for how, keys in told.items())
        return (f"{self.path.name}: taken are {taken}",)

    @contextmanager
    def _opened(self) -> Iterator[Archive]:
        """The archive, with all arrays that are wanted; what is not right becomes a DataError."""
        try:
            with archive.opened(self.path) as opened:
                if absent := [key for key in _KEYS if key not in opened.names]:
                    has = ", ".join(opened.names) or "nothing"
                    raise UnfitError(f"it lacks {', '.join(absent)}; it has {has}")
                yield opened
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


def _classes(train: LabelsRead) -> tuple[str, ...]:
    count = int(train.numbers.max()) + 1
    if count < 2:
        raise UnfitError(
            f"{train.header.key} has the label 0 alone, where at least two classes belong"
        )
    return tuple(str(number) for number in range(count))
