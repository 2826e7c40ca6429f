from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload import datasets
from bench.workload.datasets.own.npz.dataset import NpzDataset


def arrays(**changes) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8),
        "y_train": np.array([0, 1, 2, 0, 1, 2]),
        "x_test": random.integers(0, 256, (2, 4, 5, 3), dtype=np.uint8),
        "y_test": np.array([2, 0], dtype=np.uint8),
        **changes,
    }


def saved(folder: Path, **changes) -> NpzDataset:
    path = folder / "own.npz"
    np.savez(path, **{k: v for k, v in arrays(**changes).items() if v is not None})
    return NpzDataset(path)


def test_colour_images_are_decoded(tmp_path: Path) -> None:
    decoded = saved(tmp_path).decode(tmp_path)
    np.testing.assert_array_equal(decoded.train_images, arrays()["x_train"])
    assert decoded.classes == ("0", "1", "2")
    assert decoded.test_labels is not None
    assert decoded.test_labels.tolist() == [2, 0]
    assert decoded.test_labels.dtype == np.int32


def test_grey_images_get_their_channel(tmp_path: Path) -> None:
    grey = np.zeros((6, 4, 5), np.uint8)
    own = saved(tmp_path, x_train=grey, x_test=grey[:2, ..., np.newaxis])
    assert own.decode(tmp_path).train_images.shape == (6, 4, 5, 1)
    described = own.describe(tmp_path)
    assert described.shape == (4, 5, 1)
    assert (described.train_size, described.test_size) == (6, 2)
    assert described.classes == ("0", "1", "2")


def test_compressed_archives_do_as_well(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "own.npz", **arrays())
    assert NpzDataset(tmp_path / "own.npz").decode(tmp_path).train_images.shape == (6, 4, 5, 3)


BIG = np.full(6, 200_000)
FAULTS = {
    "no-x_train": ({"x_train": None}, "lacks x_train; it has y_train, x_test, y_test"),
    "float-images": (
        {"x_train": np.full((6, 4, 5, 3), 9.5)},
        r"x_train is float64 \(6, 4, 5, 3\)",
    ),
    "flat-images": ({"x_train": np.zeros((6, 20), np.uint8)}, r"uint8 \(6, 20\), where"),
    "channels": ({"x_train": np.zeros((6, 4, 5, 2), np.uint8)}, r"\(6, 4, 5, 2\), where"),
    "no-images": ({"x_train": np.zeros((0, 4, 5, 3), np.uint8)}, "x_train is empty"),
    "sizes": ({"x_test": np.zeros((2, 4, 4, 3), np.uint8)}, r"\(4, 5, 3\), x_test \(4, 4, 3\)"),
    "float-labels": ({"y_train": np.zeros(6)}, r"y_train is float64 \(6,\), where integers \(6,\)"),
    "two-hot": ({"y_train": np.ones((6, 6), int)}, r"y_train is int64 \(6, 6\)"),
    "fewer-labels": ({"y_train": np.zeros(5, int)}, r"int64 \(5,\), where integers \(6,\)"),
    "bool-labels": ({"y_train": np.zeros(6, bool)}, "y_train is bool"),
    "negative": ({"y_train": np.array([0, 1, -1, 0, 1, 2])}, "labels from -1 to 2"),
    "huge": ({"y_train": BIG}, "labels from 200000 to 200000: number the classes from 0"),
    "one-class": ({"y_train": np.zeros(6, int)}, "at least two classes"),
    "test-label": ({"y_test": np.array([3, 0])}, "y_test has labels up to 3, but y_train only up"),
    "objects": ({"y_train": np.array([{}] * 6)}, "y_train is object"),
}


@pytest.mark.parametrize(("changes", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_named(tmp_path: Path, changes: dict, message: str) -> None:
    own = saved(tmp_path, **changes)
    with pytest.raises(DataError, match=message) as caught:
        own.decode(tmp_path)
    assert str(caught.value).startswith(f"data set 'npz:{own.path}': ")
    assert "\n" not in str(caught.value)
    assert own.verify(tmp_path)[0].status == "wrong"


class Boom:
    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


def test_pickled_objects_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = saved(tmp_path, x_train=np.array([Boom()] * 6))
    with pytest.raises(DataError, match="x_train is object"):
        own.decode(tmp_path)
    assert not Path("unpickled").exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    path.write_bytes(b"GIF89a")
    with pytest.raises(DataError, match=r"no NumPy archive: write it with `numpy.savez`"):
        NpzDataset(path).decode(tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        for key in arrays():
            archive.writestr(f"{key}.npy", b"not an array")
    with pytest.raises(DataError, match="it cannot be read: the magic string is not correct"):
        NpzDataset(path).decode(tmp_path)


def test_a_header_that_announces_more_than_there_is_allocates_nothing(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**4, 10**4)}
    )
    path = tmp_path / "own.npz"
    np.savez(path, **{k: v for k, v in arrays().items() if k != "x_train"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_train.npy", header.getvalue())
    with pytest.raises(DataError, match=r"announces uint8 .* but has 0 bytes of it"):
        NpzDataset(path).decode(tmp_path)


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    own = saved(tmp_path)
    data = bytearray(own.path.read_bytes())
    data[data.index(arrays()["x_train"].tobytes()[:16]) + 3] ^= 255
    own.path.write_bytes(data)
    with pytest.raises(DataError, match="Bad CRC-32"):
        own.decode(tmp_path)


def test_a_missing_file_cannot_be_fetched(tmp_path: Path) -> None:
    name = f"npz:{tmp_path / 'none.npz'}"
    for use in (
        lambda: datasets.fetch(name, tmp_path, progress=False),
        lambda: datasets.load(name, tmp_path, (8, 8), "pad"),
        lambda: datasets.describe(name, tmp_path),
    ):
        with pytest.raises(DataError, match="no such file; it is yours and cannot be fetched"):
            use()
    assert datasets.verify(name, tmp_path)[0].status == "missing"
    with pytest.raises(DataError, match="this is a folder, where a file is wanted"):
        datasets.load(f"npz:{tmp_path}", tmp_path, (8, 8), "pad")


def test_images_that_are_all_the_same_are_told(tmp_path: Path, root: Path) -> None:
    own = saved(tmp_path, x_train=np.full((6, 4, 5, 3), 7, np.uint8))
    loaded = datasets.load(own.name, root, (8, 8), "pad")
    assert loaded.notes == ("all 6 training images are the same: nothing can be learned",)


def test_test_images_that_are_trained_on_are_told(tmp_path: Path, root: Path) -> None:
    own = saved(tmp_path, x_test=arrays()["x_train"][3:5])
    loaded = datasets.load(own.name, root, (8, 8), "pad")
    (told,) = loaded.notes
    assert told.startswith("2 of 2 test images are among those for training: ")


def test_it_is_loaded_by_its_name(tmp_path: Path, root: Path) -> None:
    own = saved(tmp_path)
    loaded = datasets.load(own.name, root, (8, 8), "pad")
    assert loaded.name == own.name
    assert loaded.train_images.shape == (6, 8, 8, 3)
    assert loaded.notes == ()
    assert datasets.fetch(own.name, root, progress=False) == tmp_path
