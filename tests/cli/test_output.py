"""Printing that cannot end the program."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from bench.cli import output


@contextmanager
def printing_to(stream: TextIO) -> Iterator[None]:
    """Standard output; set within the test, since pytest sets it anew when one begins."""
    before, sys.stdout = sys.stdout, stream
    try:
        yield
    finally:
        sys.stdout = before


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """The ends for reading and for writing."""
    reader, writer = os.pipe()
    with open(reader, encoding="utf-8") as reading, open(writer, "w", encoding="utf-8") as writing:
        yield reading, writing


def test_what_is_printed_arrives(pipe):
    reading, writing = pipe
    with printing_to(writing):
        with output.unstoppable() as streams:
            print("müsli" * 3)
        assert sys.stdout is writing
    assert streams.fault() is None
    writing.close()
    assert reading.read() == "müslimüslimüsli\n"


def test_lines_have_no_blanks_at_their_ends(pipe):
    reading, writing = pipe
    with printing_to(writing), output.unstoppable():
        print("  one  two   \n   \n three ", end="")
        print("four")
    writing.close()
    assert reading.read() == "  one  two\n\n three four\n"


def test_a_reader_that_goes_halfway(pipe):
    reading, writing = pipe
    with printing_to(writing), output.unstoppable() as streams:
        print("one", flush=True)
        assert reading.readline() == "one\n"
        reading.close()
        for _ in range(3):
            print("x" * 100_000, flush=True)
    assert streams.fault() is None  # it has had enough


def test_a_descriptor_that_somebody_has_made_non_blocking(pipe):
    """As Julia does; without waiting, what does not fit into the pipe would be lost."""
    reading, writing = pipe
    os.set_blocking(writing.fileno(), False)
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(reading.readline()))
    with printing_to(writing), output.unstoppable():
        thread.start()
        print("x" * 1_000_000, flush=True)
    thread.join(60)
    assert len(found[0]) == 1_000_001


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_without_room_is_told():
    with open("/dev/full", "w") as full, printing_to(full), output.unstoppable() as streams:
        print("x" * 100_000)
        print("more", flush=True)
    fault = streams.fault()
    assert fault is not None
    assert fault.strerror == "No space left on device"


def test_streams_that_are_none_or_a_test_s_stay(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with output.unstoppable():
        print("told")
    assert capsys.readouterr().out == "told\n"


def test_what_the_encoding_lacks_is_spelled_otherwise_or_replaced(pipe):
    reading, writing = pipe
    writing.reconfigure(encoding="ascii")
    with printing_to(writing), output.unstoppable():
        print("5–7 % Ж")
    writing.close()
    assert reading.read() == "5-7 % ?\n"


@pytest.mark.parametrize("closed", [(1, 2), (0, 1, 2), (0, 2)], ids=str)
def test_descriptors_that_are_closed_are_given_to_nothing_else(closed):
    """A pipe of ours that took one's number would be a child's standard output."""
    program = (
        f"import os\nfor number in {closed}: os.close(number)\n"
        "from bench.cli import output\n"
        "with output.unstoppable():\n    taken = os.pipe()\n"
        "os._exit(0 if min(taken) > 2 else 1)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
