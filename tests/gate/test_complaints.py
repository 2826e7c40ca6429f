"""How a gate's options are read, and what is said of those that cannot be, word for word."""

from __future__ import annotations

import re

import pytest

from bench.cli import gate_request, parse
from bench.errors import BenchError
from bench.gate import schedule
from bench.gate.pairs import Shape

READ = (
    *((gate_request._threshold, text, of) for text, of in (("5%", 0.05), (" 0.02 ", 0.02))),
    *((gate_request._threshold, text, of) for text, of in ((".5 %", 0.005), ("99%", 0.99))),
    *(
        (gate_request._seconds, text, of)
        for text, of in (("15m", 900), ("90", 90), (" 1.5h", 5400))
    ),
    *((gate_request._seconds, text, of) for text, of in (("2 s", 2), (".5s", 0.5))),
    *((gate_request._window, s, s) for s in (0.01, 0.1, 10.0)),
    *((schedule.minutes, s, text) for s, text in ((75.4, "75s"), (599.0, "599s"))),
    *((schedule.minutes, s, text) for s, text in ((600.0, "10m"), (3600, "60m"))),
    *((parse.devices, text, tuple(text.split(","))) for text in ("cpu", "cpu,gpu", "auto")),
)
REFUSED = (
    *(
        (
            gate_request._threshold,
            (text,),
            f"--threshold {text!r} is not possible: give more than 0 "
            "and less than 100 %, such as 5%",
        )
        for text in ("0", "100%", "1", "-5%", "5‰", "")
    ),
    *(
        (
            gate_request._seconds,
            (text,),
            f"--budget {text!r} cannot be read: give a time such as 15m or 900s",
        )
        for text in ("0", "0m", "1d", "-1", "")
    ),
    *(
        (gate_request._window, (s,), f"--window {s:g} is not possible: give 0.01 to 10 seconds")
        for s in (0.009, 10.1, float("nan"))
    ),
    (
        gate_request._rule,
        (0.05, 2, 3),
        "--pairs 3 can never find a regression in 2 cells: give at least 8",
    ),
    (
        schedule.require_budget,
        (60.0, 2, 6, Shape()),
        "--budget 60s is too short: 6 pairs of processes for each of 2 cells take at least 65s, "
        "and those of real frameworks twice that; give a longer one, or fewer cells",
    ),
    (
        parse.devices,
        ("cpu,tpu",),
        "unknown device 'tpu' (did you mean 'gpu'?): choose from cpu, gpu, auto",
    ),
    (
        parse.check_baseline,
        ("x", ("b", "a"), "speed", "run"),
        "the baseline 'x' has no speed in run: choose from a, b",
    ),
    (
        parse.check_baseline,
        ("x", (), "speed", "run"),
        "the baseline 'x' has no speed in run: nor has any other framework",
    ),
)


@pytest.mark.parametrize(("read", "typed", "value"), READ)
def test_what_is_typed_is_read(read, typed, value):
    assert read(typed) == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(("read", "given", "complaint"), REFUSED)
def test_what_cannot_be_is_refused(read, given, complaint):
    with pytest.raises(BenchError, match=f"^{re.escape(complaint)}$"):
        read(*given)
