"""Records → tables of observations, before any format: a record, an epoch, a step, classes a row.

Tables have the names of the CSV files, without their ending. What a record does not know is None.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import zip_longest
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from bench.config.training_settings import TrainingSettings
from bench.results.record import PARTS, Machine, Record

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
NUMBERS = frozenset([int, float, bool])

Cell = Callable[[object], Any]  # what a format makes of a value that is no number


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record as a column.

    path  of attributes, such as timing.wall_s; empty where the column is no field
    kind  its annotation
    """

    column: str
    path: str
    kind: Any


@dataclass(frozen=True, slots=True)
class Table:
    """Observations of one kind: a row each, with a value for each column."""

    name: str
    columns: tuple[Field, ...]
    rows: Iterable[Sequence[Any]]


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
VERDICT = Field("certificate", "", str | None)
NAMING = tuple(OF_PARTS[name] for name in NAMING_FIELDS)


def kinds(annotation: object) -> set[Any]:
    """The types that an annotation allows, beside None."""
    is_union = get_origin(annotation) in (Union, UnionType)
    return {*(get_args(annotation) if is_union else (annotation,))} - {NoneType}


def moment(text: str) -> datetime | None:
    """A time that a record names; None where the text is none, since somebody has edited it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def verdict(record: Record) -> str | None:
    """`passed`, `failed`, or None where nothing was examined."""
    if record.provenance.certificate is None:
        return None
    return "passed" if record.provenance.certificate.passed else "failed"


def tables(records: Sequence[Record], cell: Cell) -> list[Table]:
    """All tables; those of steps and classes where any record holds some."""
    found = [_of_records(records, cell), _of_epochs(records, cell)]
    if any(record.learning.step_loss for record in records):
        found.append(_of_steps(records, cell))
    if any(record.learning.confusion for record in records):
        found.append(_of_classes(records, cell))
    return found


def _of_records(records: Iterable[Record], cell: Cell) -> Table:
    """One row a record: its fields but for the epochs', `machine_` fields, versions, certificate.

    A column is called as its field; a setting has `settings.` before its name where another field
    has the same. The certificate is its verdict; its checks stay in the record.
    """
    values = attrgetter(*(field.path for field in COLUMNS))
    others = [place for place, field in enumerate(COLUMNS) if not kinds(field.kind) <= NUMBERS]
    rows = (
        [*_cells(values(record), others, cell), cell(record.environment.versions), verdict(record)]
        for record in records
    )
    return Table("records", (*COLUMNS, OF_PARTS["versions"], VERDICT), rows)


def _cells(values: Sequence[Any], others: Iterable[int], cell: Cell) -> list[Any]:
    """Values as cells; `others` are the places of those that are not numbers."""
    found = list(values)
    for place in others:
        found[place] = cell(found[place])
    return found


def _of_epochs(records: Iterable[Record], cell: Cell) -> Table:
    """One row an epoch of a record, counted from 1; `run` and `cell` name the record."""
    lists = attrgetter(*(OF_PARTS[name].path for name in EPOCH_FIELDS))
    rows = (
        [*naming, epoch, *values]
        for record, naming in _named(records, cell)
        for epoch, values in enumerate(
            zip_longest(*lists(record)), start=record.learning.first_epoch
        )
    )
    return Table("epochs", (*NAMING, _counted("epoch"), *_by_row(EPOCH_FIELDS)), rows)


def _of_steps(records: Iterable[Record], cell: Cell) -> Table:
    """One row a step of those that records hold, counted from 1."""
    rows = (
        [*naming, step, *values]
        for record, naming in _named(records, cell)
        for of in [record.learning]
        for step, values in enumerate(zip_longest(of.step_loss, of.oracle_step_loss), 1)
    )
    return Table("steps", (*NAMING, _counted("step"), *_by_row(STEP_FIELDS)), rows)


def _of_classes(records: Iterable[Record], cell: Cell) -> Table:
    """One row for each pair of classes: test images of the one that were taken for the other.

    Pairs without images are left out; classes have their names, or their numbers without names.
    """
    rows = (
        [*naming, classes(label), classes(predicted), images]
        for record, naming in _named(records, cell)
        for classes in [_Classes(record, cell)]
        for label, predicted, images in record.learning.confusion
    )
    classes = (Field("label", "", str), Field("predicted", "", str))
    return Table("confusion", (*NAMING, *classes, _counted("images")), rows)


def _counted(column: str) -> Field:
    return Field(column, "", int)


def _by_row(names: Iterable[str]) -> Iterator[Field]:
    """Fields that are lists of numbers, of which each row has one."""
    for name in names:
        yield Field(name, OF_PARTS[name].path, float | None)


def _named(records: Iterable[Record], cell: Cell) -> Iterator[tuple[Record, list[Any]]]:
    """Each record with the cells that name it, made once for all of its rows."""
    naming = attrgetter(*(field.path for field in NAMING))
    for record in records:
        yield record, [cell(value) for value in naming(record)]


class _Classes:
    """The cell of a class by its number: its name, or the number where there is none."""

    def __init__(self, record: Record, cell: Cell) -> None:
        self._names, self._cell = record.learning.class_names, cell

    def __call__(self, number: int) -> Any:
        return self._cell(self._names[number] if number < len(self._names) else str(number))


def as_json(value: object) -> str:
    """A list, a mapping or a part of a record."""
    return _encoded(value.model_dump() if isinstance(value, BaseModel) else value)


_encoded = json.JSONEncoder(sort_keys=True).encode  # `json.dumps` would make one for each
