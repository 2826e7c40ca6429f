"""Arrays in the forms that people have: what is taken, and what is refused with a line to type."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload.datasets.own.npz.dataset import NpzDataset
from bench.workload.datasets.source import Decoded

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (6, 8, 7, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
BINARY = (GREY > 127) * np.uint8(255)
WHITE = np.full((6, 8, 7, 1), 255, np.uint8)


def saved(folder: Path, images: np.ndarray, labels: np.ndarray = LABELS) -> NpzDataset:
    path = folder / "own.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=images[:2], y_test=labels[:2])
    return NpzDataset(path)


def decoded(folder: Path, images: np.ndarray, labels: np.ndarray = LABELS) -> Decoded:
    return saved(folder, images, labels).decode(folder)


TAKEN = {
    "grey-first": (GREY.transpose(0, 3, 1, 2), GREY, "uint8 (N, 1, 8, 8)", "channels first"),
    "colour-first": (COLOUR.transpose(0, 3, 1, 2), COLOUR, "uint8 (N, 3, 8, 7)", "channels first"),
    "rows": (GREY.reshape(6, 64), GREY, "uint8 (N, 64)", "rows as squares"),
    "alpha": (
        np.concatenate([COLOUR, WHITE], axis=-1),
        COLOUR,
        "uint8 (N, 8, 7, 4)",
        "without its alpha of 255",
    ),
    "float16": ((GREY / 255).astype(np.float16), GREY, "float16 (N, 8, 8, 1)", "times 255"),
    "float32": (GREY / np.float32(255), GREY, "float32 (N, 8, 8, 1)", "times 255"),
    "float64": (GREY / 255, GREY, "float64 (N, 8, 8, 1)", "times 255"),
    "32-in-64": (
        (COLOUR / np.float32(255)).astype(np.float64),
        COLOUR,
        "float64 (N, 8, 7, 3)",
        "times 255",
    ),
    "bool": (BINARY > 0, BINARY, "bool (N, 8, 8, 1)", "False as 0 and True as 255"),
    "several": (
        (COLOUR.transpose(0, 3, 1, 2) / 255).astype(">f4"),
        COLOUR,
        ">f4 (N, 3, 8, 7)",
        "channels first, times 255",
    ),
}


@pytest.mark.parametrize(("given", "meant", "what", "how"), TAKEN.values(), ids=TAKEN.keys())
def test_images_that_can_mean_one_thing_are_taken_and_told(tmp_path, given, meant, what, how):
    own = saved(tmp_path, given)
    found = own.decode(tmp_path)
    assert found.train_images.dtype == np.uint8
    np.testing.assert_array_equal(found.train_images, meant)
    np.testing.assert_array_equal(found.test_images, meant[:2])
    about = own.describe(tmp_path)
    assert about.shape == meant.shape[1:]
    shape = f"(N, {', '.join(map(str, meant.shape[1:]))})"
    told = f"own.npz: taken are x_train and x_test {what} as uint8 {shape} ({how})"
    assert about.notes == (told,)


@pytest.mark.parametrize("images", [GREY, GREY[..., 0], COLOUR], ids=["grey", "flat", "colour"])
def test_nothing_is_told_of_images_as_they_should_be(tmp_path, images):
    assert saved(tmp_path, images).describe(tmp_path).notes == ()


def test_every_level_comes_back_from_every_float(tmp_path):
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16).repeat(6, axis=0)
    for kind in (np.float16, np.float32, np.float64):
        for scaled in ((levels / 255).astype(kind), levels.astype(kind) * kind(1 / 255)):
            found = decoded(tmp_path, scaled).train_images[..., 0]
            np.testing.assert_array_equal(found, levels)


def test_more_images_than_are_converted_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.workload.datasets.own.npz.images._SLAB", 4)
    np.testing.assert_array_equal(decoded(tmp_path, GREY / 255).train_images, GREY)
    late = GREY / 255
    late[5, 0, 0] = 0.3333
    with pytest.raises(DataError, match="to have them rounded"):
        decoded(tmp_path, late)


IMAGES_REFUSED = {
    "rows-of-colours": (
        COLOUR[:, :7].reshape(6, 147),
        "x_train is uint8 (6, 147)",
        "`x_train = x_train.reshape(-1, 3, 7, 7)`",
        "`x_train = x_train.reshape(-1, 7, 7, 3)`",
    ),
    "no-square": (
        GREY.reshape(6, 64)[:, :60],
        "rows of 60 numbers are no square",
        "`x_train = x_train.reshape(-1, HEIGHT, WIDTH)`",
    ),
    "one-axis": (GREY.ravel(), "uint8 (384,)", "`x_train = x_train.reshape(-1, HEIGHT, WIDTH)`"),
    "first-or-alpha": (
        np.zeros((6, 3, 5, 4), np.uint8),
        "`x_train = x_train.transpose(0, 2, 3, 1)`",
        "`x_train = x_train[..., :3]`",
    ),
    "alpha-first": (
        np.zeros((6, 4, 8, 8), np.uint8),
        "`x_train = x_train[:, :3].transpose(0, 2, 3, 1)`",
    ),
    "grey-alpha": (np.zeros((6, 8, 8, 2), np.uint8), "`x_train = x_train[..., :1]`"),
    "grey-alpha-first": (np.zeros((6, 2, 8, 8), np.uint8), "`x_train = x_train[:, 0]`"),
    "bands": (np.zeros((6, 8, 8, 13), np.uint8), "`x_train = x_train[..., [0, 1, 2]]`"),
    "translucent": (
        np.concatenate([COLOUR, WHITE - 1], axis=-1),
        "not all of its alpha is 255",
        "`x_train = x_train[..., :3]`",
    ),
    "uneven-floats": (
        GREY / 255 * 0.999,
        "its values go from 0 to 0.999",
        "`x_train = np.rint(x_train * 255).astype('uint8')`",
    ),
    "floats-to-255": (
        GREY.astype(np.float32),
        "its values go from 0 to 255",
        "`x_train = x_train.astype('uint8')`",
    ),
    "uneven-floats-to-255": (GREY * 0.7, "`x_train = np.rint(x_train).astype('uint8')`"),
    "centred": (
        GREY / 127.5 - 1,
        "its values go from -1 to 1",
        "`x_train = np.rint((x_train + 1) * 127.5).astype('uint8')`",
    ),
    "standardised": ((GREY - 130.0) / 60, "undo what it was scaled by"),
    "infinite": (np.full((6, 8, 8), np.inf), "`np.argwhere(~np.isfinite(x_train))`"),
    "not-numbers": (np.full((6, 8, 8), np.nan, np.float16), "some values are NaN or infinite"),
    "huge": (np.full((6, 8, 8), 1e308), "undo what it was scaled by"),
    "int64": (GREY.astype(int), "go from 0 to 255: `x_train = x_train.astype('uint8')`"),
    "16-bits": (GREY * np.uint16(257), "`x_train = (x_train // 257).astype('uint8')`"),
    "int16": (GREY.astype(np.int16) - 128, "(255 / 255)", "alike for training and test"),
    "constant": (np.full((6, 8, 8), -7), "(x_train - -7) * (255 / 1)"),
    "objects": (np.array([{}] * 6), "`x_train = np.stack(list(x_train)).astype('uint8')`"),
    "texts": (np.array(["a"] * 6), "x_train is <U1 (6,)", "give numbers from 0 to 255"),
    "complex": (np.zeros((6, 8, 8), complex), "x_train is complex128"),
    "no-integers": (np.zeros((0, 8, 8), int), "x_train is int64 (0, 8, 8)"),
}


@pytest.mark.parametrize("case", IMAGES_REFUSED.values(), ids=IMAGES_REFUSED.keys())
def test_other_images_are_refused_with_a_line_to_type(tmp_path, case):
    images, *texts = case
    with pytest.raises(DataError) as caught:
        decoded(tmp_path, images)
    told = str(caught.value)
    assert "\n" not in told
    assert "where uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) belongs: " in told
    for text in texts:
        assert text in told


@pytest.mark.parametrize("name", IMAGES_REFUSED)
def test_the_line_to_type_makes_images_that_are_taken(tmp_path, name):
    """All lines that need no number of a person's own are run as they are printed."""
    images = IMAGES_REFUSED[name][0]
    with pytest.raises(DataError) as caught:
        decoded(tmp_path, images)
    lines = re.findall(r"`(x_train = [^`]*)`", str(caught.value))
    for line in lines:
        if name == "objects" or any(word in line for word in ("HEIGHT", "STD")):
            continue
        names = {"x_train": images, "np": np}
        exec(line, names)
        assert decoded(tmp_path, names["x_train"]).train_images.shape[0] == len(images)


def test_what_is_transparent_becomes_white(tmp_path):
    """As in image files that are predicted."""
    ink = np.zeros((6, 2, 2, 4), np.uint8)
    ink[..., 3] = [[255, 128], [0, 0]]
    with pytest.raises(DataError) as caught:
        decoded(tmp_path, ink)
    names = {"x_train": ink, "np": np}
    exec(re.findall(r"`(x_train = np[^`]*)`", str(caught.value))[0], names)
    assert names["x_train"][0, ..., 0].tolist() == [[0, 127], [255, 255]]


LABELS_TAKEN = {
    "column": (LABELS[:, np.newaxis].astype(np.uint8), "uint8 (N, 1) (one column)"),
    "one-hot": (np.eye(3, dtype=int)[LABELS], "int64 (N, 3) (one-hot, as class numbers)"),
    "float-one-hot": (np.eye(3)[LABELS], "float64 (N, 3) (one-hot, as class numbers)"),
    "bool-one-hot": (np.eye(3, dtype=bool)[LABELS], "bool (N, 3) (one-hot, as class numbers)"),
}


@pytest.mark.parametrize(("labels", "what"), LABELS_TAKEN.values(), ids=LABELS_TAKEN.keys())
def test_labels_that_can_mean_one_thing_are_taken_and_told(tmp_path, labels, what):
    own = saved(tmp_path, GREY, labels)
    found = own.decode(tmp_path)
    assert found.train_labels.dtype == np.int32
    assert found.train_labels.tolist() == LABELS.tolist()
    assert found.classes == ("0", "1", "2")
    assert own.describe(tmp_path).notes == (f"own.npz: taken are y_train and y_test {what}",)


def test_one_line_tells_all(tmp_path):
    path = tmp_path / "own.npz"
    rows = GREY.reshape(6, 64)
    np.savez(path, x_train=rows, y_train=LABELS[:, None], x_test=GREY[:2] > 9, y_test=LABELS[:2])
    (told,) = NpzDataset(path).describe(tmp_path).notes
    assert told == (
        "own.npz: taken are x_train uint8 (N, 64) as uint8 (N, 8, 8, 1) (rows as squares); "
        "x_test bool (N, 8, 8, 1) as uint8 (N, 8, 8, 1) (False as 0 and True as 255); "
        "y_train int64 (N, 1) (one column)"
    )


LABELS_REFUSED = {
    "smoothed": (np.eye(3)[LABELS] * 0.9 + 0.03, "`y_train = y_train.argmax(axis=1)`"),
    "two-ones": (np.ones((6, 3), int), "`y_train = y_train.argmax(axis=1)`"),
    "none": (np.zeros((6, 3)), "nor is it one-hot"),
    "floats": (LABELS.astype(float), "`y_train = y_train.astype('int64')`"),
    "fractions": (LABELS + 0.5, "give whole ones, such as by `"),
    "float-column": (LABELS[:, None].astype(float), "`y_train = y_train.astype('int64')`"),
    "bool": (LABELS > 0, "`y_train = y_train.astype('int64')`"),
    "names": (
        np.array(["cat", "dog", "bee"])[LABELS],
        "for names of classes `y_train, y_test = np.split(np.unique(np.concatenate([y_train, y_tes",
    ),
    "objects": (np.array([{}] * 6), "objects are never unpickled"),
    "three-axes": (np.zeros((6, 2, 2), int), "give the number of its class for each image"),
    "no-column": (np.zeros((6, 0), int), "y_train is int64 (6, 0)"),
    "fewer": (LABELS[:5], "there are 6 images: give as many labels"),
}


@pytest.mark.parametrize("case", LABELS_REFUSED.values(), ids=LABELS_REFUSED.keys())
def test_other_labels_are_refused_with_a_line_to_type(tmp_path, case):
    labels, text = case
    with pytest.raises(DataError) as caught:
        decoded(tmp_path, GREY, labels)
    told = str(caught.value)
    assert "\n" not in told
    assert "where integers (6,) belong, one for each image: " in told
    assert text in told
