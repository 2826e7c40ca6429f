"""Where the files of a data set may lie below a data root, and where a fetched one is put.

A data root is meant to hold NAME/raw/FILE, as torchvision keeps the MNIST family. People also have
the files in NAME or in the root itself, or give NAME or NAME/raw as the root; and they have them
unpacked, and with a dot in their names, `train-images.idx3-ubyte`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bench.workload.datasets.source import StoredFile


def own(root: Path, file: StoredFile) -> tuple[Path, ...]:
    """Where the file may lie in a folder of the data set's name, in the order of trial.

    torchvision keeps IDX files unpacked beside the archive, and either will do. Where only the
    archive's hash is known, an unpacked copy counts only if there is no archive to hold against it.
    """
    if not _in_folder_of_its_own(file):
        return (root / file.path,)
    paths = tuple(path for folder in _folders(root, file) for path in _named(folder, file))
    packed = tuple(path for path in paths if path.suffix == ".gz")
    if not file.content_digest and any(path.is_file() for path in packed):
        return packed
    return paths


def shared(root: Path, file: StoredFile) -> tuple[Path, ...]:
    """Where a file of this name may lie that can be another data set's, in the order of trial.

    The sets of this family have files of the same names and sizes. A copy in a folder that does not
    say which it is counts only if it has a hash to be held against, and has that hash.
    """
    if not _in_folder_of_its_own(file):
        return ()
    known = _folders(root, file)
    return tuple(
        path
        for folder in (root, root / "raw")
        if folder not in known
        for path in _named(folder, file)
        if file.digest_of(path.suffix == ".gz") is not None
    )


def target(root: Path, file: StoredFile) -> Path:
    """Where a fetched file is put."""
    if not _in_folder_of_its_own(file):
        return root / file.path
    return _folders(root, file)[0] / Path(file.path).name


def _in_folder_of_its_own(file: StoredFile) -> bool:
    return file.path.endswith(".gz") and len(Path(file.path).parts) == 3


def _folders(root: Path, file: StoredFile) -> tuple[Path, ...]:
    """The folders whose name, or that of the one above, is the data set's; the first is to fill."""
    name, raw, _ = Path(file.path).parts
    meant = root / name / raw
    here = Path(os.path.abspath(root))
    if _alike(here.name, raw) and _alike(here.parent.name, name):
        return root, meant
    below = (meant, root / name, root / name / name / raw)
    if not _alike(here.name, name):
        return below
    within = (root / raw, root)
    filled = (root / raw).is_dir() and not meant.is_dir()
    return (*within, *below) if filled else (*below, *within)


def _alike(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _named(folder: Path, file: StoredFile) -> Iterator[Path]:
    """The file packed and unpacked, with a hyphen in its name or a dot."""
    packed = Path(file.path).name
    for name in dict.fromkeys((packed, packed.replace("-idx", ".idx"))):
        yield folder / name
        yield (folder / name).with_suffix("")
