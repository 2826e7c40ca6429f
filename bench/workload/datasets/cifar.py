"""The CIFAR family, from their binary archives; the pickled ones are never touched.

A batch file is rows of labels, a byte each, and 32×32 red, green and blue values. CIFAR-10 has one
label, CIFAR-100 a coarse one and a fine one.
Source: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".

The archive is kept as it was served and read in place: nothing is ever extracted to the disk, so
that no archive, however made, can write outside its folder. Unpacked batch files serve as well.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.workload.datasets import integrity
from bench.workload.datasets.source import Decoded, Description, FileCheck, Input, StoredFile

_SIDE, _CHANNELS = 32, 3
PIXEL_BYTES = _CHANNELS * _SIDE * _SIDE  # of an image


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes: a gzip bomb ends here."""

    def __init__(self, stream: gzip.GzipFile, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise OSError("it unpacks to more bytes than the archive can hold")
        return data


def read_members(archive: Path, wanted: Mapping[str, int], limit_bytes: int) -> dict[str, bytes]:
    """The content of regular files of a tar.gz archive, by their exact names, in memory.

    Every one has to be there once, with as many bytes as `wanted` says; whatever else the archive
    holds is passed over. At most `limit_bytes` are unpacked.

    Raises:
        DataError: a file is missing, twice there, a link or of another size; the archive is
            broken or too large.
    """
    found: dict[str, bytes] = {}
    try:
        with (
            gzip.open(archive, "rb") as stream,
            tarfile.open(fileobj=_Bounded(stream, limit_bytes), mode="r|") as tar,
        ):
            for member in tar:
                if member.name not in wanted:
                    continue
                member_bytes = wanted[member.name]
                if member.name in found or not member.isreg() or member.size != member_bytes:
                    raise DataError(
                        f"{archive}: member {member.name} is not one regular file of "
                        f"{member_bytes:,} bytes; this is not the archive it claims to be"
                    )
                content = tar.extractfile(member)
                found[member.name] = content.read(member_bytes) if content else b""
    except (tarfile.TarError, ValueError, *integrity.BROKEN_GZIP) as error:
        raise DataError(f"cannot read {archive}: {error}; delete it and fetch it again") from error
    if absent := sorted(wanted.keys() - found.keys()):
        raise DataError(f"{archive} lacks {', '.join(absent)}: it is another archive")
    return found


def parse_batch(
    data: bytes, origin: str, classes: int, labels_a_row: int = 1, label: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Decode a batch file: images (N, 32, 32, 3), labels (N,), of several the one at `label`.

    Raises:
        DataError: it is no whole number of rows, or a label is out of range.
    """
    row_bytes = labels_a_row + PIXEL_BYTES
    if not data or len(data) % row_bytes:
        raise DataError(
            f"{origin} has {len(data):,} bytes, which is no multiple of {row_bytes:,}: "
            "it is truncated or another file"
        )
    rows = np.frombuffer(data, dtype=np.uint8).reshape(-1, row_bytes)
    labels = rows[:, label].astype(np.int32)
    if labels.max() >= classes:
        raise DataError(
            f"{origin} has labels up to {labels.max()}, where 0 to {classes - 1} belong: "
            "it is damaged or another file"
        )
    planes = rows[:, labels_a_row:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


@dataclass(frozen=True, slots=True)
class CifarDataset:
    """Its archive, or unpacked batch files, the last of which is the test part.

    Each part has equally many images of every class. Where a row has several labels, the class is
    the one at `label`.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    credit: str
    archive: StoredFile
    batches: tuple[StoredFile, ...]
    labels_a_row: int = 1
    label: int = 0

    def describe(self, root: Path) -> Description:
        """See `Source`."""
        available = bool(self._paths(root))
        reason = (
            f"neither {self.archive.path} nor the files of "
            f"{Path(self.batches[0].path).parent} are in {root}: "
            f"run `python -m bench data fetch {self.name}`"
        )
        return Description(
            name=self.name,
            title=self.title,
            classes=self.classes,
            shape=(_SIDE, _SIDE, _CHANNELS),
            train_size=sum(self._rows(batch) for batch in self.batches[:-1]),
            test_size=self._rows(self.batches[-1]),
            available=available,
            reason=None if available else reason,
            folder=root,
            credit=self.credit,
        )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`."""
        paths = self._paths(root)
        if not paths:
            raise integrity.missing(self.name, root, (self.archive,))
        return integrity.inputs(paths)

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """See `Source`."""
        return () if all(c.status == "ok" for c in self.verify(root)) else (self.archive,)

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """See `Source`. The archive alone where there is one: it is what `decode` reads."""
        used = self.batches if self._unpacked(root) else (self.archive,)
        return tuple(integrity.inspect(root, file) for file in used)

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        contents = self._contents(root)
        layout = len(self.classes), self.labels_a_row, self.label
        parts = [parse_batch(data, origin, *layout) for origin, data in contents.items()]
        train_images, train_labels = (
            np.concatenate(arrays) for arrays in zip(*parts[:-1], strict=True)
        )
        test_images, test_labels = parts[-1]
        for part, labels in (("training", train_labels), ("test", test_labels)):
            counts = np.bincount(labels, minlength=len(self.classes))
            if np.any(counts != labels.size // len(self.classes)):
                raise DataError(
                    f"data set {self.name!r}: the {part} part has {counts.tolist()} images of its "
                    f"classes, where {labels.size // len(self.classes):,} of each belong: "
                    "its files are mixed up or damaged"
                )
        return Decoded(self.classes, train_images, train_labels, test_images, test_labels)

    def _rows(self, batch: StoredFile) -> int:
        return batch.content_bytes // (self.labels_a_row + PIXEL_BYTES)

    def _unpacked(self, root: Path) -> bool:
        """Whether batch files are what there is; the archive, whose hash is surer, goes first."""
        return not (root / self.archive.path).is_file() and any(
            (root / batch.path).is_file() for batch in self.batches
        )

    def _paths(self, root: Path) -> tuple[Path, ...]:
        """The files that `decode` would read; empty where some are missing."""
        used = self.batches if self._unpacked(root) else (self.archive,)
        paths = tuple(root / file.path for file in used)
        return paths if all(path.is_file() for path in paths) else ()

    def _contents(self, root: Path) -> dict[str, bytes]:
        """The bytes of every batch by its name, in order; all of it checked."""
        if self._unpacked(root):
            paths = [integrity.whole(self.name, root, batch) for batch in self.batches]
            return {
                str(path): integrity.content(path, batch)
                for path, batch in zip(paths, self.batches, strict=True)
            }
        archive = integrity.whole(self.name, root, self.archive)
        wanted = {batch.path: batch.content_bytes for batch in self.batches}
        members = read_members(archive, wanted, self.archive.content_bytes)
        return {name: members[name] for name in wanted}
