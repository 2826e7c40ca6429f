from __future__ import annotations

import json
import os
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


def entry(root: Path, part: str) -> Path:
    (path,) = (root / cache.FOLDER).glob(f"*{part}")
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
    path = entry(root, part)
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
    path = entry(root, ".json")
    stored = json.loads(path.read_text())
    stored["key"]["format"] += 1
    path.write_text(json.dumps(stored))
    spoil_sources(root)
    with pytest.raises(DataError):
        load(tiny, root)


def test_pickles_in_the_cache_are_not_loaded(tiny, root: Path) -> None:
    first = load(tiny, root)
    path = entry(root, "train_labels.npy")
    path.unlink()
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    assert_same(load(tiny, root), first)


def test_a_changed_source_replaces_its_entry(make: SimpleNamespace, root: Path) -> None:
    tiny = make.idx()
    tiny.fill(root)
    load(tiny, root)
    files = sorted((root / cache.FOLDER).iterdir())
    for path in (root / "TINY/raw").iterdir():
        os.utime(path, ns=(0, 0))
    load(tiny, root)
    assert sorted((root / cache.FOLDER).iterdir()) == files
    assert len(files) == 5


@pytest.fixture
def blocked(root: Path) -> Path:
    """A cache folder that cannot be made, also for a superuser: a file is in its place."""
    path = root / cache.FOLDER
    path.touch()
    return path


def test_a_read_only_root_is_cached_with_the_user(
    tiny, root: Path, blocked: Path, tmp_path: Path
) -> None:
    first = load(tiny, root)
    assert blocked.read_bytes() == b""
    assert len(list((tmp_path / "user-cache/lenet-bench").rglob("*.npy"))) == 4
    spoil_sources(root)
    assert_same(load(tiny, root), first)


@pytest.mark.skipif(os.geteuid() == 0, reason="a superuser writes where others may not")
def test_a_root_without_write_permission(tiny, root: Path, tmp_path: Path) -> None:
    root.chmod(0o500)
    try:
        first = load(tiny, root)
        spoil_sources(root)
        assert_same(load(tiny, root), first)
    finally:
        root.chmod(0o700)


def test_where_nothing_can_be_written_arrays_come_from_memory(
    tiny, root: Path, blocked: Path, tmp_path: Path
) -> None:
    (tmp_path / "user-cache").touch()
    data = load(tiny, root)
    assert data.train_images.shape == (12, 32, 32, 1)
    assert not data.train_images.flags.writeable
    assert not data.train_labels.flags.writeable


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
    assert len(list((root / cache.FOLDER).iterdir())) == 5, "no drafts are left"
