"""SVHN: MATLAB files of version 5, made with SciPy as the published ones are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload.datasets import download
from bench.workload.datasets.published.svhn import SVHN, read_mat


def fill(tiny, root: Path) -> None:
    for path, content in tiny.contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def test_files_are_fetched_and_decoded(make: SimpleNamespace, server, root: Path) -> None:
    tiny = make.svhn((f"{server.url}good/",))
    for path, content in tiny.contents.items():
        server.replies[f"/good/{Path(path).name}"] = make.reply(content)
    about = tiny.dataset.describe(root)
    assert about.reason == (
        f"SVHN/train_32x32.mat, SVHN/test_32x32.mat not in {root}: "
        "run `python -m bench data fetch svhn`"
    )
    download.fetch(tiny.dataset, root, progress=False)
    decoded = tiny.dataset.decode(root)
    np.testing.assert_array_equal(decoded.train_images, tiny.images)
    assert decoded.train_labels.tolist() == tiny.labels.tolist()  # the digit 0 is 10 in the file
    assert decoded.train_labels.min() == 0
    assert tiny.dataset.unfetched(root) == ()


def pop(name: str):
    return lambda arrays: arrays.pop(name)


def put(name: str, value):
    return lambda arrays: arrays.update({name: value(arrays[name])})


FAULTS = {
    "lacking": (pop("y"), "belong: it is another file"),
    "shape": (put("X", lambda images: images[:16]), r"holds .*\(16, 32, 3, 12\)"),
    "type": (put("X", lambda images: images.astype(np.int16)), "holds int16 images"),
    "label 0": (put("y", lambda labels: labels - 1), "has labels from 0 to 9, where 1 to 10"),
    "label 1.5": (put("y", lambda labels: labels + 0.5), r"has labels from 1\.5 to 10\.5"),
    "cells": (
        put("y", lambda labels: labels.astype(object)),
        "holds .* belong: numbers|and object",
    ),
}


@pytest.mark.parametrize(("edit", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_what_does_not_belong_is_refused_even_with_a_right_hash(
    make: SimpleNamespace, root: Path, edit, message: str
) -> None:
    tiny = make.svhn(edit=edit)
    fill(tiny, root)
    with pytest.raises(DataError, match=message) as caught:
        tiny.dataset.decode(root)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [0, 50, 200, -10])
def test_a_cut_file_is_refused_even_with_a_right_hash(
    make: SimpleNamespace, root: Path, cut: int
) -> None:
    tiny = make.svhn()
    fill(tiny, root)
    path = root / tiny.dataset.train_file.path
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train_32x32\.mat should have sha256:.*truncated"):
        tiny.dataset.decode(root)
    with pytest.raises(DataError):
        read_mat(path, 12)


def test_the_published_set_is_described_in_full() -> None:
    described = SVHN.describe(Path("nowhere"))
    assert (described.train_size, described.test_size) == (73_257, 26_032)
    assert "non-commercial" in described.credit
