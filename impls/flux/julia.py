"""Starts Julia in this process and calls it; importing this module is importing Flux."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

from bench.contract import Device
from bench.errors import BenchError, UnavailableError
from impls.flux import cuda, toolchain

SOURCES = Path(__file__).parent
PACKAGE = "LenetBenchFlux"
FRAMES = 30  # of Julia's, the innermost ones, that go to the log
FRAME_CHARACTERS = 200  # a type of Zygote's can fill pages
NESTED = "nested task error: "


def _start() -> Any:
    """Import juliacall with every setting that matters given, and our package beside this file.

    Julia's own handling of signals must be on, or more than one thread ends in a crash. It takes
    SIGTERM and SIGINT away from Python, so that these are given back afterwards: a worker that is
    told to end does so at once, in the middle of an epoch too.
    """
    reason = toolchain.JULIA.missing()
    if reason:
        raise UnavailableError(reason)
    os.environ |= toolchain.settings(os.environ)
    ours = threading.current_thread() is threading.main_thread()
    given_back = (signal.SIGINT, signal.SIGTERM)
    handlers = {sign: signal.getsignal(sign) for sign in given_back}
    try:
        from juliacall import Main
    finally:
        if ours:
            for sign, handler in handlers.items():
                signal.signal(sign, handler or signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, given_back)
    # A folder of packages in the load path: the code that runs is the code beside this file,
    # whatever else the Julia project holds.
    Main.seval("path -> (push!(LOAD_PATH, path); nothing)")(str(SOURCES))
    return Main.seval(f"import {PACKAGE}; {PACKAGE}")


def device_of(name: Device) -> Any:
    """A device of Julia's; UnavailableError where the GPU's packages or the GPU cannot be used."""
    if name == "cpu":
        return _package.CPU()
    try:
        return Main.seval(f"import {cuda.PACKAGE}; {cuda.PACKAGE}").gpu()
    except JuliaError as error:
        told = complaint(str(error))
        refused = UnavailableError(f"{told}; {toolchain.JULIA.gpu_missing() or cuda.HELP}")
        refused.add_note("\n".join(told.__notes__))
        raise refused from None


def call(name: str, *arguments: Any) -> Any:
    """A function of our Julia package; BenchError says what Julia complained of."""
    return _called(getattr(_package, name), arguments)


def call_without_python(name: str, *arguments: Any) -> Any:
    """As `call`, for a function that touches nothing of Python's: its other threads run on."""
    return _called(getattr(_package, name)._jl_call_nogil, arguments)


def _called(function: Any, arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*arguments)
    except JuliaError as error:
        raise complaint(str(error)) from None


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


try:
    _package = _start()
    from juliacall import JuliaError, Main
except (UnavailableError, ImportError):
    raise
except Exception as error:  # juliacall raises plain exceptions
    first_line = (str(error).splitlines() or ["no message"])[0]
    raise UnavailableError(f"Julia does not start: {first_line}; {toolchain.HELP}") from error
