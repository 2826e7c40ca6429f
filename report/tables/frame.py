"""The rows of all comparisons as one pandas frame, for figures and for further analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import pandas as pd

from bench.results.record import Record
from report.analysis.comparison import Comparison, Row, compare
from report.analysis.configurations import Setup
from report.analysis.throughput import Speed
from report.wording import settings_text

_INTEGERS = (
    "comparison",
    "batch_size",
    "threads",
    "epochs",
    "first_epoch",
    "train_images",
    "val_images",
    "test_images",
    "runs",
    "runs_ok",
    "seeds",
    "parameters",
    "target_reached",
    "target_runs",
    "peak_rss_bytes",
    "peak_device_bytes",
    "processes",
    "outliers",
    "in_windows",
    "unsteady",
    "pairs",
)
_TEXTS = (
    "dataset",
    "model",
    "activation",
    "pooling",
    "device",
    "optimizer",
    "fit",
    "machine_fingerprint",
    "resumed_from",
    "training",
    "framework",
    "framework_version",
    "status",
    "ratio_test",
)
_FLAGS = ("time_to_target_is_bound", "time_to_target_with_compile_is_bound")
_LISTS = ("given_mean", "given_std")
_COLUMNS = (
    "comparison",
    *(field.name for field in fields(Setup) if field.name not in _LISTS),
    *(field.name for field in fields(Row) if field.name != "speed"),
    *(field.name for field in fields(Speed)),
)


def summarise(records: Sequence[Record]) -> pd.DataFrame:
    """A tidy table: one row a framework, its version and a set-up, machine included.

    `comparison` numbers the groups of rows that may be compared with each other; a ratio of rows
    of two groups has no meaning. The other columns are the fields of `Setup` (but for given
    normalisations), of `Row` and of its `Speed`, in their units; `seeds` is the number of seeds.
    Figures that do not exist are missing values.
    """
    rows = [
        {"comparison": number, **_values(comparison, row)}
        for number, comparison in enumerate(compare(records))
        for row in comparison.rows
    ]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    kinds = dict.fromkeys(_COLUMNS, "float64")
    kinds |= dict.fromkeys(_INTEGERS, "Int64")
    kinds |= dict.fromkeys(_TEXTS, "string")
    kinds |= dict.fromkeys(_FLAGS, "bool")
    return frame.astype(kinds)


def _values(comparison: Comparison, row: Row) -> dict[str, object]:
    setup = comparison.setup
    values: dict[str, object] = {
        field.name: getattr(setup, field.name)
        for field in fields(Setup)
        if field.name not in _LISTS
    }
    values |= {field.name: getattr(row, field.name) for field in fields(Row)}
    del values["speed"]
    values |= {field.name: getattr(row.speed, field.name) for field in fields(Speed)}
    values["seeds"] = len(row.seeds)
    values["training"] = ", ".join(settings_text.words(setup.training))
    return values
