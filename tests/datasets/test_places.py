"""Where people have the files of the MNIST family, and that none is taken for another set's."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload import datasets
from bench.workload.datasets import download, places
from bench.workload.datasets.published.mnist import MNIST, QMNIST

NAMES = (
    *("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)


def tiny_of(make: SimpleNamespace, **options):
    """A tiny set whose files are called as those of MNIST, and their contents in that order."""
    tiny = make.idx(**options)
    files = [
        dataclasses.replace(
            file,
            path=f"TINY/raw/{name}.gz",
            mirrors=tuple(f"{mirror.rpartition('/')[0]}/{name}.gz" for mirror in file.mirrors),
        )
        for file, name in zip(tiny.dataset.files, NAMES, strict=True)
    ]
    named = dataclasses.replace(
        tiny.dataset, train_files=tuple(files[:2]), test_files=tuple(files[2:])
    )
    return named, list(tiny.contents.values()), tiny.images


def fill(folder: Path, contents: list[bytes], *, packed: bool, dotted: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(NAMES, contents, strict=True):
        given = name.replace("-idx", ".idx") if dotted else name
        path = folder / (f"{given}.gz" if packed else given)
        path.write_bytes(gzip.compress(content, mtime=0) if packed else content)


@pytest.mark.parametrize("dotted", [False, True], ids=["hyphen", "dot"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(
    ("root", "folder"),
    [
        ("data", "data/TINY/raw"),
        ("data", "data/TINY"),
        ("data", "data/TINY/TINY/raw"),
        ("data", "data"),
        ("data", "data/raw"),
        ("data/TINY", "data/TINY/TINY/raw"),
        ("data/TINY", "data/TINY/raw"),
        ("data/tiny", "data/tiny"),
        ("data/TINY/raw", "data/TINY/raw"),
        ("data/tiny/raw", "data/tiny/raw"),
    ],
)
def test_files_are_found_where_people_have_them(
    make: SimpleNamespace, tmp_path: Path, root: str, folder: str, packed: bool, dotted: bool
) -> None:
    dataset, contents, images = tiny_of(make)
    fill(tmp_path / folder, contents, packed=packed, dotted=dotted)
    before = sorted(tmp_path.rglob("*"))
    at = tmp_path / root
    about = dataset.describe(at)
    assert (about.available, about.folder) == (True, tmp_path / folder)
    assert len(dataset.inputs(at)) == 4
    assert dataset.unfetched(at) == ()
    download.fetch(dataset, at, progress=False)
    assert [check.path.parent for check in dataset.verify(at)] == [tmp_path / folder] * 4
    np.testing.assert_array_equal(dataset.decode(at).train_images[..., 0], images)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("root", "filled"),
    [
        ("data", "data/TINY/raw"),
        ("data/TINY", "data/TINY/TINY/raw"),
        ("data/TINY/raw", "data/TINY/raw"),
    ],
)
def test_what_is_fetched_goes_to_the_folder_of_the_set(
    make: SimpleNamespace, server, tmp_path: Path, root: str, filled: str
) -> None:
    dataset, contents, _ = tiny_of(make, mirrors=(f"{server.url}good/",))
    for name, content in zip(NAMES, contents, strict=True):
        server.replies[f"/good/{name}.gz"] = make.reply(gzip.compress(content, mtime=0))
    download.fetch(dataset, tmp_path / root, progress=False)
    assert sorted(path.name for path in (tmp_path / filled).iterdir()) == sorted(
        f"{name}.gz" for name in NAMES
    )
    assert dataset.unfetched(tmp_path / root) == ()


def test_the_rest_is_fetched_beside_what_is_there(
    make: SimpleNamespace, server, tmp_path: Path
) -> None:
    dataset, contents, _ = tiny_of(make, mirrors=(f"{server.url}good/",))
    for inside in ("TINY/raw", "TINY"):
        root = tmp_path / "data" / inside
        fill(tmp_path / "data/TINY/raw", contents, packed=False, dotted=False)
        (tmp_path / "data/TINY/raw" / NAMES[3]).unlink()
        server.replies[f"/good/{NAMES[3]}.gz"] = make.reply(gzip.compress(contents[3], mtime=0))
        download.fetch(dataset, root, progress=False)
        fetched = tmp_path / "data/TINY/raw" / f"{NAMES[3]}.gz"
        assert fetched.is_file()
        assert not (root / "TINY").exists()
        fetched.unlink()


def test_files_of_another_set_in_a_shared_folder_are_none_of_this_one(
    make: SimpleNamespace, root: Path
) -> None:
    """They have the same names and sizes: only a hash tells them apart."""
    dataset, contents, _ = tiny_of(make)
    others = [content[:-1] + bytes([content[-1] ^ 1]) for content in contents]
    fill(root, others, packed=False, dotted=False)
    assert not dataset.describe(root).available
    assert len(dataset.unfetched(root)) == 4
    assert {check.status for check in dataset.verify(root)} == {"missing"}
    with pytest.raises(DataError, match=r"TINY/raw/train-images-idx3-ubyte\.gz"):
        dataset.decode(root)
    fill(root / "TINY", contents, packed=False, dotted=False)
    assert dataset.describe(root).available
    np.testing.assert_array_equal(dataset.decode(root).test_labels, [0, 1, 2, 3, 4])


def test_without_a_hash_a_copy_counts_only_in_a_folder_of_the_sets_name(
    make: SimpleNamespace, root: Path
) -> None:
    dataset, contents, _ = tiny_of(make, archive=True)
    fill(root, contents, packed=False, dotted=False)
    assert not dataset.describe(root).available
    fill(root / "TINY", contents, packed=False, dotted=False)
    assert dataset.describe(root).available
    assert dataset.unfetched(root) == ()


def test_a_root_that_is_too_deep_is_told_what_to_put_there(tmp_path: Path) -> None:
    root = tmp_path / "MNIST" / "raw"
    root.mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        datasets.load("mnist", root, (32, 32), "pad")
    assert f"put into {root} by hand: train-images-idx3-ubyte.gz (" in str(caught.value)
    with pytest.raises(DataError, match=r"by hand: FashionMNIST/raw/train-images"):
        datasets.load("fashionmnist", root, (32, 32), "pad")


def test_published_names_with_a_dot(tmp_path: Path) -> None:
    named = {path.name for path in places.own(tmp_path, MNIST.train_files[0])}
    assert {"train-images.idx3-ubyte", "train-images.idx3-ubyte.gz"} <= named
    named = {path.name for path in places.own(tmp_path, QMNIST.test_files[1])}
    assert {"qmnist-test-labels.idx2-int", "qmnist-test-labels-idx2-int.gz"} <= named
