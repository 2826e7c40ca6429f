"""What stands below the main table of a comparison: sections, each with tables and notes.

A section holds what is shown, and nothing of how: the renderers print it as text or as Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

from report.tables.main import NONE, Column, Shown
from report.text import Note


@dataclass(frozen=True, slots=True)
class Table(Generic[Shown]):
    """Rows of figures, and the columns that spell them."""

    columns: tuple[Column[Shown], ...]
    rows: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, tables, and the sentences below them; `figure` is the file of a drawing."""

    title: str
    tables: tuple[Table[Any], ...]
    notes: tuple[Note, ...] = ()
    figure: str | None = None


def saying(columns: Sequence[Column[Shown] | None], rows: Sequence[Shown]) -> Table[Shown]:
    """A table of those columns in which something stands; None stands for none."""
    kept = [
        column
        for column in columns
        if column is not None and any(column.cell(row) != NONE for row in rows)
    ]
    return Table(tuple(kept), tuple(rows))
