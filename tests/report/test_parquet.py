"""Parquet files, read back by pyarrow: what the records hold, in types that fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bench.results.record import Record
from report.analysis.configurations import distinct
from report.build import build
from report.formats.csv_files import csv_files
from report.formats.observations import COLUMNS, tables
from report.formats.parquet import parquet_files
from report.report_data import ReportData

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: tox -e exports")
pq = pytest.importorskip("pyarrow.parquet")
Make = Callable[..., Record]


def read(content: bytes) -> Any:
    return pq.read_table(pa.BufferReader(content))


def plain(value: object) -> object:
    """A value of a record as Parquet has it."""
    if isinstance(value, dict | BaseModel):
        value = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        return json.loads(json.dumps(value))
    return list(value) if isinstance(value, tuple) else value


def test_records_read_back_equal_the_records(frozen: list[Record], make: Make) -> None:
    other = make(
        framework="=Сеть\n",
        seed=9,
        images_per_s=1 / 3,
        windows_s=[0.25, 1 / 3],
        state_before={"load_1min": 0.5},
        started_at="yesterday",  # as somebody has edited it
        mean=[],
    )
    records = distinct([*frozen, other])
    rows = read(parquet_files(records)["records.parquet"]).to_pylist()
    for row, record in zip(rows, records, strict=True):
        assert json.loads(row["versions"]) == record.environment.versions
        assert row["certificate"] == ("passed" if record.provenance.certificate else None)
        for field in COLUMNS:
            found, expected = row[field.column], plain(attrgetter(field.path)(record))
            if field.column == "started_at" and expected == "yesterday":
                assert found is None
            elif field.column == "started_at":
                assert found == datetime.fromisoformat(str(expected))
            elif isinstance(expected, dict):
                assert json.loads(found) == expected
            else:
                assert found == expected, field.column


def test_the_other_tables_read_back_equal_the_records(mistaken: list[Record]) -> None:
    files = parquet_files(mistaken)
    assert {Path(name).stem for name in files} == {Path(name).stem for name in csv_files(mistaken)}
    for table in tables(mistaken, lambda value: value):
        found = read(files[f"{table.name}.parquet"])
        names = [field.column for field in table.columns]
        assert found.column_names == names
        if table.name != "records":
            expected = [dict(zip(names, row, strict=True)) for row in table.rows]
            assert len(expected) > 5
            assert found.to_pylist() == expected


@pytest.mark.parametrize("of", ["windows", "nothing"])
def test_columns_have_types_units_and_meanings(windows: list[Record], of: str) -> None:
    """Also where there is no row that would show them."""
    files = parquet_files(windows if of == "windows" else [])
    schema = pq.read_schema(pa.BufferReader(files["records.parquet"]))
    expected = {
        "started_at": pa.timestamp("us", "UTC"),
        "framework": pa.string(),
        "seed": pa.int64(),
        "throughput_only": pa.bool_(),
        "disturbed": pa.bool_(),
        "parameters": pa.int64(),
        "images_per_s": pa.float64(),
        "target_accuracy": pa.float64(),
        "windows_s": pa.list_(pa.float64()),
        "step_numbers": pa.list_(pa.int64()),
        "warnings": pa.list_(pa.string()),
        "machine_instruction_sets": pa.list_(pa.string()),
        "evaluate": pa.list_(pa.string()),
        "state_before": pa.string(),
        "machine_memory_bytes": pa.int64(),
        "versions": pa.string(),
    }
    for name, kind in expected.items():
        found = schema.field(name).type
        if pa.types.is_list(kind):  # the name of what is in a list is the writer's business
            assert found.value_type == kind.value_type, name
        else:
            assert found == kind, name
    assert schema.field("images_per_s").metadata[b"unit"] == b"images/s"
    assert b"median" in schema.field("images_per_s").metadata[b"description"]
    assert b"unit" not in schema.field("framework").metadata
    epochs = pq.read_schema(pa.BufferReader(files["epochs.parquet"]))
    assert epochs.field("epoch").type == pa.int64()
    assert epochs.field("epoch_s").type == pa.float64()
    assert epochs.field("epoch_s").metadata[b"unit"] == b"s"


def test_a_whole_number_beyond_64_bits_is_kept(make: Make) -> None:
    """Any seed is allowed; the column is then text."""
    table = read(parquet_files([make(seed=2**70), make(seed=1)])["records.parquet"])
    assert table["seed"].to_pylist() == [str(2**70), "1"]


def test_the_same_records_give_the_same_files(windows: list[Record], tmp_path: Path) -> None:
    names = ("records.parquet", "epochs.parquet")
    assert build(ReportData.of(windows), tmp_path, formats=["parquet"]) == [
        tmp_path / name for name in names
    ]
    first = [(tmp_path / name).read_bytes() for name in names]
    build(ReportData.of(windows), tmp_path, formats=["parquet"])
    assert [(tmp_path / name).read_bytes() for name in names] == first


def test_what_was_taken_out_is_said(windows: list[Record]) -> None:
    files = parquet_files(windows, ("Taken out for sharing: ", "2 paths."))
    metadata = pq.read_schema(pa.BufferReader(files["records.parquet"])).metadata
    assert b"2 paths" in metadata[b"taken_out"]
