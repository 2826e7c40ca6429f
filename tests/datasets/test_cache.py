from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload import datasets
from bench.workload.datasets import cache
from bench.workload.datasets.loading import deliver


@pytest.fixture
def tiny(make: SimpleNamespace, root: Path):
    filled = make.idx()
    filled.fill(root)
    return filled


def load(tiny, root: Path, size: tuple[int, int] = (32, 32)) -> datasets.Dataset:
    return deliver(tiny.dataset, root, size, "pad")


def spoil_sources(root: Path) -> None:
    """Other content, unchanged size and time: only a start that decodes again can notice."""
    for path in (root / "TINY").rglob("*.gz"):
        stat = path.stat()
        path.write_bytes(bytes(stat.st_size))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def entry(part: str) -> Path:
    (path,) = cache.folder().glob(f"*{part}")
    return path


def assert_same(one: datasets.Dataset, two: datasets.Dataset) -> None:
    assert (one.name, one.classes, one.sha256) == (two.name, two.classes, two.sha256)
    for part in ("train_images", "train_labels", "test_images", "test_labels"):
        np.testing.assert_array_equal(getattr(one, part), getattr(two, part))


def test_the_second_start_maps_what_the_first_decoded(tiny, root: Path) -> None:
    first = load(tiny, root)
    spoil_sources(root)
    second = load(tiny, root)
    assert_same(first, second)
    for data in (first, second):
        assert isinstance(data.train_images.base, np.memmap)
        assert not data.train_images.flags.writeable
        assert not data.train_labels.flags.writeable
        assert data.train_labels.dtype == np.int32


def test_the_hash_is_of_what_is_delivered(tiny, root: Path) -> None:
    native, padded = load(tiny, root, (28, 28)), load(tiny, root)
    assert native.sha256 != padded.sha256
    assert len(native.sha256) == 64
    assert load(tiny, root, (28, 28)).sha256 == native.sha256


@pytest.mark.parametrize("change", ["time", "size", "plain copy"])
def test_a_changed_source_is_decoded_again(tiny, root: Path, change: str) -> None:
    load(tiny, root)
    path = root / "TINY/raw/train-images.gz"
    if change == "time":
        os.utime(path, ns=(0, 0))
        spoil_sources(root)
    elif change == "size":
        path.write_bytes(b"short")
    else:
        for plain in tiny.contents:
            (root / plain).with_suffix("").write_bytes(b"wrong")
        spoil_sources(root)
    with pytest.raises(DataError, match="truncated, damaged or another file"):
        load(tiny, root)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "truncated": truncate,
    "flipped": flip,
    "emptied": lambda path: path.write_bytes(b""),
    "removed": Path.unlink,
    "text": lambda path: path.write_text("{}"),
    "list": lambda path: path.write_text("[1]"),
    "binary": lambda path: path.write_bytes(b"\xff\xfe"),
}


@pytest.mark.parametrize("part", [".json", "train_images.npy", "test_labels.npy"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_entry_is_made_anew(tiny, root: Path, part: str, damage) -> None:
    first = load(tiny, root)
    # The mapped file stays as it is: what is damaged is a copy in its place.
    path = entry(part)
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    damage(copy)
    path.unlink()
    if copy.exists():
        copy.rename(path)
    assert_same(load(tiny, root), first)
    spoil_sources(root)
    assert_same(load(tiny, root), first)


def test_another_format_is_not_read(tiny, root: Path) -> None:
    load(tiny, root)
    path = entry(".json")
    stored = json.loads(path.read_text())
    stored["key"]["format"] += 1
    path.write_text(json.dumps(stored))
    spoil_sources(root)
    with pytest.raises(DataError):
        load(tiny, root)


def test_pickles_in_the_cache_are_not_loaded(tiny, root: Path) -> None:
    first = load(tiny, root)
    path = entry("train_labels.npy")
    path.unlink()
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    assert_same(load(tiny, root), first)


def test_a_changed_source_replaces_its_entry(make: SimpleNamespace, root: Path) -> None:
    tiny = make.idx()
    tiny.fill(root)
    load(tiny, root)
    files = sorted(cache.folder().iterdir())
    for path in (root / "TINY/raw").iterdir():
        os.utime(path, ns=(0, 0))
    load(tiny, root)
    assert sorted(cache.folder().iterdir()) == files
    assert len(files) == 5


@pytest.mark.parametrize("variable", [True, False])
def test_entries_lie_with_the_users_caches(
    tiny, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: bool
) -> None:
    before = sorted(root.rglob("*"))
    if variable:
        monkeypatch.setenv("LENET_BENCH_CACHE", str(tmp_path / "own"))
    load(tiny, root)
    folder = tmp_path / ("own/decoded" if variable else "user-cache/lenet-bench/decoded")
    assert len(list(folder.iterdir())) == 5
    assert sorted(root.rglob("*")) == before


def test_two_roots_with_files_of_one_size_and_time_are_two(
    make: SimpleNamespace, root: Path, tmp_path: Path
) -> None:
    tiny = make.idx()
    tiny.fill(root)
    other = tmp_path / "other"
    shutil.copytree(root, other)  # with the times of the files
    load(tiny, root)
    spoil_sources(other)
    with pytest.raises(DataError):
        load(tiny, other)
    assert len(list(cache.folder().iterdir())) == 5
    shutil.rmtree(other)
    shutil.copytree(root, other)
    load(tiny, other)
    assert len(list(cache.folder().iterdir())) == 10


def test_where_nothing_can_be_written_arrays_come_from_memory(
    tiny, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "user-cache").touch()  # keeps a superuser from making the folder, too
    data = load(tiny, root)
    assert data.train_images.shape == (12, 32, 32, 1)
    assert not data.train_images.flags.writeable
    assert not data.train_labels.flags.writeable


def test_an_old_entry_in_the_data_root_is_neither_read_nor_touched(tiny, root: Path) -> None:
    load(tiny, root)
    old = root / cache.OLD_FOLDER
    cache.folder().rename(old)
    spoil_sources(root)
    with pytest.raises(DataError):
        load(tiny, root)
    assert len(list(old.iterdir())) == 5


def test_cleaning_removes_entries_and_drafts_and_nothing_else(tiny, root: Path) -> None:
    data = load(tiny, root)
    folder, old = cache.folder(), root / cache.OLD_FOLDER
    shutil.copytree(folder, old)
    (old / "mine.npy").write_bytes(b"mine")
    first = next(iter(sorted(folder.iterdir())))
    (folder / f".{16 * '0'}-{first.name}").write_bytes(b"half")
    sizes = [sum(path.stat().st_size for path in one.iterdir()) for one in (folder, old)]
    removed = datasets.clean(root)
    assert removed == [
        datasets.Removed(folder, 6, sizes[0]),
        datasets.Removed(old, 5, sizes[1] - 4),
    ]
    assert not folder.exists()
    assert [path.name for path in old.iterdir()] == ["mine.npy"]
    assert int(data.train_images.sum()), "what is mapped stays"
    assert_same(load(tiny, root), data)


def test_what_cannot_be_removed_is_told(tiny, root: Path) -> None:
    load(tiny, root)
    path = entry("train_labels.npy")
    path.unlink()
    path.mkdir()  # no file, so that a superuser cannot unlink it, either
    with pytest.raises(DataError, match=r"cannot remove decoded data from .*; remove it by hand"):
        datasets.clean(root)


def test_a_write_that_fails_leaves_what_was_there(root: Path) -> None:
    path = root / "entry"
    path.write_bytes(b"before")

    def fail(file) -> None:
        file.write(b"half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        cache._put(path, fail)
    assert path.read_bytes() == b"before"
    assert list(root.iterdir()) == [path]


LOAD = """
import sys
from pathlib import Path
from bench.workload import datasets
data = datasets.load(sys.argv[1], Path(sys.argv[2]), (64, 64), "resize")
print(data.sha256, int(data.train_images.sum()), type(data.train_images.base).__name__)
"""


def test_processes_that_start_at_once_agree(make: SimpleNamespace, root: Path) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (600, 28, 28), dtype=np.uint8)
    labels = np.arange(600) % 10
    path = root / "own.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=images[:9], y_test=labels[:9])
    command = [sys.executable, "-c", LOAD, f"npz:{path}", str(root)]
    processes = [
        subprocess.Popen(command, cwd=make.repository, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 3
    assert len(outputs) == 1
    assert "memmap" in outputs.pop()
    assert len(list(cache.folder().iterdir())) == 5, "no drafts are left"
