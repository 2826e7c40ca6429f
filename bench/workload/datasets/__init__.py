"""Data sets: fetch, verify, decode → uint8 images of the size that is asked for.

    digits          small ones, which come with this package
    mnist, fashionmnist, kmnist, qmnist, emnist-…, cifar10, cifar100, cifar100-coarse, svhn
                    fetched by `python -m bench data fetch NAME`, or put below the root by hand or
                    by torchvision
    npz:PATH, folder:PATH
                    a person's own

A root is a folder of data sets. Only `fetch` touches the network. Importing this package imports
neither pooch nor Pillow.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

from bench.choices import Fit
from bench.errors import DataError, UnknownNameError
from bench.workload.datasets.cache import Removed, clean
from bench.workload.datasets.digits import DIGITS
from bench.workload.datasets.loading import deliver
from bench.workload.datasets.own.folder import FolderDataset
from bench.workload.datasets.own.npz.dataset import NpzDataset
from bench.workload.datasets.published.cifar import CIFAR10, CIFAR100, CIFAR100_COARSE
from bench.workload.datasets.published.emnist import EMNIST
from bench.workload.datasets.published.mnist import FASHIONMNIST, KMNIST, MNIST, QMNIST
from bench.workload.datasets.published.svhn import SVHN
from bench.workload.datasets.source import Dataset, Description, FileCheck, Source

__all__ = [
    "Dataset",
    "Description",
    "FileCheck",
    "Fit",
    "Removed",
    "below",
    "clean",
    "default_root",
    "describe",
    "fetch",
    "load",
    "names",
    "require",
    "verify",
]

_SOURCES: tuple[Source, ...] = (
    *(DIGITS, MNIST, FASHIONMNIST, KMNIST, QMNIST, *EMNIST),
    *(CIFAR10, CIFAR100, CIFAR100_COARSE, SVHN),
)
_OWN: tuple[type[NpzDataset] | type[FolderDataset], ...] = (NpzDataset, FolderDataset)


def names() -> tuple[str, ...]:
    """The data sets that have a name of their own; those of a person's own come besides."""
    return tuple(source.name for source in _SOURCES)


def default_root() -> Path:
    """$LENET_BENCH_DATA, or the folder that this platform has for a user's caches."""
    if given := os.environ.get("LENET_BENCH_DATA"):
        return Path(given).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("lenet-bench")


def describe(name: str, root: Path) -> Description:
    """The data set at a glance: quick, from the presence and size of files.

    Raises:
        UnknownNameError: there is no such data set.
        DataError: what a person's own data set names is not there or not right.
    """
    return _source(name).describe(root)


def below(name: str, root: Path) -> Path | None:
    """The first of the folders in a root that has the data set, as in a root one level too high."""
    source = _source(name)
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir())
        return next((path for path in folders if source.describe(path).available), None)
    except OSError:  # not there, or there are folders that nobody may look into
        return None


def require(name: str) -> None:
    """Nothing, where there is such a data set; whether its files are here is not asked.

    Raises:
        UnknownNameError: there is no such data set.
        DataError: `npz:` or `folder:` names no path.
    """
    _source(name)


def load(name: str, root: Path, size: tuple[int, int], fit: Fit) -> Dataset:
    """Images of `size`, (height, width), and labels, mapped from the cache; never fetches.

    Images that are smaller than `size` are padded with zeros, centred, or resized bilinearly with
    half-pixel centres, as `fit` says; larger ones can be resized only. The first time, files are
    held against their hashes, decoded, and the result kept among the user's caches.

    Raises:
        UnknownNameError: there is no such data set or way to fit.
        DataError: files are missing or wrong, or the images do not go into `size`.
    """
    if fit not in get_args(Fit):
        raise UnknownNameError("fit", fit, get_args(Fit))
    if min(size) < 1:
        raise DataError(f"images cannot have the size {size[0]}×{size[1]}: give at least 1×1")
    return deliver(_source(name), root, size, fit)


def fetch(name: str, root: Path, progress: bool) -> Path:
    """Download what is missing or wrong, verified; return the folder that it lies in.

    Nothing is done where everything is whole, nor for data sets that need no download.

    Raises:
        UnknownNameError: there is no such data set.
        DataError: no mirror serves a file as it should be, or the folder cannot be written.
    """
    from bench.workload.datasets import download

    source = _source(name)
    download.fetch(source, root, progress)
    return source.describe(root).folder


def verify(name: str, root: Path) -> tuple[FileCheck, ...]:
    """Hold every file of the data set against its hash, or its size where no hash is known.

    Raises:
        UnknownNameError: there is no such data set.
    """
    return _source(name).verify(root)


def _source(name: str) -> Source:
    for own in _OWN:
        if name == own.prefix:
            raise DataError(
                f"data set {name!r} names no {own.kind}: give the path, as in {own.example}"
            )
        if name.startswith(own.prefix):
            return own.named(name.removeprefix(own.prefix))
    for source in _SOURCES:
        if source.name == name:
            return source
    raise UnknownNameError("data set", name, (*names(), *(f"{own.prefix}PATH" for own in _OWN)))
