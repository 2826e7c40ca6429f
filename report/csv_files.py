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
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import zip_longest

from pydantic import BaseModel

from bench.record import Machine, Record
from bench.training import Training
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
    rows = (
        [
            *(getattr(record, name) for name in RECORD_FIELDS),
            *(getattr(record.machine, name) for name in MACHINE_FIELDS),
            record.versions,
            _verdict(record),
        ]
        for record in records
    )
    return _csv(heading, rows)


def _verdict(record: Record) -> str | None:
    if record.certificate is None:
        return None
    return "passed" if record.certificate.passed else "failed"


def epochs_csv(records: Iterable[Record]) -> str:
    """One row an epoch of a record, counted from 1; `run` and `cell` name the record."""
    heading = [*NAMING_FIELDS, "epoch", *EPOCH_FIELDS]
    rows = (
        [*_naming(record), epoch, *values]
        for record in records
        for epoch, values in enumerate(
            zip_longest(*(getattr(record, name) for name in EPOCH_FIELDS)),
            start=record.first_epoch,
        )
    )
    return _csv(heading, rows)


def steps_csv(records: Iterable[Record]) -> str:
    """One row a step of those that records hold, counted from 1."""
    rows = (
        [*_naming(record), step, *values]
        for record in records
        for step, values in enumerate(zip_longest(record.step_loss, record.oracle_step_loss), 1)
    )
    return _csv([*NAMING_FIELDS, "step", *STEP_FIELDS], rows)


def confusion_csv(records: Iterable[Record]) -> str:
    """One row for each pair of classes: test images of the one that were taken for the other.

    Pairs without images are left out; classes have their names, or their numbers without names.
    """
    rows = (
        [*_naming(record), _class_name(record, label), _class_name(record, said), images]
        for record in records
        for label, counts in enumerate(record.confusion)
        for said, images in enumerate(counts)
        if images
    )
    return _csv([*NAMING_FIELDS, "label", "said", "images"], rows)


def _naming(record: Record) -> list[object]:
    return [getattr(record, name) for name in NAMING_FIELDS]


def _class_name(record: Record, number: int) -> str:
    names = record.class_names
    return names[number] if number < len(names) else str(number)


def _csv(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return spreadsheet_cell(value)
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Training):
        value = asdict(value)
    if isinstance(value, list | dict):
        return json.dumps(value, sort_keys=True)
    return repr(value)
