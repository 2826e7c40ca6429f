"""What each column of CSV and Parquet files means, as records and settings describe it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.config.settings import DECLARED
from bench.results.record import PARTS, Machine
from report.formats import step_profile_csv
from report.formats.observations import (
    COLUMNS,
    EPOCH_FIELDS,
    OF_PARTS,
    STEP_FIELDS,
    Field,
)

UNITS = (
    ("gflop_per_s", "GFLOP/s"),
    ("images_per_s", "images/s"),
    ("_bytes", "bytes"),
    ("_s", "s"),
    ("_j", "J"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One column: in which file, its unit where it has one, its form, its meaning."""

    file: str
    column: str
    unit: str
    form: str
    meaning: str


def entries() -> list[Entry]:
    """All columns of all files, in their order."""
    return [
        *(_entry("records.csv", field) for field in COLUMNS),
        Entry("records.csv", "versions", "", "JSON", "libraries and their versions"),
        Entry("records.csv", "certificate", "", "text", "passed, failed, or nothing: not examined"),
        *_naming("epochs.csv"),
        Entry("epochs.csv", "epoch", "", "whole number", "counted from 1"),
        *(_of_list("epochs.csv", name) for name in EPOCH_FIELDS),
        *_naming("steps.csv"),
        Entry("steps.csv", "step", "", "whole number", "of the optimizer, counted from 1"),
        *(_of_list("steps.csv", name) for name in STEP_FIELDS),
        *_naming("confusion.csv"),
        Entry("confusion.csv", "label", "", "text", "class of test images"),
        Entry("confusion.csv", "predicted", "", "text", "class that they were taken for"),
        Entry("confusion.csv", "images", "", "whole number", "how many, at least 1"),
    ]


def entries_of_profiles() -> list[Entry]:
    """The columns of a profile's file, of which a report may have several."""
    return [
        Entry("profile-….csv", name, unit, form, meaning)
        for name, (unit, form, meaning) in step_profile_csv.COLUMNS.items()
    ]


def _entry(file: str, field: Field) -> Entry:
    name = field.path.rpartition(".")[2]
    return Entry(file, field.column, _unit(name), _form(str(field.kind)), _meaning(field))


def _meaning(field: Field) -> str:
    part, _, name = field.path.partition(".")
    if part == "settings":
        of = DECLARED[name]
        return f"{of.flag}: {of.about.help}"
    nested = name.removeprefix("machine.")
    described = (Machine if nested != name else PARTS[part]).model_fields[nested]
    if described.description is None:
        raise ValueError(f"the record's field {field.path} has no description")
    return described.description


def _naming(file: str) -> Iterator[Entry]:
    """What names the record that a row belongs to."""
    yield Entry(file, "run", "", "text", "as in records.csv; with cell it names the record")
    yield Entry(file, "cell", "", "text", "as in records.csv")
    yield Entry(file, "framework", "", "text", "as in records.csv")
    yield Entry(file, "seed", "", "whole number", "as in records.csv")


def _of_list(file: str, name: str) -> Entry:
    whole = _entry(file, OF_PARTS[name])
    return Entry(whole.file, whole.column, whole.unit, "number", whole.meaning)


def _unit(name: str) -> str:
    return next((unit for ending, unit in UNITS if name.endswith(ending)), "")


def _form(annotation: str) -> str:
    if any(word in annotation for word in ("list", "tuple", "dict", "SystemState", "Reproduced")):
        return "JSON"
    for word, form in (("bool", "True or False"), ("int", "whole number"), ("float", "number")):
        if word in annotation:
            return form
    return "text"
