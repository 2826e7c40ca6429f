"""What MLflow is told of records, and what it then holds."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bench.errors import StoreError, UsageError
from bench.results.record import Record
from report.formats import mlflow_runs
from report.formats.mlflow_runs import CELL_ID, PARENT, RUN_ID, described, export, place

Make = Callable[..., Record]
absent = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="MLflow is not installed: tox -e exports"
)
STARTED = datetime(2026, 1, 31, 12, tzinfo=UTC)


def needs_mlflow(test: Callable[..., None]) -> Callable[..., None]:
    """What its client and its libraries warn of when it is read here is not ours."""
    return pytest.mark.filterwarnings("ignore")(absent(test))


@pytest.fixture
def record(make: Make) -> Record:
    return make(
        run="2026-01-31T12-00-00Z-mnist-lenet5",
        run_id="a" * 32,
        cell="torch-cpu-seed0",
        started_at=STARTED.isoformat(),
        epoch_s=[2.0, 3.0],
        first_epoch=4,
        val_accuracy=[0.9, 0.95],
        val_loss=[None, 0.2],
        epoch_0={"val_accuracy": 0.1},
        step_loss=[2.3, 2.2],
        windows_s=[0.25],
        wall_s=60.0,
        images_per_s=1000.0,
        warnings=["a", "b"],
        left_out={"peak_rss_bytes": "no counter"},
        machine_host="c0ffee",
    )


def points(record: Record) -> dict[str, list[tuple[int, float, float]]]:
    """By metric: step, value, seconds since the cell's start."""
    of = described(record)
    found: dict[str, list[tuple[int, float, float]]] = {}
    for point in of.points:
        at_s = (point.at_ms - of.start_ms) / 1000
        found.setdefault(point.name, []).append((point.step, point.value, at_s))
    return found


def test_settings_are_parameters_and_the_rest_are_tags(record: Record) -> None:
    of = described(record)
    assert of.start_ms == 1769860800000
    assert of.params.keys() >= {"framework", "device", "seed", "batch_size", "dataset", "optimizer"}
    assert (of.params["framework"], of.params["seed"]) == ("torch", "0")
    assert of.params["epochs"] == str(record.settings.epochs)
    assert of.params["settings.optimizer"] == record.settings.optimizer
    assert (of.tags["outcome"], of.tags["certificate"]) == ("ok", "passed")
    assert of.tags["warnings"] == '["a", "b"]'
    assert '"torch"' in of.tags["versions"]
    assert of.tags["machine_logical_cpus"] == str(record.environment.machine.logical_cpus)
    assert not of.params.keys() & of.tags.keys()
    assert "c0ffee" not in str(of)
    assert all(text for text in (*of.params.values(), *of.tags.values()))


def test_what_is_measured_are_metrics_with_steps(record: Record) -> None:
    found = points(record)
    assert found["images_per_s"] == [(0, 1000.0, 0.0)]
    assert found["val_accuracy"] == [(0, 0.1, 0.0), (4, 0.9, 2.0), (5, 0.95, 5.0)]
    assert found["val_loss"] == [(5, 0.2, 5.0)]
    assert found["step_loss"] == [(1, 2.3, 0.0), (2, 2.2, 0.0)]
    assert found["windows_s"] == [(1, 0.25, 0.0)]
    assert [step for step, *_ in found["test_accuracy"]] == [0]
    assert not found.keys() & {"first_epoch", "seed", "disturbed", "machine_memory_bytes"}


def test_what_failed_has_its_reason_and_no_metric(failed: Make) -> None:
    of = described(failed(reason="x" * 9000))
    assert of.tags["outcome"] == "failed"
    assert len(of.tags["reason"]) == mlflow_runs.MOST_TEXT + 1
    assert not {"images_per_s", "test_accuracy"} & {point.name for point in of.points}


@pytest.fixture
def installed() -> Iterator[None]:
    """As where MLflow is."""
    with mock.patch.object(importlib.util, "find_spec", return_value=object()):
        yield


@pytest.mark.usefixtures("installed")
def test_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert place("my runs") == (tmp_path / "my runs").as_uri()
    for given in ("file:/tmp/x", "sqlite:///mlflow.db", "http://localhost:5000", "https://a.b/c"):
        assert place(given) == given


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("", "is no place for runs of MLflow: give a folder, file:FOLDER, sqlite:///FILE"),
        ("localhost:5000", "is no place for runs"),
        ("127.0.0.1:5000", "is no place for runs"),
        ("postgresql://db/x", "is no place for runs"),
        ("postgresql://me:secret@db/x", "takes no user or password in its address"),
        ("sqlite://mlflow.db", "names no file: give sqlite:///FILE"),
        ("sqlite:///", "names no file"),
        ("http://:5000", "names no host"),
        ("https://me:secret@host", "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
    ],
)
def test_what_is_no_place(uri: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        place(uri)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


class Store:
    """A store of MLflow, as its own client shows it."""

    def __init__(self, uri: str) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient(uri)

    def runs(self) -> list[Any]:
        found = self.client.get_experiment_by_name("lenet-bench")
        return list(self.client.search_runs([found.experiment_id]))

    def children(self) -> list[Any]:
        return [run for run in self.runs() if PARENT in run.data.tags]


@pytest.fixture(params=["file", "sqlite"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty store; what is set in the environment for it does not stay."""
    with mock.patch.dict(os.environ):
        sqlite = request.param == "sqlite"
        yield place(f"sqlite:///{tmp_path}/mlflow.db" if sqlite else str(tmp_path / "mlruns"))


@needs_mlflow
def test_a_run_is_there_once_with_all_that_was_told(
    uri: str, record: Record, make: Make, tmp_path: Path
) -> None:
    second = make(run=record.identity.run, run_id="a" * 32, cell="torch-cpu-seed1", seed=1)
    assert export([record], uri) == mlflow_runs.Exported("lenet-bench", 1, 0)
    assert export([record, second], uri) == mlflow_runs.Exported("lenet-bench", 1, 1)
    assert export([record, second], uri) == mlflow_runs.Exported("lenet-bench", 0, 2)
    store = Store(uri)
    (parent,) = [run for run in store.runs() if PARENT not in run.data.tags]
    assert (parent.info.run_name, parent.info.status) == (record.identity.run, "FINISHED")
    assert parent.data.params["dataset"] == record.settings.dataset
    assert "framework" not in parent.data.params
    children = {run.info.run_name: run for run in store.children()}
    assert children.keys() == {"torch-cpu-seed0", "torch-cpu-seed1"}
    first, of = children["torch-cpu-seed0"], described(record)
    assert first.data.params == of.params
    assert first.data.tags.items() >= of.tags.items()
    assert first.data.tags[PARENT] == parent.info.run_id
    assert (first.info.status, first.info.start_time) == ("FINISHED", of.start_ms)
    assert first.info.end_time == of.start_ms + 60_000
    history = store.client.get_metric_history(first.info.run_id, "val_accuracy")
    told = [(one.step, one.value, one.timestamp - of.start_ms) for one in history]
    assert sorted(told) == [(0, 0.1, 0), (4, 0.9, 2000), (5, 0.95, 5000)]
    file = store.client.download_artifacts(first.info.run_id, "record.json", str(tmp_path))
    assert Record.model_validate_json(Path(file).read_text(encoding="utf-8")) == record


@needs_mlflow
def test_an_export_that_was_interrupted_is_completed(uri: str, record: Record) -> None:
    with mock.patch.object(mlflow_runs, "_log", side_effect=[None, KeyboardInterrupt]):
        with pytest.raises(KeyboardInterrupt):
            export([record], uri)
        (half,) = Store(uri).children()
    assert half.info.status == "RUNNING"
    assert export([record], uri).new == 1
    (whole,) = Store(uri).children()
    assert whole.info.status == "FINISHED"
    assert whole.data.metrics["images_per_s"] == 1000.0


@needs_mlflow
def test_a_cell_that_was_repeated_is_there_beside_its_first_try(
    uri: str, record: Record, failed: Make
) -> None:
    of = record.identity
    first = failed(run_id=of.run_id, cell=of.cell, started_at="2026-01-30T00:00:00+00:00")
    export([first], uri)
    assert export([record], uri).new == 1
    found = {run.data.tags[CELL_ID]: run for run in Store(uri).children()}
    assert sorted(run.info.status for run in found.values()) == ["FAILED", "FINISHED"]
    assert len({run.data.tags[PARENT] for run in found.values()}) == 1
    assert {run.data.tags[RUN_ID] for run in found.values()} == {"a" * 32}


@needs_mlflow
def test_more_points_than_mlflow_takes_at_once(uri: str, make: Make) -> None:
    record = make(step_loss=[float(step) for step in range(1, 1502)])
    export([record], uri)
    store = Store(uri)
    (run,) = store.children()
    history = store.client.get_metric_history(run.info.run_id, "step_loss")
    assert sorted(one.value for one in history) == record.learning.step_loss


@needs_mlflow
def test_a_server_that_does_not_answer_is_told_in_one_line(record: Record) -> None:
    with (
        mock.patch.dict(os.environ, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0"),
        pytest.raises(StoreError) as told,
    ):
        export([record], "http://127.0.0.1:9")  # where nothing listens
    assert "MLflow at http://127.0.0.1:9 did not take the records" in str(told.value)
    assert "\n" not in str(told.value)
