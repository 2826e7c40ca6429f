"""Records → CSV: one row a record, and one row an epoch.

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
RECORD_FIELDS = tuple(
    name
    for name in Record.model_fields
    if name not in (*EPOCH_FIELDS, "log_tail", "machine", "versions", "certificate")
)
MACHINE_FIELDS = tuple(Machine.model_fields)


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
    heading = ["run", "cell", "framework", "seed", "epoch", *EPOCH_FIELDS]
    rows = (
        [record.run, record.cell, record.framework, record.seed, epoch, *values]
        for record in records
        for epoch, values in enumerate(
            zip_longest(*(getattr(record, name) for name in EPOCH_FIELDS)),
            start=record.first_epoch,
        )
    )
    return _csv(heading, rows)


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
