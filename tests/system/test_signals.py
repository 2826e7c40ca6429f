"""Interruptions: what they end, and what they wait for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import psutil
import pytest

from bench.system import environment, launch, signals

pytestmark = pytest.mark.usefixtures("ctrl_c")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own handlers, whatever the shell: one in the background ignores some signals."""
    heeded = dict.fromkeys(signals.SIGNS, signal.SIG_DFL)
    heeded[signal.SIGINT] = signal.default_int_handler
    before = {sign: signal.signal(sign, handler) for sign, handler in heeded.items()}
    yield
    for sign, handler in before.items():
        signal.signal(sign, handler)


@pytest.mark.parametrize("sign", signals.SIGNS)
def test_an_interruption_waits_for_the_end_of_the_block(sign):
    done = []

    def interrupted():
        with signals.defer_signals():
            signal.raise_signal(sign)
            done.append("whole")

    with signals.terminations_interrupt():
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        with pytest.raises(KeyboardInterrupt):  # and after it they take effect at once
            signal.raise_signal(sign)
    assert done == ["whole"]


def test_what_nohup_has_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.terminations_interrupt(), signals.defer_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_given_back():
    before = [signal.getsignal(sign) for sign in signals.SIGNS]
    with signals.terminations_interrupt(), signals.defer_signals():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(sign) for sign in signals.SIGNS] == before


def test_an_error_in_the_block_is_raised_where_nothing_interrupted():
    with pytest.raises(ZeroDivisionError), signals.defer_signals():
        _ = 1 / 0


def test_other_threads_have_nothing_to_hold_back():
    reached = []

    def work():
        with signals.defer_signals():
            reached.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reached == [True]


def test_a_worker_interrupted_while_it_starts_is_ended(tmp_path, monkeypatch):
    start = launch._start

    def interrupted(*arguments):
        process = start(*arguments)
        signal.raise_signal(signal.SIGINT)
        return process

    monkeypatch.setattr(launch, "_start", interrupted)
    before = psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        launch.run_worker(
            "",
            (),
            environment.of_worker(1, os.environ),
            tmp_path / "log",
            60,
            lambda _: None,
        )
    assert psutil.Process().children() == before
