"""Interruptions: SIGTERM does what Ctrl-C does, and neither may cut what must be done whole."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import NoReturn

SIGNS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE = 130  # as a shell has it


def name_of(sign: int) -> str:
    """A signal's name, such as SIGKILL; those for real time have none."""
    try:
        return signal.Signals(sign).name
    except ValueError:
        return f"signal {sign}"


@contextlib.contextmanager
def terminations_interrupt() -> Iterator[None]:
    """SIGTERM, which a cluster sends at its time limit, raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def defer_signals() -> Iterator[None]:
    """An interruption that arrives in this block takes effect at its end.

    For what would be lost halfway: a process that runs already, but that nothing would end yet.
    Signals reach the main thread alone, so that elsewhere there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before = {sign: signal.signal(sign, lambda sign, _: arrived.append(sign)) for sign in SIGNS}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
        for arrival in arrived[:1]:
            signal.raise_signal(arrival)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
