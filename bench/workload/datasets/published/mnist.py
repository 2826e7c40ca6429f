"""MNIST, Fashion-MNIST, KMNIST and QMNIST: their files, mirrors, hashes and terms.

Where the hashes are from
    content   sha256 of the uncompressed bytes, which no mirror's gzip changes. MNIST's are those of
              the canonical files; the others were computed from archives with the published hash.
    git       the name that git gives the uncompressed bytes, where they were too large for that. It
              is from the trees of public repositories that keep the unpacked file beside the
              archive which torchvision had checked. Fashion-MNIST: fredguth/reax,
              SisyphusTang/DiveIntoDeepLearning and zzc18765/AiPremiumClass agree, and their
              archives are those of zalandoresearch/fashion-mnist. KMNIST: four copies in
              zzc18765/AiPremiumClass, whose smaller archives have the published hash.
    archive   sha256 of the file as served, as torchvision and TensorFlow Datasets publish them
              (torchvision/prototype/datasets/_builtin/mnist.py; url_checksums/*.txt).
An unpacked file whose content has no known hash (QMNIST's images) is held against its exact size,
and against the contents of the other sets, which it must not have.

Folders and file names are torchvision's: a folder that it filled serves as it is.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from bench.workload.datasets.idx import IdxDataset
from bench.workload.datasets.source import GIT_BLOB, StoredFile

_DIGITS = tuple("0123456789")
_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
# The set's own site (s3-website) speaks no HTTPS; the last address is the bucket behind it.
_FASHION_MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
)
_KMNIST_MIRRORS = ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
_QMNIST_MIRRORS = (
    "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
    "https://raw.githubusercontent.com/facebookresearch/qmnist/main/",
    "https://github.com/facebookresearch/qmnist/raw/main/",
)


@dataclass(frozen=True, slots=True)
class _Known:
    """Digests in hexadecimal: sha256 of the content and of the archive, git's of the content."""

    content: str | None = None
    archive: str | None = None
    git: str | None = None

    @property
    def content_digest(self) -> str | None:
        """That of the content, with its algorithm."""
        if self.content:
            return f"sha256:{self.content}"
        return f"{GIT_BLOB}:{self.git}" if self.git else None


def _file(
    folder: str, mirrors: tuple[str, ...], name: str, content_bytes: int, known: _Known
) -> StoredFile:
    return StoredFile(
        path=f"{folder}/raw/{name}.gz",
        mirrors=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
        content_bytes=content_bytes,
        content_digest=known.content_digest,
        archive_digest=f"sha256:{known.archive}" if known.archive else None,
    )


def _pair(
    folder: str, mirrors: tuple[str, ...], part: str, n: int, images: _Known, labels: _Known
) -> tuple[StoredFile, StoredFile]:
    """Images and labels of `n` items; sizes are 4 bytes, 4 a dimension, then the values."""
    return (
        _file(folder, mirrors, f"{part}-images-idx3-ubyte", 16 + n * 28 * 28, images),
        _file(folder, mirrors, f"{part}-labels-idx1-ubyte", 8 + n, labels),
    )


def _qmnist_pair(part: str, images: _Known, labels: _Known) -> tuple[StoredFile, StoredFile]:
    """As `_pair`, 60,000 items; a label is 8 numbers of int32: class, writer and more."""
    name = f"qmnist-{part}"
    return (
        _file(
            "QMNIST", _QMNIST_MIRRORS, f"{name}-images-idx3-ubyte", 16 + 60_000 * 28 * 28, images
        ),
        _file("QMNIST", _QMNIST_MIRRORS, f"{name}-labels-idx2-int", 12 + 60_000 * 8 * 4, labels),
    )


_MNIST = IdxDataset(
    name="mnist",
    title="MNIST: handwritten digits",
    classes=_DIGITS,
    credit="LeCun, Cortes, Burges 1998; CC BY-SA 3.0; http://yann.lecun.com/exdb/mnist/",
    train_size=60_000,
    test_size=10_000,
    train_files=_pair(
        "MNIST",
        _MNIST_MIRRORS,
        "train",
        60_000,
        _Known(content="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        _Known(content="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ),
    test_files=_pair(
        "MNIST",
        _MNIST_MIRRORS,
        "t10k",
        10_000,
        _Known(content="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        _Known(content="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
)

_FASHIONMNIST = IdxDataset(
    name="fashionmnist",
    title="Fashion-MNIST: articles of clothing",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    credit="Xiao, Rasul, Vollgraf 2017; MIT; https://github.com/zalandoresearch/fashion-mnist",
    train_size=60_000,
    test_size=10_000,
    train_files=_pair(
        "FashionMNIST",
        _FASHION_MIRRORS,
        "train",
        60_000,
        _Known(
            git="ff2f5a96367a3c1656f09c93649f07143ff8b11e",
            archive="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        _Known(
            content="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            archive="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
    ),
    test_files=_pair(
        "FashionMNIST",
        _FASHION_MIRRORS,
        "t10k",
        10_000,
        _Known(
            git="37bac79bc6f002d965f363e0b20514904504a4d9",
            archive="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        _Known(
            content="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            archive="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
)

_KMNIST = IdxDataset(
    name="kmnist",
    title="Kuzushiji-MNIST: cursive Japanese characters",
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    credit="CODH, from the Kuzushiji Dataset; CC BY-SA 4.0; https://github.com/rois-codh/kmnist",
    train_size=60_000,
    test_size=10_000,
    train_files=_pair(
        "KMNIST",
        _KMNIST_MIRRORS,
        "train",
        60_000,
        _Known(
            git="3cf037df1ccd08cf71c7e9465ca6bc729e79a251",
            archive="51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        _Known(
            content="2a16eeae62da984b8bd24fa32e31d47291f01dac3fe84d5594f304f71e7d374b",
            archive="e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        ),
    ),
    test_files=_pair(
        "KMNIST",
        _KMNIST_MIRRORS,
        "t10k",
        10_000,
        _Known(
            content="76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
            archive="edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        ),
        _Known(
            content="a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
            archive="20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
)

_QMNIST = IdxDataset(
    name="qmnist",
    title="QMNIST: MNIST with all 60,000 test digits",
    classes=_DIGITS,
    credit="Yadav, Bottou 2019; BSD licence; https://github.com/facebookresearch/qmnist",
    train_size=60_000,
    test_size=60_000,
    train_files=_qmnist_pair(
        "train",
        _Known(archive="9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d"),
        _Known(
            content="bb1b6e1ec7b04fd5696f1ed50b5f58f8ef195118edd5c93c81783df9740b8ac5",
            archive="2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
        ),
    ),
    test_files=_qmnist_pair(
        "test",
        _Known(archive="43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375"),
        _Known(
            content="92d0ccb8c25f9c6534270fb4be7e1d24a1c6d315edfc8a638bfbd31c70f362dd",
            archive="9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
        ),
    ),
)


def _told_apart(*sets: IdxDataset) -> tuple[IdxDataset, ...]:
    """The sets, whose files know those of the others that are as long."""

    def knowing(one: IdxDataset, file: StoredFile) -> StoredFile:
        others = tuple(
            (f"{Path(other.path).stem} of {two.name}", other.content_digest)
            for two in sets
            for other in two.files
            if two is not one and other.content_digest and other.content_bytes == file.content_bytes
        )
        return dataclasses.replace(file, others=others)

    def pair(
        one: IdxDataset, files: tuple[StoredFile, StoredFile]
    ) -> tuple[StoredFile, StoredFile]:
        return knowing(one, files[0]), knowing(one, files[1])

    return tuple(
        dataclasses.replace(
            one, train_files=pair(one, one.train_files), test_files=pair(one, one.test_files)
        )
        for one in sets
    )


MNIST, FASHIONMNIST, KMNIST, QMNIST = _told_apart(_MNIST, _FASHIONMNIST, _KMNIST, _QMNIST)
