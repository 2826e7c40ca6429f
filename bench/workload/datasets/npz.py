"""A person's own images: `npz:PATH`, a NumPy archive with x_train, y_train, x_test and y_test.

Images are uint8 (N, H, W) or (N, H, W, C) with 1 or 3 channels, labels integers (N,). There are as
many classes as the highest training label plus one. Pickled objects are refused.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.workload.datasets import integrity
from bench.workload.datasets.source import Decoded, Description, FileCheck, Input, Shape, StoredFile

PREFIX = "npz:"
_KEYS = ("x_train", "y_train", "x_test", "y_test")
# More than any image data set has: a label beyond it is no class number.
_MOST_CLASSES = 100_000
# What NumPy raises at a damaged or foreign archive, and at objects where it may not unpickle.
_BROKEN = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)

_T = TypeVar("_T")


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
        train, train_shape = self._read(lambda stored: self._header(stored, "x_train"))
        test, _ = self._read(lambda stored: self._header(stored, "x_test"))
        labels = self._read(lambda stored: self._labels(stored, "y_train", train))
        return Description(
            name=self.name,
            title=f"your images in {self.path.name}",
            classes=self._classes(labels),
            shape=train_shape,
            train_size=train,
            test_size=test,
            available=True,
            reason=None,
            folder=self.path.resolve().parent,
            credit="yours",
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
        return self._read(self._decode)

    def _decode(self, stored: np.lib.npyio.NpzFile) -> Decoded:
        train_images = self._images(stored, "x_train")
        test_images = self._images(stored, "x_test")
        if train_images.shape[1:] != test_images.shape[1:]:
            raise self._fault(
                f"x_train holds images {train_images.shape[1:]}, x_test {test_images.shape[1:]}: "
                "bring both to one height, width and number of channels"
            )
        train_labels = self._labels(stored, "y_train", len(train_images))
        test_labels = self._labels(stored, "y_test", len(test_images))
        classes = self._classes(train_labels)
        if test_labels.max() >= len(classes):
            raise self._fault(
                f"y_test has labels up to {test_labels.max()}, but y_train only up to "
                f"{len(classes) - 1}: no image of that class can be trained on"
            )
        return Decoded(classes, train_images, train_labels, test_images, test_labels)

    def _images(self, stored: np.lib.npyio.NpzFile, key: str) -> NDArray[np.uint8]:
        size, shape = self._header(stored, key)
        return np.asarray(stored[key], dtype=np.uint8).reshape(size, *shape)

    def _header(self, stored: np.lib.npyio.NpzFile, key: str) -> tuple[int, Shape]:
        """Number and shape of images, checked, from the array's header alone."""
        shape, dtype = self._array_header(stored, key)
        grey = len(shape) == 3
        if dtype != np.uint8 or not (grey or (len(shape) == 4 and shape[3] in (1, 3))):
            raise self._fault(
                f"{key} is {dtype} {shape}, where uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) "
                "belongs: scale to 0…255 and convert with `.astype('uint8')`"
            )
        if 0 in shape:
            raise self._fault(f"{key} is empty: its shape is {shape}")
        return shape[0], (shape[1], shape[2], 1 if grey else shape[3])

    def _labels(self, stored: np.lib.npyio.NpzFile, key: str, size: int) -> NDArray[np.int32]:
        shape, dtype = self._array_header(stored, key)
        if dtype.kind not in "iu" or shape != (size,):
            raise self._fault(
                f"{key} is {dtype} {shape}, where integers ({size},) belong, one for each image"
            )
        labels = stored[key]
        if labels.min() < 0 or labels.max() >= _MOST_CLASSES:
            raise self._fault(
                f"{key} has labels from {labels.min()} to {labels.max()}: number the classes from 0"
            )
        return np.asarray(labels, dtype=np.int32)

    def _classes(self, train_labels: NDArray[np.int32]) -> tuple[str, ...]:
        count = int(train_labels.max()) + 1
        if count < 2:
            raise self._fault("y_train has the label 0 alone, where at least two classes belong")
        return tuple(str(number) for number in range(count))

    def _array_header(
        self, stored: np.lib.npyio.NpzFile, key: str
    ) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
        """Shape and type as announced, held against the bytes there are before any is allocated."""
        member = f"{key}.npy"
        archive = stored.zip
        assert archive is not None  # noqa: S101  (open as long as `_read` is)
        with archive.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if read is None:
                raise self._fault(f"{key} is of .npy format {version}, where 1.0 or 2.0 belongs")
            shape, _, dtype = read(stream)
            left = archive.getinfo(member).file_size - stream.tell()
        if not dtype.hasobject and left != math.prod(shape) * dtype.itemsize:
            raise self._fault(f"{key} announces {dtype} {shape} but has {left:,} bytes of it")
        return shape, dtype

    def _read(self, use: Callable[[np.lib.npyio.NpzFile], _T]) -> _T:
        """Open the archive, see that the arrays are there, and use it."""
        self._exists()
        if not zipfile.is_zipfile(self.path):
            raise self._fault("it is no NumPy archive: write it with `numpy.savez`")
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                if absent := [key for key in _KEYS if key not in stored.files]:
                    has = ", ".join(stored.files) or "nothing"
                    raise self._fault(f"it lacks {', '.join(absent)}; it has {has}")
                return use(stored)
        except _BROKEN as error:
            raise self._fault(f"it cannot be read: {error}") from error

    def _exists(self) -> None:
        if not self.path.is_file():
            raise self._fault("there is no such file; it is yours and cannot be fetched")

    def _fault(self, text: str) -> DataError:
        return DataError(f"data set {self.name!r}: {text}")
