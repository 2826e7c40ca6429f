"""Files of a data set on the disk: found, held against hashes, read within bounds."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from bench.errors import DataError
from bench.workload.datasets import places
from bench.workload.datasets.source import GIT_BLOB, FileCheck, Input, Status, StoredFile

_CHUNK_BYTES = 1 << 20

# What a damaged or foreign file can raise while gzip reads it.
BROKEN_GZIP = (OSError, EOFError, zlib.error)


def present(root: Path, file: StoredFile) -> Path | None:
    """The copy that `decode` would try first: by presence and, where it is plain, by size.

    One in a folder that other data sets may share is held against its hash.
    """
    for path in places.own(root, file):
        if path.is_file() and (path.suffix == ".gz" or path.stat().st_size == file.content_bytes):
            return path
    return _shared(root, file)


def inspect(root: Path, file: StoredFile) -> FileCheck:
    """The first copy that is whole; otherwise what is wrong with the one that is there."""
    checks = [check(path, file) for path in places.own(root, file) if path.is_file()]
    for found in checks:
        if found.status == "ok":
            return found
    elsewhere = _shared(root, file)
    if elsewhere is not None:
        return check(elsewhere, file)
    return checks[0] if checks else check(places.target(root, file), file)


def _shared(root: Path, file: StoredFile) -> Path | None:
    """A whole copy in a folder that does not say which data set it holds."""
    for path in places.shared(root, file):
        if path.is_file() and check(path, file).status == "ok":
            return path
    return None


def check(path: Path, file: StoredFile) -> FileCheck:
    """Hold one copy against its hash, or its size where no hash is known; reads it in chunks.

    What is known to be the content of another data set is wrong, whatever its size.
    """
    packed = path.suffix == ".gz"
    known = file.digest_of(packed)
    subject = known[0] if known else "content"
    expected = f"{known[1]} of its {subject}" if known else f"{file.content_bytes:,} bytes"
    by_size = known is None
    if not path.is_file():
        return FileCheck(path, "missing", expected, None, by_size)
    unpack = packed and subject == "content"
    limit = file.limit_bytes if subject == "archive" else file.content_bytes
    others = {digest: what for what, digest in file.others} if subject == "content" else {}
    hashes = _hashes((*((known[1],) if known else ()), *others), file.content_bytes)
    size = 0
    try:
        for chunk in _chunks(path, unpack):
            size += len(chunk)
            if size > limit:
                return FileCheck(path, "wrong", expected, f"more than {limit:,} bytes", by_size)
            for found in hashes.values():
                found.update(chunk)
    except BROKEN_GZIP as error:
        got = f"{size:,} readable bytes, then: {error}"
        return FileCheck(path, "wrong", expected, got, by_size)
    if subject == "content" and size != file.content_bytes:
        got = f"{size:,} of {file.content_bytes:,} bytes"
        return FileCheck(path, "wrong", expected, got, by_size)
    other = _otherwise(hashes, known[1] if known else None, others)
    status: Status = "wrong" if other else "ok"
    return FileCheck(path, status, expected, other or expected, by_size)


def _otherwise(
    hashes: Mapping[str, hashlib._Hash], expected: str | None, others: Mapping[str, str]
) -> str | None:
    """What a content is instead of what is expected; None where it can be that."""
    digests = [f"{algorithm}:{found.hexdigest()}" for algorithm, found in hashes.items()]
    if expected in digests:
        return None
    for digest in digests:
        if digest in others:
            return f"{digest}, which is {others[digest]}"
    return digests[0] if expected else None


def _algorithm(digest: str) -> str:
    return digest.partition(":")[0]


def _hashes(digests: Iterable[str], content_bytes: int) -> dict[str, hashlib._Hash]:
    """An empty hash of each algorithm that the digests are of, in their order."""
    hashes: dict[str, hashlib._Hash] = {}
    for algorithm in dict.fromkeys(map(_algorithm, digests)):
        if algorithm == GIT_BLOB:
            # SHA-1 of "blob SIZE", a zero byte and the content.
            hashes[algorithm] = hashlib.sha1(usedforsecurity=False)
            hashes[algorithm].update(f"blob {content_bytes}\0".encode())
        else:
            hashes[algorithm] = hashlib.new(algorithm, usedforsecurity=False)
    return hashes


def _chunks(path: Path, unpack: bool) -> Iterator[bytes]:
    with cast(BinaryIO, gzip.open(path, "rb")) if unpack else path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def whole(name: str, root: Path, file: StoredFile) -> Path:
    """The path of a copy that passed its check.

    Raises:
        DataError: the file is missing or is not what it should be.
    """
    found = inspect(root, file)
    if found.status == "missing":
        raise missing(name, root, (file,))
    if found.status == "wrong":
        raise wrong(name, found)
    return found.path


def content(path: Path, file: StoredFile) -> bytes:
    """The uncompressed content of a copy, no more of it than it may have.

    Raises:
        DataError: it is not readable, shorter or longer.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            data = stream.read(file.content_bytes + 1)
    except BROKEN_GZIP as error:
        raise DataError(f"cannot read {path}: {error}; delete it and fetch it again") from error
    if len(data) != file.content_bytes:
        got = f"{len(data):,}" if len(data) < file.content_bytes else "more"
        raise DataError(
            f"{path} holds {got} bytes where {file.content_bytes:,} belong: "
            "it is truncated or another file; delete it and fetch it again"
        )
    return data


def inputs(paths: Iterable[Path]) -> tuple[Input, ...]:
    """The identity of files, by which a cached decoding is recognised as theirs."""
    stats = ((path.resolve(), path.stat()) for path in paths)
    return tuple(Input(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)


def missing(name: str, root: Path, absent: Iterable[StoredFile]) -> DataError:
    """The error for files that are not there: how to fetch them, or what to put where by hand."""
    return DataError(
        f"data set {name!r} is not in {root}: run `python -m bench data fetch {name}`, "
        f"or {by_hand(root, absent)}"
    )


def by_hand(root: Path, absent: Iterable[StoredFile]) -> str:
    """What to do where there is no network: which files, with which hashes, to put where."""
    wanted = ", ".join(
        f"{places.target(root, file).relative_to(root).as_posix()} ({_digest(file)})"
        for file in absent
    )
    return f"put into {root} by hand: {wanted}"


def wrong(name: str, found: FileCheck) -> DataError:
    """The error for a file that is not what it should be."""
    return DataError(
        f"data set {name!r}: {found.path} should have {found.expected}, but has {found.got}: "
        "it is truncated, damaged or another file; "
        f"run `python -m bench data fetch {name}`, which fetches it anew"
    )


def _digest(file: StoredFile) -> str:
    known = file.digest_of(file.compressed)
    return f"{known[0]} {known[1]}" if known else f"{file.content_bytes:,} bytes"
