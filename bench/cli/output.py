"""Standard output and standard error that cannot end the program, and lines without blanks behind.

A reader that has gone, as in `| head`, or a full disk would otherwise raise an exception wherever
something is printed: what is still to be done would be lost, and the exit code would be another one
than what was found.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import select
import sys
from collections.abc import Iterator
from typing import TextIO

# What an encoding such as ASCII lacks, by what is as wide, so that tables stay aligned.
SPELLINGS = {"×": "x", "–": "-", "−": "-", "·": ".", "’": "'", "→": ">", "─": "-", "│": "|"}

BLANKS_BEHIND = re.compile(r"(?<! ) ++(?=\n)")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Handles errors of encoding: what cannot be shown is spelled otherwise, or becomes `?`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SPELLINGS.get(character, "?") for character in lacking), error.end


codecs.register_error("lenet-bench-spelled", _spelled)


class _Sink(io.RawIOBase):
    """A descriptor that takes all that is written to it; what it cannot take is dropped.

    fault: why something was dropped, or None.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.fault: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: object) -> int:
        content = memoryview(data).cast("B")  # type: ignore[arg-type]
        while self.fault is None:
            try:
                return os.write(self._descriptor, content)
            except BlockingIOError:  # whoever else has the descriptor has made it so
                select.select((), (self._descriptor,), ())
            except OSError as error:
                self.fault = error
        return len(content)


class _Stream(io.TextIOWrapper):
    """Where lines have no blanks at their ends: a table has as many as its widest cells ask for."""

    def write(self, text: str) -> int:
        super().write(BLANKS_BEHIND.sub("", text))
        return len(text)


class Output:
    """What has become of the two streams."""

    def __init__(self) -> None:
        self._sinks: dict[str, _Sink] = {}

    def fault(self) -> OSError | None:
        """Why not all of standard output was written; None where its reader has had enough."""
        if sys.stdout is not None:
            sys.stdout.flush()
        sink = self._sinks.get("stdout")
        fault = sink.fault if sink else None
        return None if isinstance(fault, BrokenPipeError) else fault

    def wrap(self, name: str, stream: TextIO) -> TextIO:
        """The stream, or one in its place that raises nothing."""
        try:
            stream.flush()
            descriptor = stream.fileno()
        except (OSError, AttributeError, ValueError):  # a test's, or none at all
            return stream
        sink = self._sinks[name] = _Sink(descriptor)
        return _Stream(
            io.BufferedWriter(sink),
            encoding=stream.encoding,
            errors="lenet-bench-spelled",  # what the encoding lacks is no reason to end, either
            line_buffering=stream.isatty() or name == "stderr",
        )


def _occupied() -> None:
    """Put something in place of standard streams that are closed.

    What is opened next would take their numbers, and would be what a child writes its output to.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


@contextlib.contextmanager
def unstoppable() -> Iterator[Output]:
    """Within this block printing raises no OSError; what became of it is in the result."""
    _occupied()
    found = Output()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = found.wrap("stdout", sys.stdout), found.wrap("stderr", sys.stderr)
    try:
        yield found
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = before
