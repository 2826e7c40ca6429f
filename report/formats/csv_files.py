"""Records → CSV, one row an observation: a record, an epoch, a step, a pair of classes.

UTF-8, comma, a heading line, lines end in a line feed. What a record does not know is an
empty cell; numbers have all their digits; lists and versions are JSON. Texts are on one line, and
a text that a spreadsheet would take for a formula has an apostrophe before it (see text.py). The
end of a failed run's log stays in the record.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import zip_longest
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from bench.config.training_settings import TrainingSettings
from bench.results.record import PARTS, Machine, Record
from report.text import spreadsheet_cell

EPOCH_FIELDS = (
    *("train_loss", "val_loss", "val_accuracy", "epoch_s", "learning_rates"),
    *("test_loss_by_epoch", "test_accuracy_by_epoch", "train_set_loss", "train_set_accuracy"),
)
STEP_FIELDS = ("step_loss", "oracle_step_loss")
ELSEWHERE = (
    *EPOCH_FIELDS,
    *STEP_FIELDS,
    *("class_names", "confusion", "misclassified", "misclassified_among"),
    *("log_tail", "machine", "versions", "certificate"),
)
NAMING_FIELDS = ("run", "cell", "framework", "seed")
NUMBERS = frozenset([int, float, bool, NoneType])  # which are cells as they are
Cell = str | float | None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record as a column.

    path  of attributes, such as timing.wall_s
    kind  its annotation
    """

    column: str
    path: str
    kind: Any


def _of_parts() -> Iterator[Field]:
    for part, model in PARTS.items():
        for name, field in model.model_fields.items():
            yield Field(name, f"{part}.{name}", field.annotation)


OF_PARTS = {field.column: field for field in _of_parts()}  # their names are all different
OF_SETTINGS = {
    column: Field(column, f"settings.{field.name}", get_args(field.type)[0])
    for field in fields(TrainingSettings)
    for column in (f"settings.{field.name}" if field.name in OF_PARTS else field.name,)
}
OF_MACHINE = {
    f"machine_{name}": Field(f"machine_{name}", f"environment.machine.{name}", field.annotation)
    for name, field in Machine.model_fields.items()
}
COLUMNS = (
    *(field for name, field in OF_PARTS.items() if name not in ELSEWHERE),
    *OF_SETTINGS.values(),
    *OF_MACHINE.values(),
)


def csv_files(records: Sequence[Record]) -> dict[str, str]:
    """All files by their names; those of steps and classes where any record holds some."""
    files = {"records.csv": records_csv(records), "epochs.csv": epochs_csv(records)}
    if any(record.learning.step_loss for record in records):
        files["steps.csv"] = steps_csv(records)
    if any(record.learning.confusion for record in records):
        files["confusion.csv"] = confusion_csv(records)
    return files


def records_csv(records: Iterable[Record]) -> str:
    """One row a record: its fields but for the epochs', `machine_` fields, versions, certificate.

    A column is called as its field; a setting has `settings.` before its name where another field
    has the same. The certificate is `passed`, `failed` or nothing; its checks stay in the record.
    """
    values = attrgetter(*(field.path for field in COLUMNS))
    others = [place for place, field in enumerate(COLUMNS) if not _is_number(field.kind)]
    rows = (
        [*_cells(values(record), others), _cell(record.environment.versions), _verdict(record)]
        for record in records
    )
    return _csv([*(field.column for field in COLUMNS), "versions", "certificate"], rows)


def _cells(values: Sequence[Any], others: Iterable[int]) -> list[Cell]:
    """Values as cells; `others` are the places of those that are not numbers."""
    found = list(values)
    for place in others:
        found[place] = _cell(found[place])
    return found


def _is_number(annotation: object) -> bool:
    """Whether a field of this type holds a number, or nothing."""
    is_union = get_origin(annotation) in (Union, UnionType)
    return set(get_args(annotation) if is_union else (annotation,)) <= NUMBERS


def _verdict(record: Record) -> str | None:
    if record.provenance.certificate is None:
        return None
    return "passed" if record.provenance.certificate.passed else "failed"


def epochs_csv(records: Iterable[Record]) -> str:
    """One row an epoch of a record, counted from 1; `run` and `cell` name the record."""
    heading = [*NAMING_FIELDS, "epoch", *EPOCH_FIELDS]
    lists = attrgetter(*(OF_PARTS[name].path for name in EPOCH_FIELDS))
    rows = (
        [*naming, epoch, *values]
        for record, naming in _named(records)
        for epoch, values in enumerate(
            zip_longest(*lists(record)), start=record.learning.first_epoch
        )
    )
    return _csv(heading, rows)


def steps_csv(records: Iterable[Record]) -> str:
    """One row a step of those that records hold, counted from 1."""
    rows = (
        [*naming, step, *values]
        for record, naming in _named(records)
        for of in [record.learning]
        for step, values in enumerate(zip_longest(of.step_loss, of.oracle_step_loss), 1)
    )
    return _csv([*NAMING_FIELDS, "step", *STEP_FIELDS], rows)


def confusion_csv(records: Iterable[Record]) -> str:
    """One row for each pair of classes: test images of the one that were taken for the other.

    Pairs without images are left out; classes have their names, or their numbers without names.
    """
    rows = (
        [*naming, classes(label), classes(predicted), images]
        for record, naming in _named(records)
        for classes in [_Classes(record)]
        for label, predicted, images in record.learning.confusion
    )
    return _csv([*NAMING_FIELDS, "label", "predicted", "images"], rows)


def _named(records: Iterable[Record]) -> Iterator[tuple[Record, list[Cell]]]:
    """Each record with the cells that name it, made once for all of its rows."""
    naming = attrgetter(*(OF_PARTS[name].path for name in NAMING_FIELDS))
    for record in records:
        yield record, [_cell(value) for value in naming(record)]


class _Classes:
    """The cell of a class by its number: its name, or the number where there is none."""

    def __init__(self, record: Record) -> None:
        self._names = record.learning.class_names

    def __call__(self, number: int) -> str:
        return _harmless(self._names[number] if number < len(self._names) else str(number))


def _csv(heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Texts must be harmless already; None becomes empty, a number what repr makes of it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    return text.getvalue()


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, float | int):
        return value
    if isinstance(value, str):
        return _harmless(value)
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, list | tuple | dict):
        return _as_json(value)
    return repr(value)


_as_json = json.JSONEncoder(sort_keys=True).encode  # `json.dumps` would make one for each
_harmless = lru_cache(maxsize=1024)(spreadsheet_cell)  # most texts are those of other records, too
