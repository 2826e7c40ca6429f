"""Records → CSV, one row an observation: a record, an epoch, a step, a kind of mistake.

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
from dataclasses import asdict
from functools import lru_cache
from itertools import zip_longest
from operator import attrgetter
from types import NoneType, UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel

from bench.results.record import Machine, Record
from bench.workload.training import Training
from report.text import spreadsheet_cell

EPOCH_FIELDS = (
    *("train_loss", "val_loss", "val_accuracy", "epoch_s", "learning_rates"),
    *("test_loss_by_epoch", "test_accuracy_by_epoch", "train_set_loss", "train_set_accuracy"),
)
STEP_FIELDS = ("step_loss", "oracle_step_loss")
ELSEWHERE = (
    *EPOCH_FIELDS,
    *STEP_FIELDS,
    *("class_names", "confusion", "mistakes", "mistakes_within"),
    *("log_tail", "machine", "versions", "certificate", "asked"),
)
RECORD_FIELDS = tuple(name for name in Record.model_fields if name not in ELSEWHERE)
NAMING_FIELDS = ("run", "cell", "framework", "seed")
MACHINE_FIELDS = tuple(Machine.model_fields)
NUMBERS = frozenset([int, float, bool, NoneType])  # which are cells as they are
Cell = str | float | None


def csv_files(records: Sequence[Record]) -> dict[str, str]:
    """All files by their names; those of steps and mistakes where any record holds some."""
    files = {"records.csv": records_csv(records), "epochs.csv": epochs_csv(records)}
    if any(record.step_loss for record in records):
        files["steps.csv"] = steps_csv(records)
    if any(record.confusion for record in records):
        files["confusion.csv"] = confusion_csv(records)
    return files


def records_csv(records: Iterable[Record]) -> str:
    """One row a record: its fields but for the epochs', `machine_` fields, versions, certificate.

    The certificate is `passed`, `failed` or nothing; its checks stay in the record.
    """
    machine = (f"machine_{name}" for name in MACHINE_FIELDS)
    heading = [*RECORD_FIELDS, *machine, "versions", "certificate"]
    of_record, of_machine = _Fields(Record, RECORD_FIELDS), _Fields(Machine, MACHINE_FIELDS)
    rows = (
        [
            *of_record.cells(record),
            *of_machine.cells(record.machine),
            _cell(record.versions),
            _verdict(record),
        ]
        for record in records
    )
    return _csv(heading, rows)


class _Fields:
    """Fields of a model as cells; those that can only be numbers need no look."""

    def __init__(self, model: type[BaseModel], names: Sequence[str]) -> None:
        self._values = attrgetter(*names)
        self._others = [
            place
            for place, name in enumerate(names)
            if not _is_number(model.model_fields[name].annotation)
        ]

    def cells(self, of: BaseModel) -> list[Cell]:
        found = list(self._values(of))
        for place in self._others:
            found[place] = _cell(found[place])
        return found


def _is_number(annotation: object) -> bool:
    """Whether a field of this type holds a number, or nothing."""
    is_union = get_origin(annotation) in (Union, UnionType)
    return set(get_args(annotation) if is_union else (annotation,)) <= NUMBERS


def _verdict(record: Record) -> str | None:
    if record.certificate is None:
        return None
    return "passed" if record.certificate.passed else "failed"


def epochs_csv(records: Iterable[Record]) -> str:
    """One row an epoch of a record, counted from 1; `run` and `cell` name the record."""
    heading = [*NAMING_FIELDS, "epoch", *EPOCH_FIELDS]
    rows = (
        [*naming, epoch, *values]
        for record, naming in _named(records)
        for epoch, values in enumerate(
            zip_longest(*(getattr(record, name) for name in EPOCH_FIELDS)),
            start=record.first_epoch,
        )
    )
    return _csv(heading, rows)


def steps_csv(records: Iterable[Record]) -> str:
    """One row a step of those that records hold, counted from 1."""
    rows = (
        [*naming, step, *values]
        for record, naming in _named(records)
        for step, values in enumerate(zip_longest(record.step_loss, record.oracle_step_loss), 1)
    )
    return _csv([*NAMING_FIELDS, "step", *STEP_FIELDS], rows)


def confusion_csv(records: Iterable[Record]) -> str:
    """One row for each pair of classes: test images of the one that were taken for the other.

    Pairs without images are left out; classes have their names, or their numbers without names.
    """
    rows = (
        [*naming, label, said, images]
        for record, naming in _named(records)
        for classes in [_classes(record)]
        for label, counts in zip(classes, record.confusion, strict=False)
        for said, images in zip(classes, counts, strict=False)
        if images
    )
    return _csv([*NAMING_FIELDS, "label", "said", "images"], rows)


def _named(records: Iterable[Record]) -> Iterator[tuple[Record, list[Cell]]]:
    """Each record with the cells that name it, made once for all of its rows."""
    for record in records:
        yield record, [_cell(getattr(record, name)) for name in NAMING_FIELDS]


def _classes(record: Record) -> list[str]:
    """The cells of the classes' names; numbers follow where there are too few names."""
    most = max([len(record.confusion), *map(len, record.confusion)], default=0)
    numbers = range(len(record.class_names), most)
    return [_harmless(name) for name in (*record.class_names, *map(str, numbers))]


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
    if isinstance(value, Training):
        return _settings(value)
    if isinstance(value, list | dict):
        return _as_json(value)
    return repr(value)


_as_json = json.JSONEncoder(sort_keys=True).encode  # `json.dumps` would make one for each
_harmless = lru_cache(maxsize=1024)(spreadsheet_cell)  # most texts are those of other records, too


@lru_cache(maxsize=64)
def _settings(training: Training) -> str:
    return _as_json(asdict(training))
