"""What earlier versions wrote is read, and nothing of it is lost."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bench.config.settings import DECLARED
from bench.contract import ModelOptions
from bench.results import migrate, store
from bench.results.checkpoint import Header
from bench.results.record import PARTS, SCHEMA, Record
from bench.workload import models

ROOT = Path(__file__).resolve().parents[2]
FROZEN = ROOT / "tests" / "report"
OLD = sorted(
    (
        *(ROOT / "results" / "published" / "mnist" / "records").glob("*-seed0.json"),
        *(ROOT / "results" / "published" / "cifar10-12k" / "records").glob("*-seed0.json"),
        *(FROZEN / "frozen").glob("*.json"),
        *(FROZEN / "frozen-windows" / "records").glob("*-seed0*.json"),
    )
)
# Every setting of a run, as it was asked for until schema 4: None where nothing was.
ASKED = {
    "frameworks": ["torch", "flax"],
    "devices": None,
    "dataset": "mnist",
    "lr": None,
    "target": 0.98,
    "timeout": 60.0,
    "window": 0.1,
    "seeds": [0, 1],
    "data_root": "/home/somebody/data",
    "training": {"schedule": "constant"},
}


SINCE = {  # what no record had before schema 5
    *("left_out", "measured_windows", "clean_windows", "disturbed"),
    *("others_share", "stolen_share", "waited_share", "throttled_share"),
    *("run_id", "attempt", "shares_host", "data_notes"),
    *("training_disturbed", "training_others_share", "training_stolen_share", "variables"),
}


def content(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def holds(after: Any, before: Any) -> bool:
    """Whether all of it is there; what has been added since has its default."""
    if isinstance(before, dict):
        return all(name in after and holds(after[name], value) for name, value in before.items())
    if isinstance(before, list):
        return len(before) == len(after) and all(map(holds, after, before))
    return bool(after == before)


@pytest.fixture
def old() -> dict[str, Any]:
    """A record of schema 4."""
    return content(ROOT / "results/published/mnist/records/torch-cpu-seed0.json")


def test_there_are_records_of_all_earlier_schemas():
    assert {content(path)["schema_version"] for path in OLD} == set(range(1, SCHEMA))


@pytest.mark.parametrize("path", OLD, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_nothing_of_an_old_record_is_lost(path):
    before = content(path)
    after = Record.model_validate(before).model_dump(mode="json")
    assert after["schema_version"] == SCHEMA
    places = {old: (part, new) for part, of in migrate.PLACES.items() for new, old in of.items()}
    settings = {old: new for new, old in migrate.IN_RECORD.items()}
    apart = {"schema_version", "training", "asked", "weight_decay_is_given"}
    apart |= {"confusion", "mistakes", "weight_decay", "versions"}
    for name, value in before.items():
        if name in places and name not in apart:
            part, new = places[name]
            assert holds(after[part][new], value), name
        if name in settings and name not in apart:
            assert after["settings"][settings[name]] == value, name
        assert name in apart | places.keys() | settings.keys()
    assert after["environment"]["versions"] == before["versions"]
    assert after["trained_with"]["weight_decay"] == before["weight_decay"]
    for name, value in before.get("training", {}).items():
        assert after["settings"][name] == value
    matrix = before.get("confusion", [])
    counted = {(label, said): images for label, said, images in after["learning"]["confusion"]}
    for label, row in enumerate(matrix):
        assert [counted.get((label, said), 0) for said in range(len(row))] == row
    assert sum(counted.values()) == sum(map(sum, matrix))
    assert [one["predicted"] for one in after["learning"]["misclassified"]] == [
        one["said"] for one in before.get("mistakes", [])
    ]


def test_an_old_record_by_hand(old):
    found = Record.model_validate(old)
    assert (found.identity.framework, found.identity.seed) == ("torch", 0)
    assert (found.settings.dataset, found.settings.train_size) == ("mnist", 55_000)
    assert found.status.outcome == "ok"
    assert found.learning.val_accuracy == old["val_accuracy"]
    assert found.throughput.windows_s == old["window_s"]
    assert found.environment.machine.cpu == old["machine"]["cpu"]
    assert found.provenance.certificate is not None
    assert found.run_settings is None
    assert Record.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(("given", "expected"), [(True, 0.02), (False, None), (None, 0.02)])
def test_a_weight_decay_that_nobody_typed_is_the_regimes(old, given, expected):
    typed = {} if given is None else {"weight_decay_is_given": given}
    old.pop("weight_decay_is_given", None)
    found = Record.model_validate(old | {"weight_decay": 0.02} | typed)
    assert found.settings.weight_decay == expected
    assert found.trained_with.weight_decay == 0.02


@pytest.mark.parametrize(("given", "expected"), [(True, 0.02), (False, None), (None, 0.02)])
def test_the_same_of_a_plan(given, expected):
    """A manifest of a version between two schemas has its settings in their place already."""
    typed = {} if given is None else {"weight_decay_is_given": given}
    plan = {"settings": {"weight_decay": 0.02, "epochs": 3}, **typed}
    found = migrate.manifest({"schema_version": 4, "plan": plan})["plan"]
    assert found == {"settings": {"weight_decay": expected, "epochs": 3}}


def test_what_was_asked_of_the_run(old):
    found = Record.model_validate(old | {"asked": ASKED}).run_settings
    assert found is not None
    assert (found.frameworks, found.seeds) == (("torch", "flax"), (0, 1))
    assert (found.timeout_s, found.window_s) == (60.0, 0.1)
    # Nobody gave these: the cell's own, and the defaults.
    assert (found.devices, found.batch_sizes, found.threads) == (("cpu",), (128,), (2,))
    assert (found.min_repeats, found.max_repeats) == (2, 2)
    assert found.windows == DECLARED["windows"].default
    assert found.data_root is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"surprise": 1}, "surprise"),
        ({"val_accuracy": "high"}, "learning.val_accuracy"),
        ({"framework": None}, "identity.framework"),
        ({"training": {"surprise": 1}}, "settings"),
        ({"training": 7}, "no record of schema 4"),
        ({"confusion": 7}, "no record of schema 4"),
        ({"mistakes": [7]}, "no record of schema 4"),
        ({"schema_version": 6}, "schema_version"),
        ({"schema_version": 0}, "schema_version"),
        ({"schema_version": True}, "schema_version"),
    ],
)
def test_what_is_no_record_of_its_schema_is_refused(old, tmp_path, change, complaint):
    with pytest.raises(ValidationError, match=complaint.replace(".", r"\.")):
        Record.model_validate(old | change)
    path = tmp_path / "records" / "a.json"
    path.parent.mkdir()
    path.write_text(json.dumps(old | change))
    records, problems = store.read_records([tmp_path])
    assert records == []
    assert [problem[0] for problem in problems] == [path]


def test_a_field_is_in_one_part_alone():
    names = [name for part in PARTS.values() for name in part.model_fields]
    assert len(names) == len(set(names))
    assert set(migrate.PLACES) == set(PARTS)
    for part, fields in migrate.PLACES.items():
        assert set(fields) == set(PARTS[part].model_fields) - SINCE, part


HEADER = {
    "format": 3,
    "bench_version": "0.1",
    "framework": "torch",
    "framework_version": None,
    "device": "cpu",
    "dataset": "mnist",
    "data_sha256": "d" * 64,
    "classes": list("0123456789"),
    "native_size": [28, 28],
    "fit": "pad",
    "pixel_mean": [0.25],
    "pixel_std": [0.5],
    "given_mean": None,
    "given_std": [0.5],
    "pool_images": 60_000,
    "own_test_set": True,
    "train_size": 55_000,
    "val_size": 5_000,
    "test_size": 10_000,
    "split_sha256": "e" * 64,
    "seed": 3,
    "epoch": 7,
    "batch_size": 128,
    "learning_rate": 1e-3,
    "steps": 430,
    "training": {"schedule": "plateau", "factor": 0.1, "patience": 5, "floor": 1e-6},
}


@pytest.fixture
def header(old) -> dict[str, Any]:
    """The header of a checkpoint as it was until format 3."""
    subject = old["certificate"]["subject"]
    optimizer = subject["optimizers"][0] | {"momentum": 0.5, "weight_decay": 0.25, "name": "sgd"}
    network = asdict(models.build("lenet5", (32, 32, 1), 10))
    return HEADER | {"optimizer": optimizer, "model": network}


def test_the_header_of_an_old_checkpoint(header):
    found = Header.model_validate(migrate.header(header))
    assert (found.format, found.seed, found.epoch, found.steps) == (4, 3, 7, 430)
    assert (found.mean, found.std) == ((0.25,), (0.5,))
    of = found.settings
    assert (of.mean, of.std) == (None, (0.5,))
    assert (of.dataset, of.fit, of.train_size, of.learning_rate) == ("mnist", "pad", 55_000, 1e-3)
    assert (of.model, of.activation, of.schedule, of.patience) == ("lenet5", "relu", "plateau", 5)
    assert (of.optimizer, of.momentum, of.weight_decay) == ("sgd", 0.5, 0.25)
    assert migrate.header(found.model_dump()) == found.model_dump()


def test_what_was_chosen_of_the_network_of_an_old_checkpoint(header):
    chosen = ModelOptions(activation="tanh", pooling="average", dropout=0.25, noise=0.5)
    network = asdict(models.build("lenet5", (32, 32, 1), 10, chosen))
    of = Header.model_validate(migrate.header(header | {"model": network})).settings
    assert (of.activation, of.pooling, of.dropout, of.noise) == ("tanh", "average", 0.25, 0.5)


@pytest.mark.parametrize("change", [{"training": {"surprise": 1}}, {"surprise": 1}, {"fit": "x"}])
def test_what_is_no_header_of_its_format_is_refused(header, change):
    with pytest.raises(ValidationError):
        Header.model_validate(migrate.header(header | change))


def test_a_run_has_an_identity_and_an_earlier_one_its_name(old):
    record = Record.model_validate(old)
    assert record.identity.run_id is None
    assert record.identity.of_run == record.identity.run
    written = record.model_dump(mode="json")
    written["identity"]["run_id"] = "0123456789abcdef" * 2
    assert Record.model_validate(written).identity.of_run == "0123456789abcdef" * 2
    with pytest.raises(ValidationError):
        Record.model_validate(written | {"identity": written["identity"] | {"run_id": "../x"}})
