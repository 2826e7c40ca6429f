"""The last word of a worker whose library has raised something."""

from __future__ import annotations

import pytest

from bench.errors import MOST_SAID, BenchError, NotSupportedError
from bench.worker.messages import Ended, event_from, to_line
from bench.worker.tasks import failed


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (ValueError("a cold\nand more"), "failed", "ValueError: a cold"),
        (ValueError(), "failed", "ValueError: no message"),
        (UnprintableError(), "failed", "UnprintableError: no message that can be printed"),
        (RuntimeError("half \ud800"), "failed", "RuntimeError: half \\ud800"),
        (RuntimeError("\x1b[2Jred\u202e"), "failed", "RuntimeError: \\x1b[2Jred\\u202e"),
        (KeyboardInterrupt(), "failed", "KeyboardInterrupt: no message"),
        (RuntimeError("x" * 3_000_000), "failed", f"RuntimeError: {'x' * (MOST_SAID - 1)}…"),
        (BenchError("a clear line"), "failed", "a clear line"),
        (NotSupportedError("no such thing"), "unavailable", "no such thing"),
    ],
)
def test_it_is_one_clear_line(error: BaseException, outcome: str, reason: str) -> None:
    end = failed(error)
    assert (end.outcome, end.reason) == (outcome, reason)
    assert event_from(to_line(end).encode("utf-8")) == Ended(outcome=outcome, reason=reason)
