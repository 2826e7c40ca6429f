"""Fetching: each file from the first mirror that serves it whole, put in place by one rename."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal
from urllib.parse import urljoin, urlsplit

from bench.errors import DataError
from bench.workload.datasets import integrity, places
from bench.workload.datasets.source import Source, StoredFile

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = (10.0, 30.0)  # to connect; between two pieces of the answer
_PART = ".part-"
_ABANDONED_S = 3600.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def fetch(source: Source, root: Path, progress: bool) -> None:
    """Fetch the files of a data set that are not there or not whole.

    Raises:
        DataError: no mirror serves a file, or the folder cannot be written; the files that did
            arrive stay, and the next fetch goes on from there.
    """
    unfetched = source.unfetched(root)
    for done, file in enumerate(unfetched):
        try:
            failures = _download(file, root, progress)
        except OSError as error:
            raise DataError(
                f"cannot write {places.target(root, file)}: {error}; "
                "free space, or choose another data folder"
            ) from error
        if failures:
            raise _unreachable(source, root, failures, unfetched[done:])


def _unreachable(
    source: Source, root: Path, failures: list[str], left: tuple[StoredFile, ...]
) -> DataError:
    return DataError(
        f"cannot fetch data set {source.name!r}: {'; '.join(failures)}. "
        f"Without a network, {integrity.by_hand(root, left)}"
    )


def _download(file: StoredFile, root: Path, progress: bool) -> list[str]:
    """Try the mirrors in turn; return why each failed, or nothing once the file is in place."""
    target = places.target(root, file)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    # The name's end stays: it says whether there is gzip's wrapping.
    part = target.with_name(f"{_PART}{secrets.token_hex(8)}-{target.name}")
    failures = []
    try:
        for url in file.mirrors:
            with part.open("wb") as stream:
                failure = _receive(url, _Sink(stream, file.limit_bytes), progress)
            if failure is None:
                found = integrity.check(part, file)
                if found.status == "ok":
                    os.replace(part, target)
                    return []
                failure = f"sent something else (expected {found.expected}, got {found.got})"
            failures.append(f"{url}: {failure}")
    finally:
        part.unlink(missing_ok=True)
    return failures or [f"{file.path}: no mirror is known"]


def _receive(url: str, sink: _Sink, progress: bool) -> str | None:
    """Copy what the URL serves into the sink; return why it failed, if it did."""
    if not _allowed(url):
        return "refused: not HTTPS"
    import pooch

    try:
        with _bar(url, progress) as bar:
            receive = pooch.HTTPDownloader(
                progressbar=bar,
                chunk_size=_CHUNK_BYTES,
                timeout=_TIMEOUT_S,
                # As it is stored: an encoding put on for the way would change the archive's hash.
                headers={"Accept-Encoding": "identity"},
                hooks={"response": _refuse_redirection_to_http},
            )
            receive(url, sink, None)
    except _WriteError as error:
        raise error.reason from error
    except (OSError, ValueError) as error:  # requests' exceptions are OSErrors
        return _reason(error)
    return None


def _reason(error: BaseException) -> str:
    """One phrase: the status of the answer, or what lies at the bottom of an error."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status:
        return f"HTTP status {status}"
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"


class _WriteError(Exception):
    """The disk, not the network, failed."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Sink:
    """A file that takes no more than `limit` bytes, whatever a server sends."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._size = 0

    def write(self, chunk: bytes) -> int:
        """Append; ValueError beyond the limit."""
        self._size += len(chunk)
        if self._size > self._limit:
            raise ValueError(f"sent more than {self._limit:,} bytes")
        try:
            return self._stream.write(chunk)
        except OSError as error:
            raise _WriteError(error) from error

    def flush(self) -> None:
        """Nothing to do before the file is closed; pooch asks for it after every chunk."""


def _allowed(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _refuse_redirection_to_http(response: Any, **_: object) -> None:
    """A hook of requests, called for each answer before its redirection is followed."""
    if response.is_redirect and not _allowed(urljoin(response.url, response.headers["location"])):
        raise ValueError("refused: redirected to an address without HTTPS")


class _Bar:
    """A bar of rich with the methods that pooch calls."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars = bars
        self._task = task
        self._total = 0

    @property
    def total(self) -> int:
        """Bytes that the server announced; 0 where it did not."""
        return self._total

    @total.setter
    def total(self, value: int) -> None:
        self._total = value
        self._bars.update(self._task, total=value or None)

    def update(self, n: int) -> None:
        """`n` bytes more."""
        self._bars.update(self._task, advance=n)

    def reset(self) -> None:
        """Back to none."""
        self._bars.update(self._task, completed=0)

    def close(self) -> None:
        """Nothing to do: the bars end together."""


@contextlib.contextmanager
def _bar(url: str, progress: bool) -> Iterator[_Bar | Literal[False]]:
    """A progress bar on stderr; False, which is pooch's word for none, where none is wanted."""
    if not progress:
        yield False
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(urlsplit(url).path.rpartition("/")[2], total=None)
        yield _Bar(bars, task)


def _sweep(target: Path) -> None:
    """Remove parts of this file that a killed fetch left; a younger one may be in use."""
    for part in target.parent.glob(f"{_PART}*-{target.name}"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED_S:
                part.unlink()
