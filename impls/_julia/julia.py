"""Starts Julia in this process and calls functions of a package of ours in it."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

from bench.errors import BenchError, UnavailableError
from impls._julia.toolchain import SHARED, JuliaToolchain, settings

FRAMES = 30  # of Julia's, the innermost ones, that go to the log
FRAME_CHARACTERS = 200  # a type of Zygote's can fill pages
NESTED = "nested task error: "


class Julia:
    """Julia with one of our packages; it is started by the first of these in a process.

    Args:
        toolchain: which Julia.
        sources: the folder that the package's folder is in.
        package: its name.

    Raises:
        UnavailableError: no Julia, not all packages, or it does not start.
    """

    def __init__(self, toolchain: JuliaToolchain, sources: Path, package: str) -> None:
        if reason := toolchain.missing():
            raise UnavailableError(reason)
        try:
            self._main, self.error = _start()
            # Folders of packages in the load path: the code that runs is the code that lies
            # there, whatever else the Julia project holds.
            for folder in (SHARED, sources):
                self._main.seval("path -> (path in LOAD_PATH || push!(LOAD_PATH, path); nothing)")(
                    str(folder)
                )
            self.package = self.imported(package)
        except ImportError:
            raise
        except Exception as error:  # juliacall raises plain exceptions
            first_line = (str(error).splitlines() or ["no message"])[0]
            raise UnavailableError(
                f"Julia does not start: {first_line}; {toolchain.help}"
            ) from error

    def imported(self, name: str) -> Any:
        """A package of Julia's, by its name."""
        return self._main.seval(f"import {name}; {name}")

    def call(self, name: str, *arguments: Any) -> Any:
        """A function of our Julia package; BenchError says what Julia complained of."""
        return self.called(getattr(self.package, name), *arguments)

    def call_without_python(self, name: str, *arguments: Any) -> Any:
        """As `call`, for a function that touches nothing of Python's: its other threads run on."""
        return self.called(getattr(self.package, name)._jl_call_nogil, *arguments)

    def called(self, function: Any, *arguments: Any) -> Any:
        """What a function gives; BenchError says what Julia complained of."""
        try:
            return function(*arguments)
        except self.error as error:
            raise complaint(str(error)) from None


def _start() -> tuple[Any, type[Exception]]:
    """Julia's `Main` and the exception of juliacall, with every setting that matters given.

    Julia's own handling of signals must be on, or more than one thread ends in a crash. It takes
    SIGTERM and SIGINT away from Python, so that these are given back afterwards: a worker that is
    told to end does so at once, in the middle of an epoch too.
    """
    os.environ |= settings(os.environ)
    ours = threading.current_thread() is threading.main_thread()
    given_back = (signal.SIGINT, signal.SIGTERM)
    handlers = {sign: signal.getsignal(sign) for sign in given_back}
    try:
        from juliacall import JuliaError, Main
    finally:
        if ours:
            for sign, handler in handlers.items():
                signal.signal(sign, handler or signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, given_back)
    return Main, JuliaError


def complaint(text: str) -> BenchError:
    """What Julia printed of an exception: its first line as the error, its frames as a note.

    The exception of a task that another one waited for stands behind that one's own.
    """
    lines = [line[:FRAME_CHARACTERS] for line in text.strip().splitlines()] or ["no message"]
    nested = [line.strip() for line in lines if line.strip().startswith(NESTED)]
    first = nested[0].removeprefix(NESTED) if nested else lines[0]
    error = BenchError(f"Julia: {first}")
    error.add_note("\n".join(["In Julia:", *lines[: 2 * FRAMES]]))
    return error
