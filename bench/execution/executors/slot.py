"""A machine for one measurement at a time: a lock that all users of a host share.

One lock is of the whole host. Who shares it (`--share-host`) takes that one together with others,
and a lock of each CPU that it may use for itself, so that what runs at once has disjoint CPUs; the
GPUs that it can see likewise.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.errors import UnavailableError
from bench.system import machine

# The first of these that this process may write to. All users of a host must come to the same one,
# which TMPDIR is not: a batch system gives each job a folder of its own.
FOLDERS = (Path("/run/lock"), Path("/var/lock"), Path("/var/tmp"), Path("/tmp"))  # noqa: S108
PAUSE_S = 0.5


@contextlib.contextmanager
def hold(
    *,
    shares_host: bool,
    waiting: Callable[[], None],
    is_over: Callable[[], bool] = lambda: False,
    folder: Path | None = None,
) -> Iterator[None]:
    """Have the host, or the CPUs of this process, for oneself; wait while somebody else has them.

    Args:
        shares_host: whether others may have the host's other CPUs.
        waiting: called once, when there is something to wait for.
        is_over: whether to give up waiting.
        folder: of the locks.

    Raises:
        UnavailableError: it is over, or no folder takes the locks.
    """
    place = folder or _folder()
    with contextlib.ExitStack() as held:
        told = False
        for name, kind in _locks(os.environ, shares_host=shares_host):
            lock = _opened(place / f"lenet-bench-{name}.lock")
            held.callback(os.close, lock)
            while not _taken(lock, kind):
                if is_over():
                    raise UnavailableError("the run was ended while it waited for the host")
                if not told:
                    told = True
                    waiting()
                time.sleep(PAUSE_S)
        yield


def _locks(environ: Mapping[str, str], *, shares_host: bool) -> list[tuple[str, int]]:
    """Names of locks in the order in which all take them, so that none wait for each other."""
    if not shares_host:
        return [("host", fcntl.LOCK_EX)]
    visible = re.split(r"\s*,\s*", environ.get("CUDA_VISIBLE_DEVICES", "").strip())
    gpus = sorted(re.sub(r"[^\w-]", "_", name) for name in visible if name)
    names = [f"cpu{cpu}" for cpu in machine.usable_cpus()] + [f"gpu-{name}" for name in gpus]
    return [("host", fcntl.LOCK_SH), *((name, fcntl.LOCK_EX) for name in names)]


def _folder() -> Path:
    for folder in FOLDERS:
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise UnavailableError(
        f"none of {', '.join(map(str, FOLDERS))} can be written to: a lock must be there that all "
        "users of this host can see"
    )


def _opened(path: Path) -> int:
    """A descriptor of the lock's file, whoever made it.

    It is opened without creating it first: where all may write, Linux lets nobody open another's
    file to write, or with O_CREAT (fs.protected_regular).
    """
    with contextlib.suppress(FileNotFoundError):
        return _regular(path, os.open(path, os.O_RDONLY | os.O_NOFOLLOW))
    with contextlib.suppress(FileExistsError):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        os.fchmod(lock, 0o644)  # whatever the umask: others open it to read, and lock it
        return lock
    return _regular(path, os.open(path, os.O_RDONLY | os.O_NOFOLLOW))


def _regular(path: Path, lock: int) -> int:
    if stat.S_ISREG(os.fstat(lock).st_mode):
        return lock
    os.close(lock)
    raise UnavailableError(f"{path} is no file: remove it")


def _taken(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
