"""Decoded arrays kept on the disk, so that every start but the first maps them and is quick.

They lie with the user's caches and not with the data, which may be shared, read-only or backed up.
An entry is up to six .npy files and a small JSON file that says what they were made from and
holds the CRC-32 of each. The JSON file is written last and every file is put in place by one
rename: processes that write the same entry at once only replace equal files by equal ones. Whatever
does not fit together (another input, a truncated or altered file, an entry half replaced) is taken
for no entry at all, and made anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import secrets
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bench.choices import Fit
from bench.errors import DataError
from bench.workload import caches
from bench.workload.datasets.source import Dataset, Decoded, Input

FORMAT = 1
FOLDER = "decoded"  # among the user's caches
OLD_FOLDER = "lenet-bench-cache"  # in a data root, where earlier versions kept entries
OLD_DRAFT_S = 3600.0  # longer than anyone writes a file
_ARRAYS = (
    *("train_images", "train_labels", "test_images", "test_labels"),
    *("validation_images", "validation_labels"),
)
# Of an entry, or a draft of it; whatever else lies beside is a person's.
_OURS = re.compile(
    rf"(\.[0-9a-f]{{16}}-)?\w+-\d+x\d+-\w+-[0-9a-f]{{12}}(\.json|-({'|'.join(_ARRAYS)})\.npy)"
)


@dataclass(frozen=True, slots=True)
class Key:
    """What an entry was made from and to which size."""

    name: str
    inputs: tuple[Input, ...]
    size: tuple[int, int]
    fit: Fit

    @property
    def stem(self) -> str:
        """How the entry's files begin: one entry for each place, replaced when its files change.

        Files of two data roots are two places: their origins are absolute paths.
        """
        place = json.dumps([self.name, [origin.origin for origin in self.inputs]])
        family = self.name.partition(":")[0]
        digest = hashlib.sha256(place.encode()).hexdigest()[:12]
        return f"{family}-{self.size[0]}x{self.size[1]}-{self.fit}-{digest}"

    def facts(self) -> dict[str, Any]:
        """What has to be equal for an entry to be used, as JSON gives it back."""
        facts: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, **asdict(self)}))
        return facts


@dataclass(frozen=True, slots=True)
class Removed:
    """What `clean` took from a folder."""

    folder: Path
    files: int
    freed_bytes: int


def folder() -> Path:
    """Where entries lie."""
    return caches.folder() / FOLDER


def clean(root: Path) -> list[Removed]:
    """Remove all entries, also those that earlier versions left in `root`.

    Other files stay, and with them their folder. What a process has mapped stays whole for it.

    Raises:
        DataError: a file cannot be removed.
    """
    old = (root / OLD_FOLDER, caches.folder() / OLD_FOLDER)
    return [_emptied(one) for one in dict.fromkeys((folder(), *old)) if one.is_dir()]


def _emptied(folder: Path) -> Removed:
    files = freed_bytes = 0
    try:
        for path in sorted(folder.iterdir()):
            if _OURS.fullmatch(path.name):
                size = path.lstat().st_size
                path.unlink()
                files, freed_bytes = files + 1, freed_bytes + size
    except OSError as error:
        raise DataError(
            f"cannot remove decoded data from {folder}: {error.strerror}; remove it by hand"
        ) from error
    with contextlib.suppress(OSError):  # where something else lies in it
        folder.rmdir()
    return Removed(folder, files, freed_bytes)


def read(key: Key) -> Dataset | None:
    """The entry as read-only arrays mapped from the disk; None where there is no sound one."""
    # A damaged entry can fail in any way; all of them mean that there is none.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return _read(folder(), key)
    return None


def _read(folder: Path, key: Key) -> Dataset:
    entry = json.loads((folder / f"{key.stem}.json").read_text(encoding="utf-8"))
    if entry["key"] != key.facts():
        raise ValueError("made from other files")
    arrays: dict[str, NDArray[Any]] = {}
    for part, crc in entry["crc32"].items():
        path = folder / f"{key.stem}-{part}.npy"
        array = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
        if _crc32(array) != crc:
            raise ValueError(f"{path} is damaged")
        arrays[part] = array
    return Dataset(
        name=key.name,
        classes=tuple(entry["classes"]),
        train_images=arrays["train_images"],
        train_labels=arrays["train_labels"],
        test_images=arrays.get("test_images"),
        test_labels=arrays.get("test_labels"),
        sha256=entry["sha256"],
        validation_images=arrays.get("validation_images"),
        validation_labels=arrays.get("validation_labels"),
    )


def write(key: Key, decoded: Decoded) -> Dataset:
    """Make an entry and return it mapped; where its folder cannot be written, from memory."""
    digest = content_sha256(decoded)
    with contextlib.suppress(OSError, ValueError):
        _write(folder(), key, decoded, digest)
        return _read(folder(), key)
    arrays = {part: getattr(decoded, part) for part in _ARRAYS}
    for array in arrays.values():
        if array is not None:
            array.flags.writeable = False
    return Dataset(name=key.name, classes=decoded.classes, sha256=digest, **arrays)


def _write(folder: Path, key: Key, decoded: Decoded, digest: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    entry: dict[str, Any] = {
        "key": key.facts(),
        "classes": decoded.classes,
        "sha256": digest,
        "crc32": {},
    }
    for part in _ARRAYS:
        array = getattr(decoded, part)
        if array is not None:
            _put(folder / f"{key.stem}-{part}.npy", functools.partial(np.save, arr=array))
            entry["crc32"][part] = _crc32(array)
    text = json.dumps(entry, indent=1).encode()
    last = folder / f"{key.stem}.json"
    _put(last, lambda file: file.write(text))
    _remove_old_drafts(folder, last.stat().st_mtime)


def _remove_old_drafts(folder: Path, now_s: float) -> None:
    """Remove what processes that were killed had begun; others may be writing younger ones."""
    for path in folder.glob(".*"):
        with contextlib.suppress(OSError):
            if _OURS.fullmatch(path.name) and now_s - path.stat().st_mtime > OLD_DRAFT_S:
                path.unlink()


def _put(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file under another name and rename it: it is there whole or not at all."""
    draft = path.with_name(f".{secrets.token_hex(8)}-{path.name}")
    try:
        with draft.open("xb") as file:
            fill(file)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def content_sha256(decoded: Decoded) -> str:
    """Hash of shapes, images and labels: training, then test and validation, where they are."""
    digest = hashlib.sha256()
    for part in _ARRAYS:
        array = getattr(decoded, part)
        if array is not None:
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def _crc32(array: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)
