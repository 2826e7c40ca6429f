"""Handwritten digits, 1,797 real 8×8 images, in `digits.npz` beside this file.

They are the test part of "Optical Recognition of Handwritten Digits" of E. Alpaydin and C. Kaynak
(1998), https://doi.org/10.24432/C50P49, which is published under the licence CC BY 4.0, and the
same that scikit-learn has as `load_digits`. Values are 0 to 16 and become 0 to 255, rounded (8,
halfway, to 128).

There is no official test part. `resize` suits images so small; `pad` works as it does everywhere,
and leaves an 8×8 digit in the middle of a black field.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import DataError
from bench.workload.datasets.source import (
    Decoded,
    Description,
    FileCheck,
    Input,
    Status,
    StoredFile,
)

FILE = Path(__file__).with_name("digits.npz")  # images uint8 (N, 8, 8), labels uint8 (N,)
FILE_SHA256 = "b3b9c8cc11d765ce4264d8748bf3edbafa5038d91c93cf713ddbd6ae8652b410"
_SIZE, _SIDE, _HIGHEST = 1797, 8, 16


@dataclass(frozen=True, slots=True)
class DigitsDataset:
    """The digits that come with this package."""

    name: str = "digits"
    title: str = "UCI digits: small handwritten digits"
    classes: tuple[str, ...] = tuple("0123456789")
    credit: str = "Alpaydin, Kaynak 1998; CC BY 4.0; https://doi.org/10.24432/C50P49"

    def describe(self, root: Path) -> Description:
        """See `Source`; `root` plays no part."""
        there = FILE.is_file()
        return Description(
            name=self.name,
            title=self.title,
            classes=self.classes,
            shape=(_SIDE, _SIDE, 1),
            train_size=_SIZE,
            test_size=0,
            available=there,
            reason=None if there else str(_damaged("is not there")),
            folder=FILE.parent,
            credit=self.credit,
        )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`; the hash that the file must have stands for it."""
        return (Input(f"{FILE.name} sha256:{FILE_SHA256}"),)

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """See `Source`; nothing ever has to be fetched."""
        return ()

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """See `Source`."""
        expected = f"sha256:{FILE_SHA256}"
        if not FILE.is_file():
            return (FileCheck(FILE, "missing", expected, None),)
        got = f"sha256:{hashlib.sha256(FILE.read_bytes()).hexdigest()}"
        status: Status = "ok" if got == expected else "wrong"
        return (FileCheck(FILE, status, expected, got),)

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        (check,) = self.verify(root)
        if check.status != "ok":
            raise _damaged(
                "is not there" if check.got is None else f"has {check.got}, not {check.expected}"
            )
        with np.load(FILE, allow_pickle=False) as arrays:
            values, labels = arrays["images"], arrays["labels"]
        images = np.rint(values * (255 / _HIGHEST)).astype(np.uint8)
        return Decoded(self.classes, images[..., np.newaxis], labels.astype(np.int32))


def _damaged(how: str) -> DataError:
    return DataError(f"{FILE} {how}: the installation is damaged; install lenet-bench anew")


DIGITS = DigitsDataset()
