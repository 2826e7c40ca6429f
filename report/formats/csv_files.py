"""Observations → CSV files, one for each table.

UTF-8, comma, a heading line, lines end in a line feed. What a record does not know is an
empty cell; numbers have all their digits; lists and versions are JSON. Texts are on one line, and
a text that a spreadsheet would take for a formula has an apostrophe before it (see text.py). The
end of a failed run's log stays in the record.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import lru_cache

from pydantic import BaseModel

from bench.results.record import Record
from report.formats.observations import Table, as_json, tables
from report.text import spreadsheet_cell


def csv_files(records: Sequence[Record]) -> dict[str, str]:
    """All files by their names; those of steps and classes where any record holds some."""
    return {f"{table.name}.csv": _csv(table) for table in tables(records, _cell)}


def _csv(table: Table) -> str:
    """Texts must be harmless already; None becomes empty, a number what repr makes of it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.column for field in table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def _cell(value: object) -> str | float | None:
    if value is None or isinstance(value, float | int):
        return value
    if isinstance(value, str):
        return _harmless(value)
    if isinstance(value, list | tuple | dict | BaseModel):
        return as_json(value)
    return repr(value)


_harmless = lru_cache(maxsize=1024)(spreadsheet_cell)  # most texts are those of other records, too
