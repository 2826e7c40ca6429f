"""What the arrays of an archive may be called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload.datasets.own.npz.dataset import NpzDataset

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 5), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def saved(folder: Path, *names: str, labels: np.ndarray = LABELS) -> NpzDataset:
    """With images under names that have an x or "images" in them, and labels under the others."""
    path = folder / "own.npz"
    arrays = {name: IMAGES if set(name) & set("xXg") else labels for name in names}
    np.savez(path, **arrays)
    return NpzDataset(path)


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "y_train", "X_test", "y_test"),
        ("test_labels", "test_images", "train_labels", "train_images"),
    ],
)
def test_known_names_are_taken_as_they_are(tmp_path, names):
    own = saved(tmp_path, *names, "mean_of_x")
    decoded = own.decode(tmp_path)
    np.testing.assert_array_equal(decoded.train_images[..., 0], IMAGES)
    assert decoded.test_labels is not None
    assert decoded.test_labels.tolist() == LABELS.tolist()
    assert own.describe(tmp_path).notes == ()


def test_of_two_sets_of_names_the_first_is_taken(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(
        path,
        **{"X_train": IMAGES // 2, "y_train": LABELS, "X_test": IMAGES // 2, "y_test": LABELS},
        **{"x_train": IMAGES, "x_test": IMAGES},
    )
    np.testing.assert_array_equal(NpzDataset(path).decode(tmp_path).train_images[..., 0], IMAGES)


def test_a_validation_part_is_the_images_for_validation(tmp_path):
    parts = ("train", "val", "test")
    names = [f"{part}_{what}" for what in ("images", "labels") for part in parts]
    own = saved(tmp_path, *names, labels=LABELS[:, np.newaxis])
    assert own.describe(tmp_path).train_size == 6
    assert own.describe(tmp_path).notes == (
        "own.npz: taken are train_labels, test_labels and val_labels int64 (N, 1) (one column)",
    )
    decoded = own.decode(tmp_path)
    assert decoded.validation_images is not None
    np.testing.assert_array_equal(decoded.validation_images[..., 0], IMAGES)
    assert decoded.validation_labels is not None
    assert decoded.validation_labels.tolist() == LABELS.tolist()


def test_a_validation_part_is_held_against_the_others(tmp_path):
    four = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS}
    path = tmp_path / "own.npz"
    faults = {
        "it has x_val and lacks y_val: give both, or leave both out": {"x_val": IMAGES},
        r"x_train holds images \(4, 5, 1\), x_val \(4, 4, 1\)": {
            "x_val": IMAGES[:, :, :4],
            "y_val": LABELS,
        },
        "y_val has labels up to 3, but y_train only up to 2": {
            "x_val": IMAGES,
            "y_val": LABELS + 1,
        },
    }
    for message, arrays in faults.items():
        np.savez(path, **four, **arrays)
        with pytest.raises(DataError, match=message):
            NpzDataset(path).decode(tmp_path)


def test_the_line_that_numbers_classes_does_so_for_all_parts(tmp_path):
    names = {"y_train": LABELS * 10, "y_test": LABELS[:4] * 10, "y_valid": LABELS[:3] * 10}
    images = {"x_train": IMAGES, "x_test": IMAGES[:4], "x_valid": IMAGES[:3]}
    path = tmp_path / "own.npz"
    np.savez(path, **names, **images)
    with pytest.raises(DataError) as caught:
        NpzDataset(path).decode(tmp_path)
    line = str(caught.value).split("`")[1]
    exec(line, {"np": np}, names)
    np.savez(path, **names, **images)
    decoded = NpzDataset(path).decode(tmp_path)
    assert decoded.train_labels.tolist() == LABELS.tolist()
    assert decoded.validation_labels is not None
    assert decoded.validation_labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (("x_train", "x_test", "y_test"), "it lacks y_train; it has x_train, x_test, y_test"),
        (("X_train", "y_train"), "it lacks X_test, y_test; it has X_train, y_train"),
        (
            ("train_images", "train_labels", "y_test"),
            "it lacks test_images, test_labels; it has train_images, train_labels, y_test",
        ),
        (
            ("arr_0", "arr_1"),
            "it has arr_0, arr_1, where x_train, y_train, x_test, y_test; or X_train, y_train, "
            "X_test, y_test; or train_images, train_labels, test_images, test_labels belong: name "
            "the arrays, `np.savez('own.npz', x_train=…, y_train=…, x_test=…, y_test=…)`",
        ),
        (("x_train", "y_\x14train", "x_test", "y_test"), "it has x_train, y_\\x14train, x_test"),
        ((), "it has nothing, where x_train, "),
    ],
)
def test_other_names_are_listed_beside_those_that_are_wanted(tmp_path, names, complaint):
    own = saved(tmp_path, *names)
    for use in (own.decode, own.describe):
        with pytest.raises(DataError) as caught:
            use(tmp_path)
        assert complaint in str(caught.value)


def test_errors_name_the_arrays_as_they_are_called(tmp_path):
    names = ("train_images", "train_labels", "test_images", "test_labels")
    with pytest.raises(DataError, match="train_labels has the label 0 alone"):
        saved(tmp_path, *names, labels=LABELS * 0).decode(tmp_path)
    with pytest.raises(DataError, match=r"`train_labels, test_labels = np.split\("):
        saved(tmp_path, *names, labels=LABELS - 1).decode(tmp_path)
