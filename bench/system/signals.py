"""Interruptions: SIGTERM and SIGHUP do what Ctrl-C does; none may cut what must be done whole."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import NoReturn

SIGNS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_CODE = 130  # as a shell has it


def name_of(sign: int) -> str:
    """A signal's name, such as SIGKILL; those for real time have none."""
    try:
        return signal.Signals(sign).name
    except ValueError:
        return f"signal {sign}"


@contextlib.contextmanager
def terminations_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt: a cluster's time limit, a terminal that goes.

    What is ignored stays so, as `nohup` has it.
    """
    signs = (signal.SIGTERM, signal.SIGHUP)
    before = {sign: signal.getsignal(sign) for sign in signs}
    heeded = [sign for sign in signs if before[sign] is not signal.SIG_IGN]
    try:
        for sign in heeded:
            signal.signal(sign, _interrupt)
        yield
    finally:
        for sign in heeded:
            signal.signal(sign, before[sign])


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
    before = {sign: signal.getsignal(sign) for sign in SIGNS}
    for sign, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(sign, lambda sign, _: arrived.append(sign))
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
        for arrival in arrived[:1]:
            signal.raise_signal(arrival)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
