"""`folder:PATH`: image files in a folder for each class, made with Pillow."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.workload import datasets
from bench.workload.datasets.own.folder import FolderDataset

PARTS = {"train": 3, "test": 2, "validation": 1}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def picture(value: int, height: int = 6, width: int = 5, mode: str = "L") -> Image.Image:
    return Image.new(mode, (width, height), value if mode == "L" else (value, 0, 255))


def fill(folder: Path, classes: tuple[str, ...], each: int, start: int = 0, **options) -> None:
    """So many images of each class, whose pixels are `start` and upward."""
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for place in range(each):
            value = start + 10 * number + place
            picture(value, **options).save(folder / name / f"{place}.png")


def values(images: np.ndarray | None) -> list[int]:
    """The one value of each image, which is in its centre."""
    assert images is not None
    return images[:, images.shape[1] // 2, images.shape[2] // 2, 0].tolist()


def test_a_folder_is_a_class_and_keeps_its_name(own: Path, root: Path) -> None:
    fill(own, ("zebra", "Ångström <b>"), each=3)
    name = f"folder:{own}"
    described = datasets.describe(name, root)
    assert (described.classes, described.shape) == (("zebra", "Ångström <b>"), (6, 5, 1))
    assert (described.train_size, described.test_size, described.notes) == (6, 0, ())
    data = datasets.load(name, root, (8, 8), "pad")
    assert values(data.train_images) == [0, 1, 2, 10, 11, 12]
    assert data.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (data.test_images, data.validation_images) == (None, None)
    assert data.train_images.shape == (6, 8, 8, 1)
    assert [check.status for check in datasets.verify(name, root)] == ["ok"]


def test_classes_that_are_numbers_are_in_their_order(own: Path, root: Path) -> None:
    fill(own, ("10", "9", "1"), each=1)
    assert FolderDataset(own).describe(root).classes == ("1", "9", "10")


@pytest.mark.parametrize("validation", ["validation", "valid", "val", None])
def test_parts_are_taken_as_they_are(own: Path, root: Path, validation: str | None) -> None:
    for start, (part, each) in enumerate(PARTS.items()):
        if name := validation if part == "validation" else part:
            fill(own / name, ("a", "b"), each, start=100 * start, mode="RGB")
    data = datasets.load(f"folder:{own}", root, (6, 5), "pad")
    assert data.train_images.shape == (6, 6, 5, 3)
    assert values(data.train_images) == [0, 1, 2, 10, 11, 12]
    assert values(data.test_images) == [100, 101, 110, 111]
    if validation is None:
        assert data.validation_images is None
    else:
        assert values(data.validation_images) == [200, 210]
        assert data.validation_labels is not None
        assert data.validation_labels.tolist() == [0, 1]


def test_a_class_may_lack_images_for_the_test(own: Path, root: Path) -> None:
    fill(own / "train", ("a", "b", "c"), 1)
    fill(own / "test", ("c",), 2)
    data = datasets.load(f"folder:{own}", root, (6, 5), "pad")
    assert data.test_labels is not None
    assert data.test_labels.tolist() == [2, 2]


def test_hidden_names_are_passed_over_and_told(own: Path, root: Path) -> None:
    fill(own, ("a", "b"), each=2)
    (own / ".ipynb_checkpoints").mkdir()
    for name in "ab":
        (own / name / "Thumbs.db").write_bytes(b"no image")
    about = datasets.describe(f"folder:{own}", root)
    assert about.notes == ("own: passed over: Thumbs.db (2 times), .ipynb_checkpoints",)
    assert (about.train_size, about.classes) == (4, ("a", "b"))


def test_several_sizes_are_resized_but_not_padded(own: Path, root: Path) -> None:
    fill(own, ("a", "b"), each=1)
    picture(77, height=40, width=3).save(own / "b" / "tall.png")
    name = f"folder:{own}"
    with pytest.raises(DataError, match=r"0\.png of 6×5 and .*tall\.png of 40×3: give --fit res"):
        datasets.load(name, root, (32, 32), "pad")
    data = datasets.load(name, root, (8, 9), "resize")
    assert data.train_images.shape == (3, 8, 9, 1)
    assert values(data.train_images) == [0, 10, 77]


def test_images_that_are_larger_than_the_input_are_refused_with_what_to_type(
    own: Path, root: Path
) -> None:
    fill(own, ("a", "b"), each=1, height=40)
    with pytest.raises(DataError, match="give --fit resize"):
        datasets.load(f"folder:{own}", root, (32, 32), "pad")


def only_train(own: Path) -> None:
    fill(own / "train", ("a", "b"), 1)


def other_class(own: Path) -> None:
    fill(own / "train", ("a", "b"), 1)
    fill(own / "test", ("a", "c"), 1)


def beside(own: Path) -> None:
    other_class(own)
    (own / "raw").mkdir()


def two_validations(own: Path) -> None:
    for name in ("train", "test", "val", "valid"):
        fill(own / name, ("a", "b"), 1)


def empty_class(own: Path) -> None:
    fill(own, ("a", "b"), 1)
    (own / "c").mkdir()


def deeper(own: Path) -> None:
    fill(own, ("a", "b"), 1)
    (own / "b" / "more").mkdir()


def no_image(own: Path) -> None:
    fill(own, ("a", "b"), 1)
    (own / "b" / "labels.csv").write_text("a,b")


def colours(own: Path) -> None:
    fill(own, ("a", "b"), 1)
    picture(1, mode="RGB").save(own / "b" / "colour.png")


FAULTS = {
    "only train": (only_train, r"holds train/ and no test/: add one, or give a folder that"),
    "other class": (other_class, r"test/ holds c/, and train/ does not"),
    "beside": (beside, r"it holds train/ and test/ beside raw/: move away"),
    "two validations": (two_validations, r"it holds valid/, val/: leave one"),
    "one class": (lambda own: fill(own, ("a",), 1), "it holds a/: give a folder of images for ea"),
    "nothing": (lambda own: own.mkdir(), "it holds no folders: give a folder of images"),
    "empty class": (empty_class, r"c holds no images: put some there, or remove it"),
    "deeper": (deeper, r"more is a folder, where images of the class 'b' belong"),
    "no image": (no_image, r"labels\.csv cannot be read as an image"),
    "colours": (colours, r"0\.png is grey, .*colour\.png is in colours: .*convert\('L'\)\.save"),
    "a file": (lambda own: own.touch(), "this is a file, where a folder is wanted"),
    "missing": (lambda own: None, "there is no such folder; it is yours and cannot be fetched"),
}


@pytest.mark.parametrize(("make_fault", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_told_in_one_line(own: Path, root: Path, make_fault, message: str) -> None:
    make_fault(own)
    with pytest.raises(DataError, match=message) as caught:
        datasets.load(f"folder:{own}", root, (8, 8), "pad")
    assert str(caught.value).startswith(f"data set 'folder:{own}': ")
    assert "\n" not in str(caught.value)
    (check,) = datasets.verify(f"folder:{own}", root)
    assert check.status == ("wrong" if own.exists() else "missing")


def test_what_is_decoded_is_kept_until_a_file_changes(
    own: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(own, ("a", "b"), each=1)
    name = f"folder:{own}"
    first = datasets.load(name, root, (8, 8), "pad")
    with monkeypatch.context() as patch:
        patch.delattr(FolderDataset, "_decoded")
        assert datasets.load(name, root, (8, 8), "pad").sha256 == first.sha256
    path = own / "a" / "0.png"
    before = path.stat()
    picture(99).save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert values(datasets.load(name, root, (8, 8), "pad").train_images) == [99, 10]
    picture(55).save(own / "b" / "new.png")
    assert values(datasets.load(name, root, (8, 8), "pad").train_images) == [99, 10, 55]
    assert len(list((own.parent / "user-cache").rglob("*.json"))) == 1


def test_one_image_at_a_time_is_in_memory(own: Path, root: Path) -> None:
    fill(own, ("a", "b"), each=20, height=1000, width=1000)
    tracemalloc.start()
    datasets.load(f"folder:{own}", root, (32, 32), "resize")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6e6  # an image is 1 MB, all of them 40 MB


def test_no_path() -> None:
    with pytest.raises(DataError, match="'folder:' names no folder: give the path, as in folder:"):
        datasets.require("folder:")
