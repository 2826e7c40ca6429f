"""`folder:PATH` as a data set: a folder for each class, of image files.

They lie in PATH, or in train/ and test/ below it, and perhaps validation/. All images have one size
and are grey, or all are in colours; where they are resized, they may have several sizes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.choices import Fit
from bench.errors import ImageError
from bench.workload.datasets.fitting import bring
from bench.workload.datasets.own import image_files
from bench.workload.datasets.own.dataset import OwnDataset, UnfitError
from bench.workload.datasets.source import Decoded, Description, Input

TRAIN, TEST = "train", "test"
VALIDATION = ("validation", "valid", "val")  # what people call the folder; the first is ours
_MOST_LISTED = 3  # names in an error


@dataclass(frozen=True, slots=True)
class _Part:
    """Image files with the numbers of their classes."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a folder holds, before any image is read.

    `test` and `validation` are None where there is no folder of that name.
    """

    classes: tuple[str, ...]
    train: _Part
    test: _Part | None
    validation: _Part | None
    passed_over: tuple[str, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them: training, test, validation."""
        parts = (self.train, self.test, self.validation)
        return tuple(path for part in parts if part for path in part.files)


@dataclass(frozen=True, slots=True)
class FolderDataset(OwnDataset):
    """The images of one folder."""

    prefix = "folder:"
    kind = "folder"
    example = "folder:images"
    expected = "a folder of images for each class, or such folders in train/ and test/"

    def describe(self, root: Path) -> Description:
        """See `Source`; lists folders and reads the header of one image."""
        with self._told():
            found = _find(self.path)
            try:
                shape = image_files.shape(found.train.files[0])
            except ImageError as error:
                raise UnfitError(str(error)) from error
        note = image_files.told(found.passed_over)
        return Description(
            name=self.name,
            title=f"your images in {self.path.name}",
            classes=found.classes,
            shape=shape,
            train_size=len(found.train.files),
            test_size=len(found.test.files) if found.test else 0,
            available=True,
            reason=None,
            folder=self.path.resolve(),
            credit="yours",
            notes=(f"{self.path.name}: {note}",) if note else (),
        )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`; one for all files, whose names, sizes and times are in its hash."""
        with self._told():
            found = _find(self.path)
            digest, total = hashlib.sha256(), 0
            for path in found.files:
                try:
                    stat = path.stat()
                except OSError as error:
                    raise UnfitError(f"{path} cannot be read: {error.strerror}") from error
                total += stat.st_size
                digest.update(
                    f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode(
                        "utf-8", "surrogateescape"
                    )
                )
        return (Input(str(self.path.resolve()), total, listing=digest.hexdigest()),)

    def decode(self, root: Path) -> Decoded:
        """See `Source`; the images as they are, which all have to have one size."""
        return self._decoded(None, "pad")

    def decode_to(self, root: Path, size: tuple[int, int], fit: Fit) -> Decoded:
        """See `FittingSource`: each image is brought to the size as it is read."""
        return self._decoded(size, fit)

    def _decoded(self, size: tuple[int, int] | None, fit: Fit) -> Decoded:
        with self._told():
            found = _find(self.path)
            reader = _Reader(size, fit)
            test_images = test_labels = validation_images = validation_labels = None
            train_images, train_labels = reader.read(found.train)
            if found.test:
                test_images, test_labels = reader.read(found.test)
            if found.validation:
                validation_images, validation_labels = reader.read(found.validation)
        return Decoded(
            classes=found.classes,
            train_images=train_images,
            train_labels=train_labels,
            test_images=test_images,
            test_labels=test_labels,
            validation_images=validation_images,
            validation_labels=validation_labels,
        )

    def _is_there(self) -> bool:
        return self.path.is_dir()

    def _read_all(self) -> None:
        with self._told():
            reader = _Reader((1, 1), "resize")
            for path in _find(self.path).files:
                reader.image(path)


class _Reader:
    """Reads images one by one, each brought to its size before the next is read."""

    def __init__(self, size: tuple[int, int] | None, fit: Fit) -> None:
        self._size = size
        self._fit = fit
        self._first: tuple[Path, tuple[int, ...]] | None = None

    def read(self, part: _Part) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Images (N, H, W, C) and labels (N,)."""
        first = self.image(part.files[0])
        images = np.empty((len(part.files), *first.shape), np.uint8)
        images[0] = first
        for place, path in enumerate(part.files[1:], start=1):
            images[place] = self.image(path)
        return images, np.array(part.labels, np.int32)

    def image(self, path: Path) -> NDArray[np.uint8]:
        """One image (H, W, C); UnfitError where it cannot be read or is unlike the first."""
        try:
            pixels = image_files.pixels(path)
        except ImageError as error:
            raise UnfitError(str(error)) from error
        first, shape = self._first = self._first or (path, pixels.shape)
        if pixels.shape[2] != shape[2]:
            names = {1: "grey", 3: "in colours"}
            raise UnfitError(
                f"{first} is {names[shape[2]]}, {path} is {names[pixels.shape[2]]}: bring all to "
                "one, `Image.open(path).convert('L').save(path)` of PIL for each that shall be "
                "grey, or convert('RGB')"
            )
        if pixels.shape != shape and self._fit != "resize":
            raise UnfitError(
                f"images are of several sizes, {first} of {shape[0]}×{shape[1]} and {path} of "
                f"{pixels.shape[0]}×{pixels.shape[1]}: give --fit resize, which stretches each to "
                "the size of the network's input"
            )
        if self._size is None:
            return pixels
        return np.asarray(bring(pixels[np.newaxis], self._size, self._fit)[0])


def _find(path: Path) -> _Found:
    """The classes and files of a folder; UnfitError where it is no such folder."""
    passed_over: list[str] = []
    try:
        folders = {one.name: one for one in image_files.within(path, passed_over) if one.is_dir()}
        validation = [name for name in VALIDATION if name in folders]
        if TRAIN not in folders or folders.keys() - {TRAIN, TEST, *validation}:
            return _of_classes(folders, passed_over)
        if TEST not in folders:
            raise UnfitError(
                f"it holds {', '.join(f'{name}/' for name in folders)} and no {TEST}/: add one, or "
                "give a folder that holds the classes themselves, of which a part is split off"
            )
        if len(validation) > 1:
            raise UnfitError(
                f"it holds {', '.join(f'{n}/' for n in validation)}: leave one of them"
            )
        return _of_parts(folders, validation, passed_over)
    except OSError as error:
        raise UnfitError(f"{error.filename or path} cannot be read: {error.strerror}") from error


def _of_classes(folders: dict[str, Path], passed_over: list[str]) -> _Found:
    mixed = [name for name in (TRAIN, TEST) if name in folders]
    if len(mixed) == 2:
        others = _listed([name for name in folders if name not in mixed])
        raise UnfitError(
            f"it holds train/ and test/ beside {others}: move away what is no part of the data, or "
            "give a folder that holds folders of classes alone"
        )
    classes = _ordered(folders)
    train = _part(folders, classes, passed_over)
    return _Found(classes, train, None, None, tuple(passed_over))


def _of_parts(
    folders: dict[str, Path], validation: Sequence[str], passed_over: list[str]
) -> _Found:
    within = {
        name: {one.name: one for one in image_files.within(folder, passed_over) if one.is_dir()}
        for name, folder in folders.items()
    }
    classes = _ordered(within[TRAIN])
    for name, own in within.items():
        if unknown := [one for one in own if one not in classes]:
            raise UnfitError(
                f"{name}/ holds {_listed(unknown)}, and {TRAIN}/ does not: no image of that class "
                "can be trained on"
            )
        if not own:
            raise UnfitError(f"{name}/ holds no folders: give one of images for each class")
    parts = {name: _part(own, classes, passed_over) for name, own in within.items()}
    of_validation = parts[validation[0]] if validation else None
    return _Found(classes, parts[TRAIN], parts[TEST], of_validation, tuple(passed_over))


def _part(folders: dict[str, Path], classes: Sequence[str], passed_over: list[str]) -> _Part:
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        if name not in folders:
            continue
        own = image_files.within(folders[name], passed_over)
        if deeper := [one for one in own if one.is_dir()]:
            raise UnfitError(f"{deeper[0]} is a folder, where images of the class {name!r} belong")
        if not own:
            raise UnfitError(f"{folders[name]} holds no images: put some there, or remove it")
        files += own
        labels += [label] * len(own)
    return _Part(tuple(files), tuple(labels))


def _ordered(folders: dict[str, Path]) -> tuple[str, ...]:
    """The names of classes: by their numbers where all are numbers, else by letters."""
    if len(folders) < 2:
        raise UnfitError(
            f"it holds {_listed(list(folders)) or 'no folders'}: give a folder of images for each "
            "class, at least two, named as the classes"
        )
    numbers = all(name.isascii() and name.isdecimal() for name in folders)
    return tuple(sorted(folders, key=lambda name: (int(name) if numbers else 0, name)))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(f"{name}/" for name in names[:_MOST_LISTED]) + more
