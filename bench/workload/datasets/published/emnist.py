"""EMNIST: handwritten digits and letters, IDX files in gzip's wrapping in one zip archive.

Its images are the transpose of MNIST's, so that letters lie on their side in a mirror; they are
turned upright here. The archive is kept as it was served and read in place, as torchvision leaves
it in EMNIST/raw.

Where the hash is from: the archive's sha256 and size are TensorFlow Datasets'
(url_checksums/emnist.txt). The numbers of images are those of the files: Cohen et al. 2017, table
II, but for the letters, of which the published files hold 145,600.
"""

from __future__ import annotations

import gzip
import string
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.workload.datasets import integrity
from bench.workload.datasets.idx import parse_idx
from bench.workload.datasets.source import Decoded, Description, FileCheck, Input, StoredFile

_SIDE = 28


@dataclass(frozen=True, slots=True)
class EmnistDataset:
    """One of the archive's splits of the same handwriting into classes.

    split        as the archive's files call it
    first_label  what the first class has in the files
    """

    split: str
    title: str
    classes: tuple[str, ...]
    train_size: int
    test_size: int
    archive: StoredFile
    first_label: int = 0
    credit: str = (
        "Cohen, Afshar, Tapson, van Schaik 2017, from NIST Special Database 19, no licence stated; "
        "https://www.nist.gov/itl/products-and-services/emnist-dataset"
    )

    @property
    def name(self) -> str:
        """The name a person gives on the command line."""
        return f"emnist-{self.split}"

    def describe(self, root: Path) -> Description:
        """See `Source`."""
        available = self._path(root).is_file()
        reason = (
            f"{self.archive.path} is not in {root}: run `python -m bench data fetch {self.name}`"
        )
        return Description(
            name=self.name,
            title=self.title,
            classes=self.classes,
            shape=(_SIDE, _SIDE, 1),
            train_size=self.train_size,
            test_size=self.test_size,
            available=available,
            reason=None if available else reason,
            folder=self._path(root).parent,
            credit=self.credit,
        )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`."""
        if not self._path(root).is_file():
            raise integrity.missing(self.name, root, (self.archive,))
        return integrity.inputs((self._path(root),))

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """See `Source`."""
        return () if self.verify(root)[0].status == "ok" else (self.archive,)

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """See `Source`."""
        return (integrity.inspect(root, self.archive),)

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        path = integrity.whole(self.name, root, self.archive)
        try:
            with zipfile.ZipFile(path) as archive:
                train = self._part(archive, "train", self.train_size)
                test = self._part(archive, "test", self.test_size)
        except (zipfile.BadZipFile, RuntimeError, ValueError, *integrity.BROKEN_GZIP) as error:
            raise DataError(f"cannot read {path}: {error}; delete it and fetch it again") from error
        return Decoded(self.classes, *train, *test)

    def _part(
        self, archive: zipfile.ZipFile, part: str, size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        images = self._array(archive, f"{part}-images-idx3-ubyte", (size, _SIDE, _SIDE))
        labels = self._array(archive, f"{part}-labels-idx1-ubyte", (size,)).astype(np.int32)
        labels -= self.first_label
        if labels.min() < 0 or labels.max() >= len(self.classes):
            first, last = self.first_label, self.first_label + len(self.classes) - 1
            raise DataError(
                f"{archive.filename} has labels of {self.split} from {labels.min() + first} to "
                f"{labels.max() + first}, where {first} to {last} belong: it is another file"
            )
        upright = np.ascontiguousarray(images.transpose(0, 2, 1))
        return upright[..., np.newaxis], labels

    def _array(
        self, archive: zipfile.ZipFile, what: str, shape: tuple[int, ...]
    ) -> NDArray[np.uint8]:
        """An array of one member, of which no more is unpacked than belongs there."""
        member = f"gzip/{self.name}-{what}.gz"
        origin = f"{member} in {archive.filename}"
        most = 4 + 4 * len(shape) + int(np.prod(shape))
        try:
            with archive.open(member) as packed, gzip.open(packed) as stream:
                data = stream.read(most + 1)
        except KeyError as error:
            raise DataError(f"{archive.filename} lacks {member}: it is another archive") from error
        except integrity.BROKEN_GZIP as error:
            raise DataError(f"cannot read {origin}: {error}") from error
        array = parse_idx(data, origin)
        if array.dtype != np.uint8 or array.shape != shape:
            raise DataError(
                f"{origin} holds {array.dtype.name} {array.shape}, where uint8 {shape} belongs: "
                "it is another file"
            )
        return array.astype(np.uint8, copy=False)

    def _path(self, root: Path) -> Path:
        return root / self.archive.path


_ARCHIVE = StoredFile(
    path="EMNIST/raw/gzip.zip",
    mirrors=(
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
    content_bytes=561_753_746,
    content_digest="sha256:fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
)
_CAPITALS = (*string.digits, *string.ascii_uppercase)
_MERGED = (*_CAPITALS, *"abdefghnqrt")  # the other small letters look like their capitals

EMNIST = (
    EmnistDataset(
        "balanced",
        "EMNIST Balanced: digits and letters, as many of each",
        *(_MERGED, 112_800, 18_800, _ARCHIVE),
    ),
    EmnistDataset(
        "letters",
        "EMNIST Letters: small letters and capitals as one class",
        *(tuple(string.ascii_lowercase), 124_800, 20_800, _ARCHIVE),
        first_label=1,
    ),
    EmnistDataset(
        "digits",
        "EMNIST Digits: as many of each",
        *(tuple(string.digits), 240_000, 40_000, _ARCHIVE),
    ),
    EmnistDataset(
        "byclass",
        "EMNIST ByClass: digits, capitals and small letters",
        *((*_CAPITALS, *string.ascii_lowercase), 697_932, 116_323, _ARCHIVE),
    ),
    EmnistDataset(
        "bymerge",
        "EMNIST ByMerge: small letters that look like their capitals are one with them",
        *(_MERGED, 697_932, 116_323, _ARCHIVE),
    ),
)
