"""Records made of others, by the names of what is different."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from bench.config.training_settings import TrainingSettings
from bench.results.record import PART_OF, PARTS, Machine, Record

SETTINGS = {field.name for field in fields(TrainingSettings)}
IN_BOTH = {"optimizer", "momentum", "weight_decay"}  # a setting, and what came of it


def changed(record: Record, **changes: Any) -> Record:
    """The record with other fields, by their names; `machine_…` changes the machine.

    A part's name changes fields of that part alone: settings={"weight_decay": None}.
    """
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    machine: dict[str, Any] = {}
    for name, value in changes.items():
        if name in PARTS or name == "settings":
            parts[name] |= value
        elif name in PART_OF:
            parts[PART_OF[name]][name] = value
            if name in IN_BOTH:
                parts["settings"][name] = value
        elif name in SETTINGS:
            parts["settings"][name] = value
        else:
            assert name.startswith("machine_"), name
            machine[name.removeprefix("machine_")] = value
    if machine:
        whole = record.environment.machine.model_dump() | machine
        parts["environment"]["machine"] = Machine.model_validate(whole)
    update: dict[str, Any] = {
        name: kind.model_validate(dict(getattr(record, name)) | parts[name])
        for name, kind in PARTS.items()
        if name in parts
    }
    return record.model_copy(
        update=update | {"settings": replace(record.settings, **parts["settings"])}
    )


def field(written: Mapping[str, Any], name: str) -> Any:
    """A field of a record as JSON, by its name."""
    return written[PART_OF.get(name, "settings")][name]
