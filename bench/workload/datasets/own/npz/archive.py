"""A NumPy archive: what is in it, and the type and shape of an array before it is read."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.workload.datasets.own.dataset import UnfitError

# What NumPy raises at a damaged or foreign archive, and at objects where it may not unpickle.
_BROKEN = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Header:
    """What an array announces: its name, type and shape. Nothing of it is read for this."""

    key: str
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.key} is {self.dtype} {self.shape}"


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """An open archive. Nothing in it is ever unpickled."""

    stored: np.lib.npyio.NpzFile

    @property
    def names(self) -> tuple[str, ...]:
        """Of the arrays, in the order of the file."""
        return tuple(self.stored.files)

    def header(self, key: str) -> Header:
        """Type and shape as announced, held against the bytes there are before any is allocated.

        Raises:
            UnfitError: the array is shorter or longer than that, or of a later format.
        """
        member = f"{key}.npy"
        packed = self.stored.zip
        assert packed is not None  # noqa: S101  (open as long as `opened` is)
        with packed.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if read is None:
                raise UnfitError(f"{key} is of .npy format {version}, where 1.0 or 2.0 belongs")
            try:
                shape, _, dtype = read(stream)
            except (tokenize.TokenError, SyntaxError, TypeError, RecursionError) as error:
                raise UnfitError(f"{key} has a damaged header: {error}") from error
            left = packed.getinfo(member).file_size - stream.tell()
        if not dtype.hasobject and left != math.prod(shape) * dtype.itemsize:
            raise UnfitError(f"{key} announces {dtype} {shape} but has {left:,} bytes of it")
        return Header(key, dtype, shape)

    def array(self, header: Header) -> NDArray[Any]:
        """The whole array; objects, which would be unpickled, are refused by NumPy."""
        return np.asarray(self.stored[header.key])


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive, open for as long as it is used.

    Raises:
        UnfitError: the file is no archive, or it turns out to be damaged.
    """
    if not zipfile.is_zipfile(path):
        raise UnfitError("it is no NumPy archive: write it with `numpy.savez`")
    try:
        # Opened here: of a damaged archive NumPy would leave the file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            yield Archive(stored)
    except _BROKEN as error:
        raise UnfitError(f"it cannot be read: {error}") from error
