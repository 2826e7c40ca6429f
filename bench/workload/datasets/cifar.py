"""CIFAR-10, from its binary archive; the pickled one is never touched.

A batch file is rows of 3,073 bytes: a label, then 32×32 red, green and blue values.
Source: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".

The archive is kept as it was served and read in place: nothing is ever extracted to the disk, so
that no archive, however made, can write outside its folder. Unpacked batch files serve as well.

Where the hashes are from: the archive's sha256 is TensorFlow Datasets' (url_checksums/cifar10.txt);
nobody official publishes those of the batch files, their md5 are the ones that the CMake and Go
projects which check them agree on.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.workload.datasets import integrity
from bench.workload.datasets.source import Decoded, Description, FileCheck, Input, StoredFile

_SIDE, _CHANNELS = 32, 3
_ROW_BYTES = 1 + _CHANNELS * _SIDE * _SIDE


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


def read_members(
    archive: Path, names: Iterable[str], member_bytes: int, limit_bytes: int
) -> dict[str, bytes]:
    """The content of regular files of a tar.gz archive, by their exact names, in memory.

    Every one has to be there once, with `member_bytes` bytes; whatever else the archive holds is
    passed over. At most `limit_bytes` are unpacked.

    Raises:
        DataError: a file is missing, twice there, a link or of another size; the archive is
            broken or too large.
    """
    wanted = set(names)
    found: dict[str, bytes] = {}
    try:
        with (
            gzip.open(archive, "rb") as stream,
            tarfile.open(fileobj=_Bounded(stream, limit_bytes), mode="r|") as tar,
        ):
            for member in tar:
                if member.name not in wanted:
                    continue
                if member.name in found or not member.isreg() or member.size != member_bytes:
                    raise DataError(
                        f"{archive}: member {member.name} is not one regular file of "
                        f"{member_bytes:,} bytes; this is not the archive it claims to be"
                    )
                content = tar.extractfile(member)
                found[member.name] = content.read(member_bytes) if content else b""
    except (tarfile.TarError, ValueError, *integrity.BROKEN_GZIP) as error:
        raise DataError(f"cannot read {archive}: {error}; delete it and fetch it again") from error
    if absent := sorted(wanted - found.keys()):
        raise DataError(f"{archive} lacks {', '.join(absent)}: it is another archive")
    return found


def parse_batch(
    data: bytes, origin: str, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Decode a batch file: images (N, 32, 32, 3), labels (N,).

    Raises:
        DataError: it is no whole number of rows, or a label is out of range.
    """
    if not data or len(data) % _ROW_BYTES:
        raise DataError(
            f"{origin} has {len(data):,} bytes, which is no multiple of {_ROW_BYTES:,}: "
            "it is truncated or another file"
        )
    rows = np.frombuffer(data, dtype=np.uint8).reshape(-1, _ROW_BYTES)
    labels = rows[:, 0].astype(np.int32)
    if labels.max() >= classes:
        raise DataError(
            f"{origin} has labels up to {labels.max()}, where 0 to {classes - 1} belong: "
            "it is damaged or another file"
        )
    planes = rows[:, 1:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


@dataclass(frozen=True, slots=True)
class CifarDataset:
    """CIFAR-10 in its archive or in unpacked batch files, the last of which is the test part.

    `batch_rows` is the number of images in each file; each part has equally many of every class.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    credit: str
    archive: StoredFile
    batches: tuple[StoredFile, ...]
    batch_rows: int

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
            train_size=self.batch_rows * (len(self.batches) - 1),
            test_size=self.batch_rows,
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
        parts = [parse_batch(data, origin, len(self.classes)) for origin, data in contents.items()]
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
        names = [batch.path for batch in self.batches]
        member_bytes = self.batch_rows * _ROW_BYTES
        members = read_members(archive, names, member_bytes, self.archive.content_bytes)
        return {name: members[name] for name in names}


def _batch(name: str, md5: str) -> StoredFile:
    path = f"cifar-10-batches-bin/{name}.bin"
    return StoredFile(path, (), 10_000 * _ROW_BYTES, content_digest=f"md5:{md5}")


CIFAR10 = CifarDataset(
    name="cifar10",
    title="CIFAR-10: small colour photographs",
    classes=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    credit="Krizhevsky 2009, no licence stated; https://www.cs.toronto.edu/~kriz/cifar.html",
    archive=StoredFile(
        path="cifar-10-binary.tar.gz",
        mirrors=(
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
        ),
        # Six batches; the rest is for headers, padding, class names and a page of HTML.
        content_bytes=6 * 10_000 * _ROW_BYTES + (1 << 20),
        archive_digest="sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ),
    batches=(
        _batch("data_batch_1", "5dd7e06a14cb22eb9f671a540d1b7c25"),
        _batch("data_batch_2", "5ea93a67294ea407fff1d09f752e9692"),
        _batch("data_batch_3", "942cd6a4bcdd0dd3c604fbe906cb4421"),
        _batch("data_batch_4", "ae636b3ba5c66a11e91e8cb52e771fcb"),
        _batch("data_batch_5", "53f37980c15c3d472c316c40844f3f0d"),
        _batch("test_batch", "803d5f7f4d78ea53de84dbe85f74fb6d"),
    ),
    batch_rows=10_000,
)
