"""Texts that are compared whole with a file; `GOLDEN=write` in the environment makes it anew."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pytest

HEADING = "== "


def assert_golden(path: Path, text: str) -> None:
    """That the file says this. What a new one says is to be read before it is committed."""
    if is_written():
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


def assert_golden_of(path: Path, name: str, lines: Sequence[str]) -> None:
    """That the file says this under the name of a test. It is written by one process at a time."""
    if is_written():
        found = {**sections(path), name: tuple(lines)}
        path.write_text(
            "".join(
                "".join(f"{line}\n" for line in (HEADING + test, *said))
                for test, said in sorted(found.items())
                if said
            ),
            encoding="utf-8",
        )
        sections.cache_clear()
    assert tuple(lines) == sections(path).get(name, ())


def complaints(printed: str, places: Mapping[Path, str]) -> list[str]:
    """The lines that tell of an error, without what differs from one call to the next."""
    found = []
    for line in printed.splitlines():
        if line.startswith(("error: ", "interrupted: ")):
            for place, name in places.items():
                line = line.replace(str(place), name)
            line = re.sub(r"(Error while deserializing header): [^)]*", r"\1: ITS WORDS", line)
            line = re.sub(r"_acc[\d.]+\d", "_accN", line)
            line = re.sub(r"give 1 to \d+$", "give 1 to CPUS", line)
            line = re.sub(r"\d{4}-\d\d-\d\dT[\d-]+Z", "TIME", line)
            found.append(re.sub(r"\b[0-9a-f]{7,64}\b", "HASH", line))
    return found


def named(request: pytest.FixtureRequest) -> str:
    """The test that asks for a fixture, in its file."""
    # Its own name: some versions of pytest-xdist add a group's to the node's identity.
    return f"{request.node.path.name}::{request.node.name}"


@lru_cache
def sections(path: Path) -> Mapping[str, tuple[str, ...]]:
    """What the file says, by the names of tests."""
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if line.startswith(HEADING):
            found[line.removeprefix(HEADING)] = said = []
        else:
            said.append(line)
    return {name: tuple(said) for name, said in found.items()}


def is_written() -> bool:
    """Whether files are made anew."""
    return os.environ.get("GOLDEN") == "write"
