"""Tasks and events: what may cross between a parent and its workers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.config.training_settings import TrainingSettings
from bench.results.certificate import Check
from bench.results.record import PART_OF, Identity, Record
from bench.worker import messages
from bench.worker.messages import (
    CheckMade,
    Ended,
    EpochEnded,
    FindDevices,
    Measured,
    MeasureMachinePeak,
    Predict,
    event_from,
    task_from,
    to_line,
)

CHECK = Check(name="logits", case="7 images", error=1e-7, bound=1e-6, where="", reason="float32")
NOT_THE_WORKERS = (
    *Identity.model_fields,
    *("dataset", "model", "learning_rate", "settings", "run_settings", "identity"),
    *("optimizer", "weight_decay", "outcome", "machine", "certificate", "recipe", "unverified"),
    *("schema_version", "wall_s", "peak_rss_bytes", "data_sha256", "time_to_target_s"),
)


@pytest.mark.parametrize(
    "task",
    [
        FindDevices(framework="torch", threads=2),
        MeasureMachinePeak(threads=1, window_s=0.1),
        Predict(
            framework="flax",
            device="cpu",
            threads=1,
            checkpoint=Path("/a/b.safetensors"),
            sha256="0" * 64,
            images=Path("/a/images.npy"),
            logits=Path("/a/logits.npy"),
            batch_size=500,
        ),
    ],
)
def test_a_task_is_the_same_on_the_other_side(task):
    line = to_line(task)
    assert "\n" not in line
    assert task_from(line) == task


@pytest.mark.parametrize(
    "event",
    [
        Measured(figures={"import_s": 0.5, "versions": {"numpy": "2.4.6"}, "epoch_0": {}}),
        EpochEnded(figures={"epoch_s": 1.0, "learning_rates": 1e-3, "train_loss": None}),
        CheckMade(check=CHECK),
        Ended(outcome="diverged", reason="at step 8", diverged_step=8),
    ],
)
def test_an_event_is_the_same_on_the_other_side(event):
    assert event_from(to_line(event)) == event


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_bit_of_a_figure_is_lost(value):
    event = Measured(figures={"test_loss": value})
    (found,) = event_from(to_line(event)).figures.values()
    assert found == value
    assert math.copysign(1, found) == math.copysign(1, value)


@pytest.mark.parametrize("name", NOT_THE_WORKERS)
def test_a_worker_cannot_tell_whose_record_it_is(name):
    assert name in Record.model_fields | PART_OF | vars(TrainingSettings)["__annotations__"]
    with pytest.raises(ValidationError, match=name):
        Measured(figures={name: "x"})
    with pytest.raises(ValidationError):
        event_from(f'{{"kind": "measured", "figures": {{"{name}": 1}}}}')


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        '{"kind": "guess"}',
        '{"kind": "end"}',
        '{"kind": "end", "outcome": "fine"}',
        '{"kind": "phase", "name": "train", "more": 1}',
        '{"kind": "measured", "figures": {"import_s": "soon"}}',
        '{"kind": "epoch", "figures": {"epoch_s": 1.0}}',
    ],
)
def test_what_is_no_event_is_refused(line):
    with pytest.raises(ValidationError):
        event_from(line)


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValidationError):
        Measured(figures={"test_loss": math.nan})
    with pytest.raises(ValidationError):
        EpochEnded(figures={"epoch_s": math.inf, "learning_rates": 0.1, "train_loss": None})


def test_only_what_is_told_crosses():
    """What an epoch did not evaluate is absent in the record, and no None in its list."""
    told = {"epoch_s": 1.0, "learning_rates": 0.1, "train_loss": None}
    assert event_from(to_line(EpochEnded(figures=told))).figures == told


def test_every_figure_is_a_field_of_the_record():
    assert set(messages.FIGURES) <= PART_OF.keys()
    assert len(set(messages.FIGURES)) == len(messages.FIGURES)
