"""Observations → Parquet files, one for each table, by pyarrow: typed, where CSV has only text.

Whole numbers are int64, others double, what was or was not is bool, times are timestamps in UTC,
lists of them are lists; parts of records and mappings are JSON. What a record does not know is
null. A column has its meaning and its unit among its metadata. Texts are as the record has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from bench import __version__
from bench.results.record import Record
from report.formats.data_dictionary import Entry, entries
from report.formats.observations import NUMBERS, Field, Table, as_json, kinds, moment, tables
from report.text import Note
from report.wording.notes import plain_note

if TYPE_CHECKING:
    import pyarrow as pa

MOMENTS = ("started_at",)  # texts that are times, ISO 8601


def parquet_files(records: Sequence[Record], stripped: Note = ()) -> dict[str, bytes]:
    """All files by their names, of the tables that CSV has; `stripped` is among their metadata."""
    about = {(one.file.removesuffix(".csv"), one.column): one for one in entries()}
    notes = {"lenet_bench_version": __version__}
    if stripped:
        notes["taken_out"] = plain_note(stripped)
    return {
        f"{table.name}.parquet": _file(table, about, notes)
        for table in tables(records, lambda value: value)
    }


def _file(table: Table, about: dict[tuple[str, str], Entry], notes: dict[str, str]) -> bytes:
    import pyarrow as pa  # only where Parquet is asked for
    import pyarrow.parquet as pq

    by_column = zip(*table.rows, strict=True)
    columns = [list(values) for values in by_column] or [[] for _ in table.columns]
    arrays = [_array(values, field) for values, field in zip(columns, table.columns, strict=True)]
    fields = [
        pa.field(field.column, array.type, metadata=_described(about[table.name, field.column]))
        for field, array in zip(table.columns, arrays, strict=True)
    ]
    written = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, notes)), written)
    content: bytes = written.getvalue().to_pybytes()
    return content


def _described(entry: Entry) -> dict[str, str]:
    found = {"description": entry.meaning, "unit": entry.unit}
    return {name: text for name, text in found.items() if text}


def _array(values: list[Any], field: Field) -> pa.Array:
    import pyarrow as pa

    if field.column in MOMENTS:
        return pa.array([moment(value) for value in values], pa.timestamp("us", "UTC"))
    kind = _type(field.kind)
    if kind == pa.string():
        values = [_text(value) for value in values]
    try:
        return pa.array(values, kind)
    except (OverflowError, pa.ArrowInvalid):  # a whole number beyond 64 bits, such as a seed
        return pa.array([None if value is None else str(value) for value in values])


def _type(annotation: object) -> pa.DataType:
    """The type of a column; text where there is no other, which is then JSON."""
    import pyarrow as pa

    allowed = kinds(annotation)
    for numbers, kind in (({bool}, pa.bool_()), ({int}, pa.int64()), (NUMBERS, pa.float64())):
        if allowed <= numbers:
            return kind
    (first, *others) = allowed
    items = {*get_args(first)} - {...} if get_origin(first) in (list, tuple) else set()
    if not others and len(items) == 1:
        (item,) = items
        if kinds(item) <= NUMBERS or all(map(_is_text, kinds(item))):
            return pa.list_(_type(item))
    return pa.string()


def _is_text(kind: object) -> bool:
    return kind is str or get_origin(kind) is Literal


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else as_json(value)
