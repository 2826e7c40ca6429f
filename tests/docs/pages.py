"""The commands that the documentation shows: which there are, and what a page says of running them.

A block of commands is ```console, each line with `$ ` a command; what follows two spaces and `#` is
not part of it. A comment in the line above a block says when it is tried:

    <!-- quick -->            in `make test`, within the process of the tests
    <!-- not run: REASON -->  never, for that reason
    nothing                   with the long tests, on fewer images and in shorter windows

`<!-- file: NAME -->` above a block of another language: the commands need it. Python makes it.
"""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from markdown_it import MarkdownIt

from bench.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MADE = DOCS / "reference" / "commands"  # from the program, whose examples are taken from there
# Each command of this project as it is typed.
PROGRAMS = (["python", "-m", "bench"], ["lenet-bench"])


@dataclass(frozen=True)
class Command:
    """A command of a page, and what the page says of running it.

    mark  `quick`, `not run: REASON` or nothing
    """

    page: str
    line: str
    mark: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)

    @property
    def arguments(self) -> list[str] | None:
        """Those of a command of this project; None of another program."""
        for program in PROGRAMS:
            if self.words[: len(program)] == program:
                return self.words[len(program) :]
        return None

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


@dataclass(frozen=True)
class NeededFile:
    """A file that the commands of a page need: its text, or a program that makes it."""

    name: str
    language: str
    text: str


def pages() -> list[Path]:
    """What people read: the pages of the site that are written, and the README."""
    found = [path for path in sorted(DOCS.rglob("*.md")) if not path.is_relative_to(MADE)]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *found]


def _blocks(path: Path) -> Iterator[tuple[str, str, str]]:
    """Language, text and the comment above of each block of a page."""
    above = ""
    for token in MarkdownIt().parse(path.read_text(encoding="utf-8")):
        if token.type == "fence":
            yield token.info.strip(), token.content, above
        found = re.fullmatch(r"<!-- (.+?) -->", token.content.strip(), re.DOTALL)
        above = found[1] if token.type == "html_block" and found else ""


def _lines(block: str) -> Iterator[str]:
    for line in block.splitlines():
        if line.startswith("$ "):
            yield re.split(r"\s{2,}#", line.removeprefix("$ "))[0].strip()


def _of_pages() -> Iterator[Command]:
    for path in pages():
        for language, text, mark in _blocks(path):
            if language == "console":
                for line in _lines(text):
                    yield Command(str(path.relative_to(ROOT)), line, mark)


def commands_of(group: Any, name: str = "bench") -> Iterator[tuple[str, Any]]:
    """Every command of the program, such as `bench data fetch`."""
    for child in group.commands.values():
        if getattr(child, "commands", None):
            yield from commands_of(child, f"{name} {child.name}")
        else:
            yield f"{name} {child.name}", child


def examples(help_text: str) -> list[str]:
    """The examples at the end of a command's help."""
    _, _, below = inspect.cleandoc(help_text).partition("Examples:")
    return [line.strip() for line in below.strip().splitlines()]


# Commands whose examples are not run, though help texts have no marks.
NOT_RUN = {
    "bench gate": "tests/gate compares revisions that are made for it",
    "bench setup": "downloads 1 to 3 GB",
    "bench bisect": "installs releases, some GB, and measures for hours",
    "bench matrix": "shows what was measured of releases, which takes hours",
    "bench new-framework": "writes into this checkout; tests/cli/test_new_framework.py runs it",
    "bench data fetch": "downloads",
    "bench export": "wants MLflow; tests/cli/test_export.py runs it, in `tox -e exports`",
}


def _of_helps() -> Iterator[Command]:
    for name, command in commands_of(typer.main.get_group(app)):
        mark = f"not run: {NOT_RUN[name]}" if name in NOT_RUN else ""
        for line in examples(command.help or ""):
            yield Command(f"{name} --help", line, mark)


def needed_files() -> list[NeededFile]:
    found = []
    for path in pages():
        for language, text, mark in _blocks(path):
            if mark.startswith("file: "):
                found.append(NeededFile(mark.removeprefix("file: "), language, text))
    return found


# Without those that stand in several places.
EVERY = tuple({(one.line, one.mark): one for one in [*_of_pages(), *_of_helps()]}.values())
