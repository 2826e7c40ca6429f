"""MNIST, Fashion-MNIST, KMNIST and QMNIST: their files, mirrors, hashes and terms.

Where the hashes are from
    content   sha256 of the uncompressed bytes, which no mirror's gzip changes. MNIST's are those of
              the canonical files; the others were computed from archives with the published hash.
    archive   sha256 of the file as served, as torchvision and TensorFlow Datasets publish them
              (torchvision/prototype/datasets/_builtin/mnist.py; url_checksums/*.txt).
An unpacked file whose content has no known hash is held against its exact size alone.

Folders and file names are torchvision's: a folder that it filled serves as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.workload.datasets.idx import IdxDataset
from bench.workload.datasets.source import StoredFile

_DIGITS = tuple("0123456789")
_MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
# The set's own site (s3-website) speaks no HTTPS; the last address is the bucket behind it.
_FASHION = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
)
_KMNIST = ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
_QMNIST = (
    "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
    "https://raw.githubusercontent.com/facebookresearch/qmnist/main/",
    "https://github.com/facebookresearch/qmnist/raw/main/",
)


@dataclass(frozen=True, slots=True)
class _Sha256:
    content: str | None = None
    archive: str | None = None


def _file(
    folder: str, mirrors: tuple[str, ...], name: str, content_bytes: int, known: _Sha256
) -> StoredFile:
    return StoredFile(
        path=f"{folder}/raw/{name}.gz",
        mirrors=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
        content_bytes=content_bytes,
        content_digest=f"sha256:{known.content}" if known.content else None,
        archive_digest=f"sha256:{known.archive}" if known.archive else None,
    )


def _pair(
    folder: str, mirrors: tuple[str, ...], part: str, n: int, images: _Sha256, labels: _Sha256
) -> tuple[StoredFile, StoredFile]:
    """Images and labels of `n` items; sizes are 4 bytes, 4 a dimension, then the values."""
    return (
        _file(folder, mirrors, f"{part}-images-idx3-ubyte", 16 + n * 28 * 28, images),
        _file(folder, mirrors, f"{part}-labels-idx1-ubyte", 8 + n, labels),
    )


def _qmnist_pair(part: str, images: _Sha256, labels: _Sha256) -> tuple[StoredFile, StoredFile]:
    """As `_pair`, 60,000 items; a label is 8 numbers of int32: class, writer and more."""
    name = f"qmnist-{part}"
    return (
        _file("QMNIST", _QMNIST, f"{name}-images-idx3-ubyte", 16 + 60_000 * 28 * 28, images),
        _file("QMNIST", _QMNIST, f"{name}-labels-idx2-int", 12 + 60_000 * 8 * 4, labels),
    )


MNIST = IdxDataset(
    name="mnist",
    title="MNIST: handwritten digits",
    classes=_DIGITS,
    credit="LeCun, Cortes, Burges 1998; CC BY-SA 3.0; http://yann.lecun.com/exdb/mnist/",
    train_size=60_000,
    test_size=10_000,
    train_files=_pair(
        "MNIST",
        _MNIST,
        "train",
        60_000,
        _Sha256(content="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        _Sha256(content="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ),
    test_files=_pair(
        "MNIST",
        _MNIST,
        "t10k",
        10_000,
        _Sha256(content="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        _Sha256(content="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
)

FASHIONMNIST = IdxDataset(
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
        _FASHION,
        "train",
        60_000,
        _Sha256(archive="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        _Sha256(
            content="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            archive="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
    ),
    test_files=_pair(
        "FashionMNIST",
        _FASHION,
        "t10k",
        10_000,
        _Sha256(archive="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        _Sha256(
            content="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            archive="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
)

KMNIST = IdxDataset(
    name="kmnist",
    title="Kuzushiji-MNIST: cursive Japanese characters",
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    credit="CODH, from the Kuzushiji Dataset; CC BY-SA 4.0; https://github.com/rois-codh/kmnist",
    train_size=60_000,
    test_size=10_000,
    train_files=_pair(
        "KMNIST",
        _KMNIST,
        "train",
        60_000,
        _Sha256(archive="51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        _Sha256(archive="e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
    ),
    test_files=_pair(
        "KMNIST",
        _KMNIST,
        "t10k",
        10_000,
        _Sha256(archive="edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        _Sha256(archive="20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    ),
)

QMNIST = IdxDataset(
    name="qmnist",
    title="QMNIST: MNIST with all 60,000 test digits",
    classes=_DIGITS,
    credit="Yadav, Bottou 2019; BSD licence; https://github.com/facebookresearch/qmnist",
    train_size=60_000,
    test_size=60_000,
    train_files=_qmnist_pair(
        "train",
        _Sha256(archive="9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d"),
        _Sha256(
            content="bb1b6e1ec7b04fd5696f1ed50b5f58f8ef195118edd5c93c81783df9740b8ac5",
            archive="2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
        ),
    ),
    test_files=_qmnist_pair(
        "test",
        _Sha256(archive="43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375"),
        _Sha256(
            content="92d0ccb8c25f9c6534270fb4be7e1d24a1c6d315edfc8a638bfbd31c70f362dd",
            archive="9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
        ),
    ),
)
