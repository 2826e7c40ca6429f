from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload import datasets
from bench.workload.datasets import digits

# Of images uint8 (N, 8, 8), then labels uint8 (N,), as decoded; computed with scikit-learn 1.9.1
# from its load_digits.
SHA256 = "a19cb3d96bba7deace8ee5a513a6eb7bad0403d528f00bf4d351b6a7a55baa91"


def test_they_are_the_digits_of_scikit_learn(root: Path) -> None:
    data = datasets.load("digits", root, (8, 8), "pad")
    assert data.test_images is None
    assert data.test_labels is None
    assert data.train_images.shape == (1797, 8, 8, 1)
    found = hashlib.sha256(data.train_images.tobytes())
    found.update(data.train_labels.astype(np.uint8).tobytes())
    assert found.hexdigest() == SHA256
    assert sorted(np.unique(data.train_images))[:3] == [0, 16, 32]
    assert data.train_images.max() == 255
    # Counts as in scikit-learn's "Optical recognition of handwritten digits dataset".
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(data.train_labels).tolist() == counts


@pytest.mark.parametrize("content", [None, b"torn"])
def test_a_damaged_installation_is_told(root: Path, tmp_path, monkeypatch, content) -> None:
    file = tmp_path / "digits.npz"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(digits, "FILE", file)
    (check,) = datasets.verify("digits", root)
    assert check.status == ("missing" if content is None else "wrong")
    with pytest.raises(DataError, match=r"digits\.npz .*the installation is damaged"):
        datasets.load("digits", root, (8, 8), "pad")


def test_both_ways_to_the_size_work(root: Path) -> None:
    resized = datasets.load("digits", root, (32, 32), "resize")
    padded = datasets.load("digits", root, (32, 32), "pad")
    assert resized.train_images.shape == padded.train_images.shape == (1797, 32, 32, 1)
    assert padded.train_images[:, 12:20, 12:20].sum() == padded.train_images.sum()
    assert resized.sha256 != padded.sha256


def test_they_are_verified_by_content(root: Path) -> None:
    (check,) = datasets.verify("digits", root)
    assert check.status == "ok"
    assert check.expected == check.got


def test_they_are_always_there(root: Path) -> None:
    described = datasets.describe("digits", root)
    assert described.available
    assert described.reason is None
    assert (described.train_size, described.test_size, described.shape) == (1797, 0, (8, 8, 1))
