"""SVHN: digits of house numbers, 32×32 in colour, from two MATLAB files of version 5.

`X` is uint8 (32, 32, 3, N), `y` is (N, 1) from 1 to 10, where 10 is the digit 0. Such a file holds
arrays and no objects that would be unpickled; its shapes are held against what belongs there before
an array is read. SciPy's parser can crash the process on a damaged file, so only one whose hash was
verified is given to it.

Where the hashes are from: TensorFlow Datasets (url_checksums/svhn_cropped.txt).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.workload.datasets import integrity
from bench.workload.datasets.source import Decoded, Description, FileCheck, Input, StoredFile

_SIDE, _CHANNELS = 32, 3
_ZERO = 10  # the label of the digit 0


def read_mat(path: Path, size: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Images (N, 32, 32, 3) and labels (N,) of a MATLAB file that is known to be whole.

    Raises:
        DataError: it is another file, or a damaged one.
    """
    from scipy import io

    expected = {"X": (_SIDE, _SIDE, _CHANNELS, size), "y": (size, 1)}
    try:
        found = {name: shape for name, shape, _ in io.whosmat(path)}
        if {name: found.get(name) for name in expected} != expected:
            raise DataError(f"{path} holds {found}, where {expected} belong: it is another file")
        arrays: dict[str, Any] = io.loadmat(path, variable_names=tuple(expected))
    except DataError:
        raise
    except Exception as error:  # the parser raises whatever its arithmetic raises
        raise DataError(
            f"cannot read {path} as a MATLAB file ({type(error).__name__}: {error}): delete it "
            "and fetch it again"
        ) from error
    images, labels = arrays["X"], arrays["y"][:, 0]
    if images.dtype != np.uint8 or labels.dtype.kind not in "iuf":
        raise DataError(
            f"{path} holds {images.dtype} images and {labels.dtype} labels, where uint8 and "
            "numbers belong: it is another file"
        )
    if not np.isin(labels, np.arange(1, _ZERO + 1)).all():
        raise DataError(
            f"{path} has labels from {labels.min()} to {labels.max()}, where 1 to {_ZERO} "
            "belong: it is damaged or another file"
        )
    return (
        np.ascontiguousarray(images.transpose(3, 0, 1, 2)),
        labels.astype(np.int32) % _ZERO,
    )


@dataclass(frozen=True, slots=True)
class SvhnDataset:
    """The cropped digits: a file for training, one for the test."""

    train_size: int
    test_size: int
    train_file: StoredFile
    test_file: StoredFile
    name: str = "svhn"
    title: str = "SVHN: digits of house numbers"
    classes: tuple[str, ...] = tuple("0123456789")
    credit: str = (
        "Netzer et al. 2011, for non-commercial use only; http://ufldl.stanford.edu/housenumbers/"
    )

    @property
    def files(self) -> tuple[StoredFile, StoredFile]:
        """Both."""
        return self.train_file, self.test_file

    def describe(self, root: Path) -> Description:
        """See `Source`."""
        absent = [file.path for file in self.files if not (root / file.path).is_file()]
        reason = f"{', '.join(absent)} not in {root}: run `python -m bench data fetch {self.name}`"
        return Description(
            name=self.name,
            title=self.title,
            classes=self.classes,
            shape=(_SIDE, _SIDE, _CHANNELS),
            train_size=self.train_size,
            test_size=self.test_size,
            available=not absent,
            reason=reason if absent else None,
            folder=(root / self.train_file.path).parent,
            credit=self.credit,
        )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`."""
        absent = [file for file in self.files if not (root / file.path).is_file()]
        if absent:
            raise integrity.missing(self.name, root, absent)
        return integrity.inputs(root / file.path for file in self.files)

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """See `Source`."""
        return tuple(file for file in self.files if integrity.inspect(root, file).status != "ok")

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """See `Source`."""
        return tuple(integrity.inspect(root, file) for file in self.files)

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        paths = [integrity.whole(self.name, root, file) for file in self.files]
        train = read_mat(paths[0], self.train_size)
        test = read_mat(paths[1], self.test_size)
        return Decoded(self.classes, *train, *test)


def _file(part: str, content_bytes: int, sha256: str) -> StoredFile:
    name = f"{part}_32x32.mat"
    return StoredFile(
        path=f"SVHN/{name}",
        mirrors=(f"https://ufldl.stanford.edu/housenumbers/{name}",),
        content_bytes=content_bytes,
        content_digest=f"sha256:{sha256}",
    )


SVHN = SvhnDataset(
    train_size=73_257,
    test_size=26_032,
    train_file=_file(
        "train", 182_040_794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"
    ),
    test_file=_file(
        "test", 64_275_384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"
    ),
)
