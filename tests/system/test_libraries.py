"""Shared libraries that are to be read from the disk anew."""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path

import pytest

from bench.system.interpreter import forget_libraries

PAGES = 64
pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_fadvise"), reason="this system cannot be told to forget"
)


def in_memory(path: Path) -> int:
    """How many of a file's pages the system holds in memory."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
    size = path.stat().st_size
    pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size) as mapped:
        first = ctypes.c_ubyte.from_buffer(mapped)
        code = libc.mincore(ctypes.addressof(first), size, pages)
        del first
    assert code == 0, os.strerror(ctypes.get_errno())
    return sum(page & 1 for page in pages)


def written(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\1" * PAGES * mmap.PAGESIZE)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """On a file system that has a disk below it."""
    probe = written(tmp_path / "probe")
    with probe.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if in_memory(probe):
        pytest.skip("the file system of temporary files keeps them in memory")
    return tmp_path / "packages"


def test_libraries_are_forgotten_and_nothing_else(folder):
    libraries = [written(folder / name) for name in ("a/one.so", "a/b/two.so.2", "three.so.1.0.3")]
    others = [written(folder / name) for name in ("a/code.py", "a/one.socks", "two.so.txt")]
    assert [in_memory(path) for path in (*libraries, *others)] == [PAGES] * 6
    forget_libraries([folder])
    assert [in_memory(path) for path in libraries] == [0, 0, 0]
    assert [in_memory(path) for path in others] == [PAGES] * 3
    assert libraries[0].read_bytes() == b"\1" * PAGES * mmap.PAGESIZE


def test_what_is_no_file_or_not_there_is_passed_over(folder, tmp_path):
    elsewhere = written(tmp_path / "elsewhere.so")
    library = written(folder / "real.so")
    (folder / "link.so").symlink_to(elsewhere)
    (folder / "broken.so").symlink_to(tmp_path / "nowhere.so")
    (folder / "folder.so").mkdir()
    forget_libraries([tmp_path / "absent", folder])
    assert (in_memory(library), in_memory(elsewhere)) == (0, PAGES)
