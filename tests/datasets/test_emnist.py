"""EMNIST: IDX files in gzip's wrapping in a zip archive, made by `make.emnist`."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload.datasets import download
from bench.workload.datasets.published.emnist import EMNIST

IMAGES = "gzip/emnist-letters-train-images-idx3-ubyte.gz"
LABELS = "gzip/emnist-letters-train-labels-idx1-ubyte.gz"


def test_images_are_upright_and_labels_are_classes(
    make: SimpleNamespace, server, root: Path
) -> None:
    tiny = make.emnist((f"{server.url}bad/", f"{server.url}good/"))
    server.replies["/bad/gzip.zip"] = make.reply(tiny.archive[:-1])
    server.replies["/good/gzip.zip"] = make.reply(tiny.archive)
    assert not tiny.dataset.describe(root).available
    download.fetch(tiny.dataset, root, progress=False)
    assert (root / "EMNIST" / "raw" / "gzip.zip").read_bytes() == tiny.archive
    assert tiny.dataset.describe(root).available
    before = sorted(root.rglob("*"))
    decoded = tiny.dataset.decode(root)
    np.testing.assert_array_equal(decoded.train_images[..., 0], tiny.images)
    names = [decoded.classes[label] for label in decoded.train_labels]
    assert names == [chr(ord("a") + label - 1) for label in tiny.labels]
    assert sorted(root.rglob("*")) == before


def change(member: str, content: Callable[[bytes], bytes]) -> Callable[[dict[str, bytes]], None]:
    def edit(members: dict[str, bytes]) -> None:
        members[member] = content(members[member])

    return edit


def in_gzip(content: bytes) -> Callable[[bytes], bytes]:
    return lambda _: gzip.compress(content, mtime=0)


FAULTS = {
    "lacking": (lambda members: members.pop(IMAGES), f"lacks {IMAGES}: it is another archive"),
    "cut": (change(IMAGES, lambda content: content[:-20]), "cannot read gzip/emnist-letters-train"),
    "no gzip": (change(IMAGES, lambda _: b"no gzip"), "Not a gzipped file"),
    "longer": (
        change(IMAGES, lambda content: gzip.compress(gzip.decompress(content) + b"x")),
        "something was appended",
    ),
    "shape": (
        change(LABELS, in_gzip(bytes((0, 0, 8, 1, 0, 0, 0, 2, 1, 1)))),
        r"holds uint8 \(2,\), where uint8 \(12,\) belongs",
    ),
    "label 0": (
        change(LABELS, in_gzip(bytes((0, 0, 8, 1, 0, 0, 0, 12, *range(12))))),
        "has labels of letters from 0 to 11, where 1 to 26 belong",
    ),
}


@pytest.mark.parametrize(("edit", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_what_does_not_belong_is_refused_even_with_a_right_hash(
    make: SimpleNamespace, root: Path, edit, message: str
) -> None:
    tiny = make.emnist(edit=edit)
    path = root / tiny.dataset.archive.path
    path.parent.mkdir(parents=True)
    path.write_bytes(tiny.archive)
    with pytest.raises(DataError, match=message) as caught:
        tiny.dataset.decode(root)
    assert "\n" not in str(caught.value)


def test_a_bomb_is_not_unpacked(make: SimpleNamespace, root: Path) -> None:
    tiny = make.emnist(edit=change(IMAGES, in_gzip(bytes(64 << 20))))
    path = root / tiny.dataset.archive.path
    path.parent.mkdir(parents=True)
    path.write_bytes(tiny.archive)
    tracemalloc.start()
    with pytest.raises(DataError):
        tiny.dataset.decode(root)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def test_another_archive_is_refused_by_its_hash(make: SimpleNamespace, root: Path) -> None:
    tiny = make.emnist()
    path = root / tiny.dataset.archive.path
    path.parent.mkdir(parents=True)
    path.write_bytes(tiny.archive[:-1] + b"x")
    assert tiny.dataset.unfetched(root) == (tiny.dataset.archive,)
    with pytest.raises(DataError, match=r"gzip\.zip should have sha256:"):
        tiny.dataset.decode(root)


def test_the_published_splits() -> None:
    assert {one.name: (len(one.classes), one.train_size + one.test_size) for one in EMNIST} == {
        "emnist-balanced": (47, 131_600),
        "emnist-letters": (26, 145_600),
        "emnist-digits": (10, 280_000),
        "emnist-byclass": (62, 814_255),
        "emnist-bymerge": (47, 814_255),
    }
    for one in EMNIST:
        assert len(set(one.classes)) == len(one.classes)
        assert all(url.startswith("https://") for url in one.archive.mirrors)
