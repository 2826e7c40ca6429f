"""Image files of every kind that people have, made with Pillow, and files that are none."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import ImageError
from bench.workload.datasets.own import image_files


def load(path: Path, native=(28, 28), size=(32, 32), channels=1, fit="pad", invert=False):
    return image_files.load([path], native, size, channels, fit, invert=invert)


@pytest.fixture
def digit() -> np.ndarray:
    """A grey image that tells up from down and left from right."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[2:20, 4:8] = 200
    pixels[2:6, 4:22] = 90
    return pixels


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tiff", "pgm", "webp"])
def test_an_image_of_the_native_size_is_only_padded(tmp_path, digit, suffix):
    path = tmp_path / f"digit.{suffix}"
    Image.fromarray(digit).save(path, **({"lossless": True} if suffix == "webp" else {}))
    got = load(path)
    assert got.shape == (1, 32, 32, 1)
    assert got.dtype == np.uint8
    assert np.array_equal(got[0, 2:30, 2:30, 0], digit)
    assert got.sum() == digit.sum()


def test_several_files_keep_their_order(tmp_path, digit):
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{2 - number}.png")
        Image.fromarray(np.full_like(digit, number)).save(paths[-1])
    got = image_files.load(paths, (28, 28), (28, 28), 1, "pad", invert=False)
    assert got[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_a_wide_image_keeps_its_proportions_or_is_stretched(tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray(np.full((40, 80), 255, np.uint8)).save(path)
    padded = load(path, size=(28, 28))[0, ..., 0]
    assert (padded.any(axis=1).sum(), padded.any(axis=0).sum()) == (14, 28)
    assert load(path, size=(28, 28), fit="resize").min() == 255


def test_a_tall_image_keeps_its_proportions_too(tmp_path):
    Image.fromarray(np.full((40, 20), 255, np.uint8)).save(tmp_path / "tall.png")
    (padded,) = load(tmp_path / "tall.png")
    rows, columns = np.nonzero(padded[..., 0] > 100)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (28, 14)


def test_dark_on_light_is_turned_over_before_the_margin_is_added(tmp_path, digit):
    path = tmp_path / "paper.png"
    Image.fromarray(255 - digit).save(path)
    assert np.array_equal(load(path, invert=True)[0, 2:30, 2:30, 0], digit)
    assert load(path, invert=True)[0, 0, 0, 0] == 0


def test_transparency_becomes_white(tmp_path, digit):
    ink = np.zeros((28, 28, 4), np.uint8)
    ink[..., 3] = digit
    path = tmp_path / "ink.png"
    Image.fromarray(ink).save(path)
    got = load(path, invert=True)[0, 2:30, 2:30, 0]
    assert np.abs(got.astype(int) - digit).max() <= 1
    palette = tmp_path / "palette.png"
    Image.fromarray(ink).convert("P").save(palette, transparency=0)
    assert load(palette).shape == (1, 32, 32, 1)


def test_colours_and_grey_become_the_models_channels(tmp_path, digit):
    grey, colour = tmp_path / "grey.png", tmp_path / "colour.png"
    Image.fromarray(digit).save(grey)
    Image.fromarray(np.stack([digit, digit * 0, digit * 0], axis=-1)).save(colour)
    assert (load(grey, channels=3) == load(grey)).all()
    assert (load(colour, channels=3)[..., 1:] == 0).all()
    assert load(colour).max() == round(200 * 0.299)  # ITU-R 601, as Pillow's `convert` says


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits(tmp_path, digit, channels):
    path = tmp_path / "deep.png"
    Image.fromarray(digit.astype(np.uint16) * 257).save(path)
    got = load(path, channels=channels)
    assert np.array_equal(got[0, 2:30, 2:30, -1], digit)


def test_a_photo_that_lies_on_its_side_is_turned_upright(tmp_path, digit):
    path = tmp_path / "photo.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it
    Image.fromarray(np.rot90(digit).copy()).save(path, exif=exif)
    assert np.array_equal(load(path)[0, 2:30, 2:30, 0], digit)


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def test_a_small_file_of_a_huge_image(tmp_path):
    """A decompression bomb is told from its header, before a pixel is decoded."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b"")
    )
    with pytest.raises(ImageError, match=r"too large|DecompressionBomb"):
        load(path)


def test_a_large_file(tmp_path):
    path = tmp_path / "large.png"
    path.touch()
    os.truncate(path, image_files.MOST_BYTES + 1)  # sparse: takes no room
    with pytest.raises(ImageError, match="too large: at most 64 MiB are read"):
        load(path)


@pytest.mark.parametrize(
    "content", [b"", b"no image", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_files_that_are_no_images(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="cannot be read as an image") as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_every_truncation_is_told(tmp_path, digit):
    whole = tmp_path / "whole.png"
    Image.fromarray(digit).save(whole)
    content, cut = whole.read_bytes(), tmp_path / "cut.png"
    for length in range(0, len(content) - 24, 7):  # the last bytes are checksums and an end mark
        cut.write_bytes(content[:length])
        with pytest.raises(ImageError, match="cannot be read as an image"):
            load(cut)


def test_no_file(tmp_path):
    for absent in (tmp_path, tmp_path / "nothing.png"):
        with pytest.raises(ImageError, match="does not exist or is not a file"):
            load(absent)


def test_pixels_without_a_known_white(tmp_path):
    path = tmp_path / "float.tiff"
    Image.fromarray(np.zeros((28, 28), np.float32)).save(path)
    with pytest.raises(ImageError, match="pixels of 32 bits"):
        load(path)


CLASSES = ("cat", "dog")


def test_what_systems_leave_in_folders_is_passed_over_and_told(tmp_path):
    for place in ("cat/1.png", "cat/.DS_Store", "cat/._1.png", "dog/2.png", "dog/Thumbs.db"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    (tmp_path / ".DS_Store").touch()
    for folder in (".ipynb_checkpoints", "__MACOSX", "cat/.ipynb_checkpoints"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").touch()
    found = image_files.labelled([tmp_path], CLASSES)
    assert found.files == (tmp_path / "cat" / "1.png", tmp_path / "dog" / "2.png")
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1]
    assert found.note == (
        "passed over: .DS_Store (2 times), .ipynb_checkpoints (2 times), __MACOSX, ._1.png, "
        "Thumbs.db"
    )


def test_few_of_many_names_that_are_passed_over_are_told(tmp_path):
    (tmp_path / "cat").mkdir()
    for number in range(9):
        (tmp_path / "cat" / f"._{number}.png").touch()
    (tmp_path / "cat" / "1.png").touch()
    found = image_files.labelled([tmp_path], CLASSES)
    assert found.note == ("passed over: ._0.png, ._1.png, ._2.png, ._3.png, ._4.png and 4 more")


def test_of_named_files_only_what_is_no_image_by_its_name_is_passed_over(tmp_path):
    paths = [tmp_path / name for name in ("1.png", "Thumbs.db", ".hidden.png", "__MACOSX")]
    found = image_files.labelled(paths, CLASSES)
    assert (found.files, found.labels) == ((paths[0], paths[2]), None)
    assert found.note == "passed over: Thumbs.db, __MACOSX"
    assert image_files.labelled(paths[:1], CLASSES).note is None
    with pytest.raises(ImageError, match="there are no images in "):
        image_files.labelled(paths[1:2], CLASSES)


def test_folders_of_nothing_but_what_is_passed_over(tmp_path):
    (tmp_path / "__MACOSX").mkdir()
    with pytest.raises(ImageError, match="holds no folders: give a folder with a folder of images"):
        image_files.labelled([tmp_path], CLASSES)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / ".DS_Store").touch()
    with pytest.raises(ImageError, match="there are no images in "):
        image_files.labelled([tmp_path], CLASSES)
