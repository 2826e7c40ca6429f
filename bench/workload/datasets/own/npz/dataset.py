"""`npz:PATH` as a data set: its arrays read, held against each other and told.

Images are uint8 (N, H, W) or (N, H, W, C) with 1 or 3 channels, labels integers (N,); other forms
are taken where they can mean one thing only (`images`, `labels`). There are as many classes as the
highest training label plus one. Pickled objects are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.workload.datasets import integrity
from bench.workload.datasets.own.dataset import OwnDataset, UnfitError
from bench.workload.datasets.own.npz import archive, images, labels, names
from bench.workload.datasets.own.npz.archive import Archive
from bench.workload.datasets.own.npz.images import Form
from bench.workload.datasets.own.npz.labels import LabelsRead
from bench.workload.datasets.own.npz.names import Names
from bench.workload.datasets.source import Decoded, Description, Input


@dataclass(frozen=True, slots=True)
class _Part:
    """Images and labels of training, of the test or for validation, as they are given."""

    form: Form
    labels: LabelsRead


@dataclass(frozen=True, slots=True)
class NpzDataset(OwnDataset):
    """The arrays of one archive; `of_arrays` are what they are called, None for the usual names."""

    of_arrays: Names | None = None

    prefix = "npz:"
    kind = "file"
    example = "npz:images.npz"
    expected = "a NumPy archive with x_train, y_train, x_test and y_test"

    @classmethod
    def named(cls, text: str) -> Self:
        """See `OwnDataset`; the names of arrays may follow the path."""
        file, own = names.parted(text)
        return cls(Path(file).expanduser(), own)

    @property
    def name(self) -> str:
        """As it is given, with the names of the arrays where they were."""
        return f"{self.prefix}{names.joined(str(self.path), self.of_arrays)}"

    def describe(self, root: Path) -> Description:
        """See `Source`; reads labels and headers. DataError where they are not right."""
        with self._opened() as opened:
            parts = self._parts(opened)
            return Description(
                name=self.name,
                title=f"your images in {self.path.name}",
                classes=_classes(parts),
                shape=parts[0].form.shape,
                train_size=parts[0].form.size,
                test_size=parts[1].form.size,
                available=True,
                reason=None,
                folder=self.path.resolve().parent,
                credit="yours",
                notes=self._notes(parts),
            )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`."""
        self._require()
        return integrity.inputs((self.path,))

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        with self._opened() as opened:
            parts = self._parts(opened)
            train, test = parts[:2]
            for other in parts[1:]:
                if other.form.shape != train.form.shape:
                    raise UnfitError(
                        f"{train.form.header.key} holds images {train.form.shape}, "
                        f"{other.form.header.key} {other.form.shape}: bring both to one height, "
                        "width and number of channels"
                    )
            validation = parts[2] if len(parts) > 2 else None
            return Decoded(
                classes=_classes(parts),
                train_images=images.pixels(opened, train.form),
                train_labels=train.labels.numbers,
                test_images=images.pixels(opened, test.form),
                test_labels=test.labels.numbers,
                validation_images=images.pixels(opened, validation.form) if validation else None,
                validation_labels=validation.labels.numbers if validation else None,
            )

    def _parts(self, opened: Archive) -> tuple[_Part, ...]:
        """Training, test and, where there is one, validation."""
        present = opened.names
        own = Names.found(present) if self.of_arrays is None else self.of_arrays.of(present)
        line = labels.renumbering(*(of_labels for _, of_labels in own.pairs))
        forms = [images.form(opened, of_images) for of_images, _ in own.pairs]
        return tuple(
            _Part(form, labels.read(opened, of_labels, form.size, line))
            for form, (_, of_labels) in zip(forms, own.pairs, strict=True)
        )

    def _notes(self, parts: Sequence[_Part]) -> tuple[str, ...]:
        """What was not as it is delivered, and how it was taken."""
        told: dict[str, list[str]] = {}
        for one in (part.form for part in parts):
            if one.note:
                given = f"{one.header.dtype} {_of_one(one.header.shape)}"
                taken = f"uint8 {_of_one((0, *one.shape))}"
                told.setdefault(f"{given} as {taken} ({one.note})", []).append(one.header.key)
        for own in (part.labels for part in parts):
            if own.note:
                given = f"{own.header.dtype} {_of_one(own.header.shape)}"
                told.setdefault(f"{given} ({own.note})", []).append(own.header.key)
        if not told:
            return ()
        taken = "; ".join(f"{_listed(keys)} {how}" for how, keys in told.items())
        return (f"{self.path.name}: taken are {taken}",)

    @contextmanager
    def _opened(self) -> Iterator[Archive]:
        """The archive; what is not right becomes a DataError."""
        with self._told(), archive.opened(self.path) as opened:
            yield opened

    def _is_there(self) -> bool:
        return self.path.is_file()

    def _read_all(self) -> None:
        self.decode(self.path)


def _of_one(shape: tuple[int, ...]) -> str:
    """A shape with N for the number of images."""
    return f"({', '.join(map(str, ('N', *shape[1:])))})"


def _listed(names: Sequence[str]) -> str:
    """As in "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _classes(parts: Sequence[_Part]) -> tuple[str, ...]:
    train, *others = (part.labels for part in parts)
    return labels.classes(train, *others)
