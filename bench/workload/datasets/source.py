"""What a data set is: where it comes from, what it decodes to, what is delivered.

Images are uint8 (N, H, W, C), labels int32 (N,), everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bench.choices import Fit

Status = Literal["ok", "missing", "wrong"]
Shape = tuple[int, int, int]

GIT_BLOB = "git-blob"  # the algorithm by which git names a content


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A data set brought to the asked-for size. Arrays are read-only, mapped from the cache.

    `test_images` and `test_labels` are None where the data set has no official test part, those
    for validation where a person's own has none.
    `sha256` is the hash of images and labels as they are delivered here.
    """

    name: str
    classes: tuple[str, ...]
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int32]
    test_images: NDArray[np.uint8] | None
    test_labels: NDArray[np.int32] | None
    sha256: str
    validation_images: NDArray[np.uint8] | None = None
    validation_labels: NDArray[np.int32] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for a person, of what only the images themselves tell."""
        images, told = self.train_images, []
        if len(images) > 1 and all(np.array_equal(one, images[0]) for one in images[1:]):
            told.append(f"all {len(images):,} training images are the same: nothing can be learned")
        # Of one's own alone: published sets are as they are, and have few.
        if self.test_images is not None and ":" in self.name:
            trained = {hash(one.tobytes()) for one in images}
            if again := sum(hash(one.tobytes()) in trained for one in self.test_images):
                told.append(
                    f"{again:,} of {len(self.test_images):,} test images are among those for "
                    "training: the test accuracy is not that of new images"
                )
        return tuple(told)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What the files of a data set hold, at its native size."""

    classes: tuple[str, ...]
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int32]
    test_images: NDArray[np.uint8] | None = None
    test_labels: NDArray[np.int32] | None = None
    validation_images: NDArray[np.uint8] | None = None
    validation_labels: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """A data set at a glance; learned without decoding it.

    `shape` is the native (height, width, channels); `test_size` is 0 where there is no official
    test part. `available` goes by the presence and size of files; by their hashes only in a folder
    that does not say which data set it holds. `reason` says why it is not. `notes` are lines for a
    person: how files were taken that are not as they should be but can mean one thing only.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    shape: Shape
    train_size: int
    test_size: int
    available: bool
    reason: str | None
    folder: Path
    credit: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One file against what it should be; `got` is None where there is no file.

    `by_size` says that nothing but the size was known to hold it against.
    """

    path: Path
    status: Status
    expected: str
    got: str | None
    by_size: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """What a decoded data set was made from: a file as it stood, or a package's version.

    Of a folder `listing` is the hash of what is in it, and `size` that of all files.
    """

    origin: str
    size: int = 0
    mtime_ns: int = 0
    listing: str = ""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a data set below the root, kept as its mirrors serve it.

    path            below the root, with `/`; a name in `.gz` is compressed
    mirrors         URLs of the file, tried in this order
    content_bytes   size of the uncompressed content; of a tar archive, an upper bound
    content_digest  `algorithm:hex` of the uncompressed content, None where nobody publishes it
    archive_digest  `algorithm:hex` of the file as served; used where the content's is not known
    others          what other data sets have that is as long: (what it is, digest of its content)

    An algorithm is one of hashlib's or `GIT_BLOB`.
    """

    path: str
    mirrors: tuple[str, ...]
    content_bytes: int
    content_digest: str | None = None
    archive_digest: str | None = None
    others: tuple[tuple[str, str], ...] = ()

    @property
    def compressed(self) -> bool:
        """Whether the file holds its content in gzip's wrapping."""
        return self.path.endswith(".gz")

    @property
    def limit_bytes(self) -> int:
        """What no honest copy exceeds: gzip adds at most a few bytes in each 32 KiB."""
        return self.content_bytes + self.content_bytes // 1024 + 1024

    def digest_of(self, compressed: bool) -> tuple[Literal["content", "archive"], str] | None:
        """What a copy, compressed or not, is held against; None where only its size is known.

        The content's, which no other gzip changes, goes first, but git's SHA-1 is the weaker one.
        """
        archive = self.archive_digest if compressed else None
        if self.content_digest and not (archive and self.content_digest.startswith(GIT_BLOB)):
            return "content", self.content_digest
        return ("archive", archive) if archive else None


class Source(Protocol):
    """One data set of a family. Implementations are frozen dataclasses.

    Every method raises `DataError` with one clear line; none touches the network.
    """

    @property
    def name(self) -> str:
        """The name a person gives on the command line."""

    def describe(self, root: Path) -> Description:
        """The data set at a glance, without decoding anything."""

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """What `decode` would read, without reading it; DataError where something is missing."""

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """The files that have to be fetched before `decode` can succeed."""

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """Every file against its hash, or its size where no hash is known."""

    def decode(self, root: Path) -> Decoded:
        """Check and decode the files."""


@runtime_checkable
class FittingSource(Source, Protocol):
    """A source that brings images to their size one by one: they may be of several sizes."""

    def decode_to(self, root: Path, size: tuple[int, int], fit: Fit) -> Decoded:
        """Check and decode the files, with images of `size`, (height, width)."""
