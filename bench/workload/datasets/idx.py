"""The MNIST family: images and labels in IDX files.

Format: two zero bytes, a type, the number of dimensions, each dimension as a big-endian uint32,
then the values, big-endian. Source: "The IDX file format", http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.workload.datasets import integrity, places
from bench.workload.datasets.source import Decoded, Description, FileCheck, Input, StoredFile

_TYPES: dict[int, np.dtype[np.generic]] = {0x08: np.dtype("u1"), 0x0C: np.dtype(">i4")}
_TYPE_NAMES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32"}
_HEIGHT = _WIDTH = 28


def parse_idx(data: bytes, origin: str) -> NDArray[np.generic]:
    """Decode an IDX file of uint8 or int32; the array is a read-only view of `data`.

    Raises:
        DataError: the magic number, the type or the length is not right.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or not 1 <= data[3] <= 4:
        raise DataError(
            f"{origin} is not an IDX file: it begins with {data[:4].hex(' ') or 'nothing'}, "
            "where 00 00, a type and a number of dimensions belong"
        )
    kind, ndim = data[2], data[3]
    if kind not in _TYPES:
        given = _TYPE_NAMES.get(kind, f"type 0x{kind:02x}")
        raise DataError(f"{origin} holds {given}, where uint8 or int32 belong: it is another file")
    start = 4 + 4 * ndim
    if len(data) < start:
        raise DataError(f"{origin} ends within its header of {start} bytes: it is truncated")
    shape = struct.unpack(f">{ndim}I", data[4:start])
    expected = start + math.prod(shape) * _TYPES[kind].itemsize
    if len(data) != expected:
        cause = "it is truncated" if len(data) < expected else "something was appended to it"
        raise DataError(
            f"{origin} announces {shape} in {expected:,} bytes but has {len(data):,}: {cause}"
        )
    return np.frombuffer(data, dtype=_TYPES[kind], offset=start).reshape(shape)


@dataclass(frozen=True, slots=True)
class IdxDataset:
    """A data set of 28×28 grey images in four IDX files.

    Each pair of files is images uint8 (N, 28, 28), then labels: uint8 (N,), or QMNIST's int32
    (N, 8), whose first column is the class.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    credit: str
    train_size: int
    test_size: int
    train_files: tuple[StoredFile, StoredFile]
    test_files: tuple[StoredFile, StoredFile]

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All four."""
        return (*self.train_files, *self.test_files)

    def describe(self, root: Path) -> Description:
        """See `Source`."""
        found = [integrity.present(root, file) for file in self.files]
        absent = [path for path in found if path is None]
        folder = (found[0] or places.target(root, self.files[0])).parent
        reason = (
            f"{len(absent)} of {len(self.files)} files are missing from {folder}: "
            f"run `python -m bench data fetch {self.name}`"
        )
        return Description(
            name=self.name,
            title=self.title,
            classes=self.classes,
            shape=(_HEIGHT, _WIDTH, 1),
            train_size=self.train_size,
            test_size=self.test_size,
            available=not absent,
            reason=reason if absent else None,
            folder=folder,
            credit=self.credit,
        )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`."""
        copies = [
            [
                path
                for path in (*places.own(root, file), *places.shared(root, file))
                if path.is_file()
            ]
            for file in self.files
        ]
        absent = [file for file, paths in zip(self.files, copies, strict=True) if not paths]
        if absent:
            raise integrity.missing(self.name, root, absent)
        return integrity.inputs(path for paths in copies for path in paths)

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """See `Source`."""
        return tuple(file for file in self.files if integrity.inspect(root, file).status != "ok")

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """See `Source`."""
        return tuple(integrity.inspect(root, file) for file in self.files)

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        train = self._pair(root, self.train_files, self.train_size)
        test = self._pair(root, self.test_files, self.test_size)
        return Decoded(self.classes, *train, *test)

    def _pair(
        self, root: Path, pair: tuple[StoredFile, StoredFile], size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        image_path, label_path = (integrity.whole(self.name, root, file) for file in pair)
        images = parse_idx(integrity.content(image_path, pair[0]), str(image_path))
        labels = parse_idx(integrity.content(label_path, pair[1]), str(label_path))
        if images.dtype != np.uint8 or images.shape != (size, _HEIGHT, _WIDTH):
            raise DataError(
                f"{image_path} holds {images.dtype.name} {images.shape}, "
                f"where uint8 {(size, _HEIGHT, _WIDTH)} belongs: it is another file"
            )
        return (
            images.astype(np.uint8, copy=False)[..., np.newaxis],
            self._class_numbers(labels, label_path, size),
        )

    def _class_numbers(
        self, labels: NDArray[np.generic], path: Path, size: int
    ) -> NDArray[np.int32]:
        plain = labels.dtype == np.uint8 and labels.shape == (size,)
        extended = labels.dtype == np.dtype(">i4") and labels.shape == (size, 8)
        if not plain and not extended:
            raise DataError(
                f"{path} holds {labels.dtype.name} {labels.shape}, where uint8 {(size,)} "
                f"or int32 {(size, 8)} belongs: it is another file"
            )
        numbers = (labels[:, 0] if extended else labels).astype(np.int32)
        if size and not 0 <= numbers.min() <= numbers.max() < len(self.classes):
            raise DataError(
                f"{path} has labels from {numbers.min()} to {numbers.max()}, where 0 to "
                f"{len(self.classes) - 1} belong: it is damaged or another file"
            )
        return numbers
