"""scikit-learn's handwritten digits: 1,797 real 8×8 images that are installed with it.

Values are 0 to 16 and become 0 to 255, rounded (8, halfway, to 128). There is no official test
part. `resize` suits images so small; `pad` works as it does everywhere, and leaves an 8×8 digit in
the middle of a black field.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import numpy as np

from bench.datasets.source import Decoded, Description, FileCheck, Input, Status, StoredFile
from bench.errors import DataError

_SIZE, _SIDE, _HIGHEST = 1797, 8, 16

# sha256 of images uint8 (N, 8, 8), then labels uint8 (N,); computed from scikit-learn 1.9.1.
_CONTENT_SHA256 = "a19cb3d96bba7deace8ee5a513a6eb7bad0403d528f00bf4d351b6a7a55baa91"


@dataclass(frozen=True, slots=True)
class DigitsDataset:
    """The digits of the installed scikit-learn, which is imported only to decode them."""

    name: str = "digits"
    title: str = "scikit-learn digits: small handwritten digits"
    classes: tuple[str, ...] = tuple("0123456789")
    credit: str = "Alpaydin, Kaynak 1998; CC BY 4.0; https://doi.org/10.24432/C50P49"

    def describe(self, root: Path) -> Description:
        """See `Source`; `root` plays no part."""
        folder = _package()
        return Description(
            name=self.name,
            title=self.title,
            classes=self.classes,
            shape=(_SIDE, _SIDE, 1),
            train_size=_SIZE,
            test_size=0,
            available=folder is not None,
            reason=None if folder else str(_not_installed()),
            folder=folder or root,
            credit=self.credit,
        )

    def inputs(self, root: Path) -> tuple[Input, ...]:
        """See `Source`; the version of scikit-learn stands for its files."""
        if _package() is None:
            raise _not_installed()
        return (Input(f"scikit-learn {metadata.version('scikit-learn')}"),)

    def unfetched(self, root: Path) -> tuple[StoredFile, ...]:
        """See `Source`; nothing ever has to be fetched."""
        return ()

    def verify(self, root: Path) -> tuple[FileCheck, ...]:
        """See `Source`; the package's folder stands for the file in it."""
        expected = f"sha256:{_CONTENT_SHA256} of its content"
        folder = _package()
        if folder is None:
            return (FileCheck(root, "missing", expected, None),)
        got = _sha256(self._read())
        status: Status = "ok" if got == _CONTENT_SHA256 else "wrong"
        return (FileCheck(folder, status, expected, f"sha256:{got} of its content"),)

    def decode(self, root: Path) -> Decoded:
        """See `Source`."""
        if _package() is None:
            raise _not_installed()
        decoded = self._read()
        if (got := _sha256(decoded)) != _CONTENT_SHA256:
            raise DataError(
                f"the digits of the installed scikit-learn have sha256:{got}, "
                f"expected sha256:{_CONTENT_SHA256}: the installation is damaged or the package "
                "changed its data; reinstall it with `python -m pip install scikit-learn`"
            )
        return decoded

    def _read(self) -> Decoded:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = np.rint(np.asarray(bunch.images) * (255 / _HIGHEST)).astype(np.uint8)
        labels = np.asarray(bunch.target).astype(np.int32)
        return Decoded(self.classes, images[..., np.newaxis], labels)


def _package() -> Path | None:
    """Where scikit-learn is installed; finding it does not import it."""
    spec = util.find_spec("sklearn")
    return Path(spec.origin).parent if spec and spec.origin else None


def _not_installed() -> DataError:
    return DataError(
        "data set 'digits' comes with scikit-learn, which is not installed: "
        "run `python -m pip install scikit-learn`"
    )


def _sha256(decoded: Decoded) -> str:
    digest = hashlib.sha256(decoded.train_images.tobytes())
    digest.update(decoded.train_labels.astype(np.uint8).tobytes())
    return digest.hexdigest()


DIGITS = DigitsDataset()
