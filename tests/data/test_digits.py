from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from bench import datasets


def test_they_are_scikit_learns_digits(root: Path) -> None:
    data = datasets.load("digits", root, (8, 8), "pad")
    assert data.test_images is None
    assert data.test_labels is None
    assert data.train_images.shape == (1797, 8, 8, 1)
    original = load_digits()
    np.testing.assert_array_equal(data.train_labels, original.target)
    # 255/16 a step; half a step of rounding.
    assert np.abs(data.train_images[..., 0] - original.images * 255 / 16).max() <= 0.5
    assert sorted(np.unique(data.train_images))[:3] == [0, 16, 32]
    assert data.train_images.max() == 255
    # Counts as in scikit-learn's "Optical recognition of handwritten digits dataset".
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(data.train_labels).tolist() == counts


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
