"""Labels as numbers of classes: none that no image has, but for a few of many."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload.datasets.own.npz.dataset import NpzDataset


def saved(folder: Path, train: np.ndarray, test: np.ndarray) -> NpzDataset:
    path = folder / "own.npz"
    images = {"x_train": np.zeros((len(train), 4, 4), np.uint8)}
    images["x_test"] = np.zeros((len(test), 4, 4), np.uint8)
    np.savez(path, **images, y_train=train, y_test=test)
    return NpzDataset(path)


REFUSED = {
    "from-1": (np.arange(1, 11), "labels use 10 of 11 classes (1, 2, 3, …)"),
    "many-from-1": (np.arange(1, 201), "labels use 200 of 201 classes (1, 2, 3, …)"),
    "levels": (np.array([0, 255] * 3), "labels use 2 of 256 classes (0, 255)"),
    "thousands": (np.arange(0, 10_000, 1000), "labels use 10 of 9,001 classes (0, 1000, 2000, …)"),
    "most-lack": (np.array([0, 4]), "labels use 2 of 5 classes (0, 4)"),
    "column": (np.array([[0], [7]]), "labels use 2 of 8 classes (0, 7)"),
    "one-hot": (np.eye(8)[[7, 2, 2, 0]], "labels use 3 of 8 classes (0, 2, 7)"),
    "negative": (np.array([-1, 1, 1, -1]), "labels from -1 to 1"),
    "beyond": (np.array([0, 70_000, 140_000]), "labels from 0 to 140000"),
    "names": (np.array(["cat", "dog", "bee"]), "for names of classes"),
}


@pytest.mark.parametrize(("labels", "complaint"), REFUSED.values(), ids=REFUSED.keys())
def test_other_numbers_are_refused_and_the_line_to_type_mends_them(tmp_path, labels, complaint):
    own = saved(tmp_path, labels, labels[1:])
    for use in (own.decode, own.describe):
        with pytest.raises(DataError) as caught:
            use(tmp_path)
        assert complaint in str(caught.value)
        assert "\n" not in str(caught.value)
    (line,) = re.findall(r"`(.*)`", str(caught.value))
    names = {"y_train": labels, "y_test": labels[1:], "np": np}
    exec(line, names)
    decoded = saved(tmp_path, names["y_train"], names["y_test"]).decode(tmp_path)
    plain = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.ravel()
    used = np.unique(plain)
    assert decoded.classes == tuple(map(str, range(len(used))))
    assert used[decoded.train_labels].tolist() == plain.tolist()
    assert decoded.test_labels is not None
    assert used[decoded.test_labels].tolist() == plain[1:].tolist()


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (np.arange(2), np.arange(2)),
        (np.delete(np.arange(10), 4), np.arange(10)),
        (np.array([0, 2, 4]), np.arange(5)),
        (np.delete(np.arange(100), [3, 40, 77]), np.arange(50)),
        (np.arange(1, 10), np.arange(10)),  # numbered from 0: the test part has that class
    ],
)
def test_a_few_of_many_classes_may_have_no_image(tmp_path, train, test):
    decoded = saved(tmp_path, train, test).decode(tmp_path)
    assert decoded.train_labels.tolist() == train.tolist()
    assert len(decoded.classes) == train.max() + 1


def test_the_line_to_type_takes_a_column_beside_plain_labels(tmp_path):
    train, test = np.array([[3], [5]]), np.array([5, 3])
    with pytest.raises(DataError) as caught:
        saved(tmp_path, train, test).decode(tmp_path)
    (line,) = re.findall(r"`(.*)`", str(caught.value))
    names = {"y_train": train, "y_test": test, "np": np}
    exec(line, names)
    assert saved(tmp_path, names["y_train"], names["y_test"]).decode(
        tmp_path
    ).train_labels.tolist() == [0, 1]
