from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.record import Record

FROZEN = Path(__file__).parent / "frozen"

SINGLE = (
    *("parameters", "test_loss", "test_accuracy"),
    *("images_per_s", "compile_s", "time_to_target_s", "time_to_target_with_compile_s"),
    *("steps_to_target", "certificate"),
    *("peak_rss_bytes", "framework_version", "split_sha256", "order_sha256"),
    *("initial_weights_sha256", "data_sha256"),
)
LISTS = ("pixel_mean", "pixel_std", "train_loss", "val_loss", "val_accuracy", "epoch_s")

Make = Callable[..., Record]


@pytest.fixture(scope="session")
def frozen() -> list[Record]:
    """Seventeen records as they were once written; test_golden.py computes with them by hand."""
    return [
        Record.model_validate_json(file.read_text(encoding="utf-8"))
        for file in sorted(FROZEN.glob("*.json"))
    ]


@pytest.fixture
def make(frozen: list[Record]) -> Make:
    """A record that succeeded (`torch`, seed 0), with changes; `machine_…` changes the machine."""
    template = next(
        r
        for r in frozen
        if (r.framework, r.seed, r.regime) == ("torch", 0, "matched") and r.target_accuracy
    )

    def changed(**changes: Any) -> Record:
        machine = {
            name.removeprefix("machine_"): changes.pop(name)
            for name in list(changes)
            if name.startswith("machine_") and name not in Record.model_fields
        }
        content = template.model_dump() | changes
        content["machine"] |= machine
        return Record.model_validate(content)

    return changed


@pytest.fixture
def failed(make: Make) -> Make:
    """A record that failed before it learned anything."""

    def changed(**changes: Any) -> Record:
        unknown = dict.fromkeys(SINGLE) | {name: [] for name in LISTS}
        return make(**(unknown | {"status": "failed", "reason": "it broke"} | changes))

    return changed
