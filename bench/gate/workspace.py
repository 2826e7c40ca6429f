"""The folder in which a gate works: removed at its end, or by the next gate where it was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.errors import BenchError
from bench.system import signals

PREFIX = "bench-gate-"
MARK = "gate.lock"  # locked as long as the gate lives that made the folder


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder, absolute and without links; what is in it goes with it.

    Folders of earlier gates that were killed are removed first. BenchError where none can be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            collect()
            with signals.defer_signals():  # a folder that was made is one that is removed
                folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
                stack.callback(_remove, folder)
                stack.callback(os.close, _mark(folder))
        except OSError as error:
            raise BenchError(
                f"cannot make a folder for temporary files: {error}; TMPDIR names another place"
            ) from error
        yield folder


def collect() -> None:
    """Remove what gates have left that were killed: folders with a mark that nobody holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            about = folder.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
                continue
            mark = os.open(folder / MARK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
            finally:
                os.close(mark)


def _mark(folder: Path) -> int:
    """Lock the mark before it can be found; the descriptor that holds it, as long as it is open."""
    hidden = folder / f".{MARK}"
    mark = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(mark, fcntl.LOCK_EX)
    hidden.rename(folder / MARK)
    return mark


def _remove(folder: Path) -> None:
    """Remove it; where something in it stays, the mark does, too, and the next gate tries again."""
    with signals.defer_signals(), contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name != MARK:
                shutil.rmtree(path, onerror=_made_writable)
        (folder / MARK).unlink(missing_ok=True)
        folder.rmdir()


def _made_writable(remove: Callable[[str], object], path: str, _: object) -> None:
    """What rmtree does with what it cannot remove: a file, or one in a folder that is read-only."""
    with contextlib.suppress(OSError):
        for place in (os.path.dirname(path), path):
            if not os.path.islink(place):
                os.chmod(place, stat.S_IRWXU)
        if remove is os.unlink or not os.path.isdir(path):
            os.unlink(path)
        else:
            shutil.rmtree(path, ignore_errors=True)
