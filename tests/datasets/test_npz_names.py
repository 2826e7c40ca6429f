"""What the arrays of an archive may be called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload import datasets
from bench.workload.datasets.own.npz.dataset import NpzDataset
from bench.workload.datasets.own.npz.names import Names, joined, parted

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
        (
            ("x_train", "x_test", "y_test"),
            "it lacks y_train; it has x_train, x_test, y_test, where four belong: "
            "`np.savez('own.npz', x_train=…, y_train=…, x_test=…, y_test=…)`",
        ),
        (
            ("X_train", "Y_train", "X_test", "Y_test"),
            "it lacks y_train, y_test; it has X_train, Y_train, X_test, Y_test: give the name that "
            "is meant, `--arrays X_train,NAME,X_test,NAME`",
        ),
        (
            ("train_images", "train_labels", "test_images", "y_test"),
            "it lacks test_labels; it has train_images, train_labels, test_images, y_test: give "
            "the name that is meant, `--arrays train_images,train_labels,test_images,NAME`",
        ),
        (
            ("arr_0", "arr_1", "arr_2", "arr_3"),
            "it has arr_0, arr_1, arr_2, arr_3, where x_train, y_train, x_test, y_test; or "
            "X_train, y_train, X_test, y_test; or train_images, train_labels, test_images, "
            "test_labels belong: say which are which, "
            "`--arrays TRAIN_IMAGES,TRAIN_LABELS,TEST_IMAGES,TEST_LABELS`",
        ),
        (("x_train", "y_\x14train", "x_test", "y_test"), "it has x_train, y_\\x14train, x_test"),
        ((), "it has nothing, where four belong"),
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


def test_names_that_are_given_are_taken_whatever_else_is_there(tmp_path):
    own = saved(tmp_path, "x_train", "y_train", "x_test", "y_test", "g/1", "l/1", "g/2", "l/2")
    name = f"npz:{own.path}#g/1,l/1,x_test,y_test"
    np.savez(own.path, **{**np.load(own.path), "g/1": IMAGES // 2})
    data = datasets.load(name, tmp_path, (4, 5), "pad")
    assert data.name == name
    np.testing.assert_array_equal(data.train_images[..., 0], IMAGES // 2)
    usual = datasets.load(f"npz:{own.path}", tmp_path, (4, 5), "pad")  # not the same cache entry
    np.testing.assert_array_equal(usual.train_images[..., 0], IMAGES)
    with_validation = datasets.load(f"{name},g/2,l/2", tmp_path, (4, 5), "pad")
    assert with_validation.validation_images is not None
    with pytest.raises(DataError, match=r"it lacks l/3; it has .*: give --arrays names that are"):
        datasets.describe(f"npz:{own.path}#g/1,l/3,x_test,y_test", tmp_path)
    np.savez(own.path, **{**np.load(own.path), "l/1": LABELS + 1, "y_test": LABELS + 1})
    with pytest.raises(DataError, match=r"l/1, y_test = np.split"):
        datasets.load(name, tmp_path, (4, 5), "pad")


def test_names_follow_the_path_and_a_path_may_have_their_mark():
    four, six = Names("a", "b", "c", "d"), Names("a", "b", "c", "d", "e", "f")
    for file in ("own.npz", "/a b/no#1.npz", "x#a,b,c,d"):
        for names in (four, six, None):
            if names or file != "x#a,b,c,d":
                assert parted(joined(file, names)) == (file, names)
    for path in (
        "own.npz",
        "no#1.npz",
        "a#b,c",
        "a#b,c,d,",
        "a#b,b,c,d",
        "#a,b,c,d",
        "a#b,c,d,e,f",
    ):
        assert parted(path) == (path, None)
