"""Hypothesis over one reader: for some seconds, or so many examples."""

from __future__ import annotations

import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky

from bench.errors import BenchError
from tests.fuzzing.limits import bounded
from tests.fuzzing.readers import CPU_S, Reader

ROUND = 300  # examples, after which the clock is looked at


@dataclass(slots=True)
class Findings:
    """Of one reader. faults: what was raised and where, with the smallest input that does it."""

    examples: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: dict[str, bytes] = field(default_factory=dict)


def check(reader: Reader, content: bytes) -> str:
    """One input within its bounds; "taken" or the name of the refusal. Whatever else is raised."""
    with (
        tempfile.TemporaryDirectory(prefix="lenet-bench-fuzzing-") as folder,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            with bounded(reader.memory_bytes, CPU_S):
                reader.read(content, Path(folder))
        except BenchError as error:
            refusal = error
        else:
            return "taken"
    said = str(refusal)
    assert said, "a refusal without a word"
    assert all(char.isprintable() for char in said), f"not one line to print: {said!r}"
    return type(refusal).__name__


def run(reader: Reader, seconds: float, first_seed: int = 0) -> Findings:
    """Rounds until the time is over; a fault that was found does not hide the others."""
    found = Findings()
    end = time.monotonic() + seconds
    number = first_seed
    while time.monotonic() < end:
        one_round(reader, found, number)
        number += 1
    return found


def one_round(reader: Reader, found: Findings, number: int, examples: int = ROUND) -> None:
    """So many inputs of one seed; the first fault that is not known yet ends them."""
    last: dict[str, bytes] = {}

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.target, Phase.shrink),
    )
    @given(reader.inputs)
    def property_of_readers(content: bytes) -> None:
        found.examples += 1
        try:
            outcome = check(reader, content)
        except Exception as error:
            name = signature(error)
            found.outcomes["fault"] += 1
            if name not in found.faults:
                last[name] = content
                raise
        else:
            found.outcomes[outcome] += 1

    try:
        property_of_readers()
    except Flaky:
        found.faults.update(last)
    except Exception as error:
        name = signature(error)
        found.faults[name] = last.get(name, b"")


def signature(error: BaseException) -> str:
    """What was raised, and the line of this project that it came from."""
    places = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "/bench/" in frame.filename or "/fuzzing/readers" in frame.filename
    ]
    at = f"{Path(places[-1].filename).name}:{places[-1].lineno}" if places else "?"
    return (
        f"{type(error).__name__} at {at}: {str(error).splitlines()[0][:100] if str(error) else ''}"
    )
