"""A bound on the memory and the time that a reader takes."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_PAGE = os.sysconf("SC_PAGE_SIZE")


class ExceededError(AssertionError):
    """A reader took more than it may."""


class _OutOfTime(BaseException):
    """No reader's `except Exception` may take it for a fault of its input."""


@contextmanager
def bounded(memory_bytes: int, cpu_s: float) -> Iterator[None]:
    """ExceededError where more than that is asked for beyond what the process has at the start.

    Address space and time of the CPU, so that what else runs on the machine does not count.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGPROF, _end)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + memory_bytes, hard))
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    except MemoryError as error:
        raise ExceededError(f"took more than {memory_bytes >> 20} MiB") from error
    except _OutOfTime as error:
        raise ExceededError(f"took more than {cpu_s:g} s") from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, before)


def _end(number: int, frame: FrameType | None) -> None:
    raise _OutOfTime


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
