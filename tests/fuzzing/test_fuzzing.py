"""A reader gives a right value or one of `bench.errors`, within its bounds, whatever it reads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st

from bench.errors import DataError
from tests.fuzzing import campaign
from tests.fuzzing.readers import Reader, readers

FEW, MANY = 20, 1500  # inputs
READERS = readers() if sys.platform == "linux" else {}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds are those of Linux")


def faults(reader: Reader, examples: int) -> str:
    found = campaign.Findings()
    campaign.one_round(reader, found, number=0, examples=examples)
    assert found.faults or found.examples >= examples // 2
    return "\n".join(f"{fault}: {content[:200]!r}" for fault, content in found.faults.items())


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_a_reader_reads_or_refuses(reader: Reader) -> None:
    assert faults(reader, FEW) == ""


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_a_reader_reads_or_refuses_many(reader: Reader) -> None:
    assert faults(reader, MANY) == ""


def loops(content: bytes, _: Path) -> None:
    while len(content) > 2:
        pass


def hoards(content: bytes, _: Path) -> None:
    if len(content) > 2:
        bytearray(400 << 20)


def leaks(content: bytes, _: Path) -> None:
    if content[:1] == b"\x07":
        raise KeyError("x")
    raise DataError("refused")


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (loops, "ExceededError at readers"),
        (hoards, "took more than 256 MiB"),
        (leaks, "KeyError"),
    ],
)
def test_what_a_reader_may_not_do_is_found(
    read, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "CPU_S", 0.05)
    found = faults(Reader(st.binary(max_size=4), read), 400)
    assert told.partition(" at ")[0] in found
