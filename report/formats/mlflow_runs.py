"""Records → runs of MLflow: one for each run of this program, and below it one for each cell.

What is a setting is a parameter there, what is measured a metric, all else a tag; each is called as
its column in records.csv, and the whole record is the artifact `record.json`. Each run has among
its tags which cell it is of, so that nothing is there twice.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin
from urllib.parse import urlsplit

from bench import __version__
from bench.errors import StoreError, UsageError, first_line
from bench.results.record import Record
from report.formats.observations import (
    COLUMNS,
    EPOCH_FIELDS,
    NUMBERS,
    OF_MACHINE,
    OF_PARTS,
    STEP_FIELDS,
    Field,
    as_json,
    kinds,
    moment,
    verdict,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "lenet-bench"  # unless MLFLOW_EXPERIMENT_NAME says otherwise
RUN_ID, CELL_ID = "lenet_bench.run_id", "lenet_bench.cell_id"  # tags
PARENT = "mlflow.parentRunId"  # the tag that makes a run a child
ALLOWED = "a folder, file:FOLDER, sqlite:///FILE, http://HOST:PORT or https://HOST"
# What MLflow takes at once; of texts a little less than the least of its stores.
MOST_METRICS, MOST_PARAMS, MOST_TEXT = 1000, 100, 4900
PAGE = 1000  # runs that are asked for at once

KEYS = ("framework", "device", "regime", "seed", "repeat", "batch_size", "threads")
MEASURED = ("learning", "throughput", "timing", "environment")
# The first is in RUN_ID, and the second in the step of each point; the last tells hosts apart.
LEFT_OUT = ("run_id", "first_epoch", "machine_host")


def _is_text(kind: object) -> bool:
    return kind is str or get_origin(kind) is Literal


def _is_told(field: Field) -> bool:
    """Whether it is one value, or some texts; what is more is in the artifact, or a curve."""
    of = kinds(field.kind)
    if len(of) == 1 and get_origin(next(iter(of))) in (list, tuple):
        of = {*get_args(of.pop())} - {...}
        return all(map(_is_text, of)) or field.path.startswith(("settings.", "trained_with."))
    return of <= NUMBERS or all(map(_is_text, of))


TOLD = tuple(one for one in COLUMNS if one.column not in LEFT_OUT and _is_told(one))
SETTINGS = frozenset(one.column for one in TOLD if one.path.startswith("settings."))
PARAMS = SETTINGS | {
    one.column for one in TOLD if one.path.startswith("trained_with.") or one.column in KEYS
}
METRICS = frozenset(
    one.column
    for one in TOLD
    if one.path.startswith(MEASURED)
    and one.column not in OF_MACHINE
    and kinds(one.kind) <= {int, float}
)
_values = attrgetter(*(one.path for one in TOLD))


class Point(NamedTuple):
    """A value of a metric, at a step."""

    name: str
    value: float
    at_ms: int
    step: int


@dataclass(frozen=True, slots=True)
class Described:
    """What MLflow is told of a cell. Times are milliseconds since 1970."""

    params: dict[str, str]
    tags: dict[str, str]
    points: list[Point]
    start_ms: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of an export: where it is, how many cells are new, how many had been there."""

    experiment: str
    new: int
    known: int


def place(uri: str) -> str:
    """Where MLflow keeps runs, as MLflow wants it; UsageError where that cannot be.

    A folder, a file of SQLite, or a server. Neither is opened here, and MLflow is not imported.
    """
    address, given = urlsplit(uri), f"--mlflow {uri!r}"
    scheme = address.scheme
    if "@" in address.netloc:  # it would be in the run's files, and in the shell's history
        raise UsageError(
            "--mlflow takes no user or password in its address: give those of a server in the "
            "environment, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN"
        )
    if not uri or (":" in uri and scheme not in ("file", "sqlite", "http", "https")):
        raise UsageError(f"{given} is no place for runs of MLflow: give {ALLOWED}")
    if scheme == "sqlite" and not re.match(r"sqlite:///.", uri):
        raise UsageError(f"{given} names no file: give sqlite:///FILE, such as sqlite:///mlflow.db")
    if scheme in ("http", "https") and not address.hostname:
        raise UsageError(f"{given} names no host: give http://HOST:PORT or https://HOST")
    for package in ("mlflow", *(("sqlalchemy", "alembic") if scheme == "sqlite" else ())):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"--mlflow needs {package}: pip install 'lenet-bench[mlflow]'")
    return uri if scheme else Path(uri).absolute().as_uri()


def export(records: Iterable[Record], uri: str) -> Exported:
    """Bring the cells to MLflow that are not there yet; `uri` is of `place`.

    A cell whose export was interrupted is begun anew. StoreError tells why MLflow did not take
    something; what it has taken by then stays.
    """
    by_run: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_run[record.identity.of_run].append(record)
    new = known = 0
    try:
        with warnings.catch_warnings():  # of libraries, for those who write them
            warnings.simplefilter("ignore")
            client = _client(uri)
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
            experiment = _experiment(client, name, uri)
            for of_run, cells in by_run.items():
                added = _export_run(client, experiment, _run_id(of_run), cells)
                new, known = new + added, known + len(cells) - added
    # MLflow, the database and the network each raise errors of their own.
    except Exception as error:
        reason = first_line(error)
        raise StoreError(f"MLflow at {uri} did not take the records: {reason}") from error
    return Exported(name, new, known)


def _client(uri: str) -> MlflowClient:
    """MLflow's client, which tells nobody that it is used and soon gives up on a silent server."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    if uri.startswith("file:"):  # which newer versions refuse, unless a person asks for it
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    for name, value in (
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
        ("MLFLOW_LOGGING_LEVEL", "ERROR"),
        # On standard output, where with --json is JSON alone.
        ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
    ):
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # only where it is asked for; it reads what was set above

    return MlflowClient(uri)


def _experiment(client: MlflowClient, name: str, uri: str) -> str:
    """The id of the experiment, which is made if need be.

    With SQLite the artifacts lie beside its file, wherever this program was started.
    """
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    artifacts = None
    if uri.startswith("sqlite:///"):
        file = Path(uri.removeprefix("sqlite:///").partition("?")[0])
        artifacts = (file.absolute().parent / "mlruns").as_uri()
    return str(client.create_experiment(name, artifact_location=artifacts))


def _export_run(
    client: MlflowClient, experiment: str, run_id: str, records: Sequence[Record]
) -> int:
    """The cells of one run below a run that stands for it; how many of them are new."""
    found = _found(client, experiment, run_id)
    done = {cell for cell, run in found.items() if cell and run.info.status != "RUNNING"}
    missing = [record for record in records if _cell_id(record) not in done]
    if not missing:
        return 0
    parent = found.get("") or _begin_parent(client, experiment, run_id, missing[0])
    for record in missing:
        if half := found.get(_cell_id(record)):
            client.delete_run(half.info.run_id)
        _write(client, experiment, run_id, parent.info.run_id, record)
    client.set_terminated(parent.info.run_id, end_time=max(map(_end_ms, records)))
    return len(missing)


def _found(client: MlflowClient, experiment: str, run_id: str) -> dict[str, Run]:
    """What is there of a run, by its cells; under "" what stands for the run."""
    found: dict[str, Run] = {}
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment], f"tags.`{RUN_ID}` = '{run_id}'", max_results=PAGE, page_token=token
        )
        for run in page:
            cell = run.data.tags.get(CELL_ID, "")
            if cell not in found or found[cell].info.status == "RUNNING":
                found[cell] = run
        token = page.token
        if not token:
            return found


def _begin_parent(client: MlflowClient, experiment: str, run_id: str, record: Record) -> Run:
    of = described(record)
    name = record.identity.run
    settings = {key: text for key, text in of.params.items() if key in SETTINGS}
    tags = {RUN_ID: run_id, "run": name, "lenet_bench.version": __version__}
    run = client.create_run(experiment, of.start_ms, tags, run_name=name)
    _log(client, run.info.run_id, settings, [])
    return run


def _write(client: MlflowClient, experiment: str, run_id: str, parent: str, record: Record) -> None:
    """One cell. It is finished when all is there, which tells it from one that was interrupted."""
    of = described(record)
    tags = of.tags | {RUN_ID: run_id, CELL_ID: _cell_id(record), PARENT: parent}
    run = client.create_run(experiment, of.start_ms, tags, run_name=record.identity.cell)
    own = run.info.run_id
    _log(client, own, of.params, of.points)
    client.log_text(own, record.model_dump_json(indent=2), "record.json")
    ended = record.status.outcome in ("ok", "diverged")
    client.set_terminated(own, "FINISHED" if ended else "FAILED", _end_ms(record))


def _log(client: MlflowClient, run: str, params: dict[str, str], points: Sequence[Point]) -> None:
    from mlflow.entities import Metric, Param

    entries = [Param(*one) for one in params.items()]
    for first in range(0, len(entries), MOST_PARAMS):
        client.log_batch(run, params=entries[first : first + MOST_PARAMS], synchronous=True)
    metrics = [Metric(*point) for point in points]
    for first in range(0, len(metrics), MOST_METRICS):
        client.log_batch(run, metrics=metrics[first : first + MOST_METRICS], synchronous=True)


def _run_id(of_run: str) -> str:
    """What tells a run from all others; a name, which earlier versions had alone, is hashed."""
    if re.fullmatch("[0-9a-f]{32}", of_run):
        return of_run
    return hashlib.sha256(of_run.encode()).hexdigest()[:32]


def _cell_id(record: Record) -> str:
    """The cell, and the try at it: one that failed stays there beside the one that repeats it."""
    return f"{record.identity.cell} {record.identity.started_at}"


def described(record: Record) -> Described:
    """A record as parameters, tags and metrics; what it does not know is left out."""
    params: dict[str, str] = {}
    tags = {"versions": as_json(record.environment.versions)}
    points: list[Point] = []
    start_ms = _start_ms(record)
    for field, value in zip(TOLD, _values(record), strict=True):
        if value is None or value in ("", [], ()):
            continue
        if field.column in METRICS:
            points.append(Point(field.column, float(value), start_ms, 0))
        else:
            (params if field.column in PARAMS else tags)[field.column] = _text(value)
    tags["certificate"] = verdict(record) or "not examined"
    points += _curves(record, start_ms)
    return Described(params, tags, points, start_ms)


def _curves(record: Record, start_ms: int) -> Iterator[Point]:
    """What has a value for each epoch, step or window; epochs at the seconds of their training."""
    of, windows_s = record.learning, record.throughput.windows_s
    ended = [start_ms + _ms(seconds) for seconds in accumulate(record.timing.epoch_s)]
    curves: list[tuple[str, Iterable[tuple[int, float | None]]]]
    curves = [("windows_s", enumerate(windows_s, 1))]
    curves += [(name, [(0, value)]) for name, value in of.epoch_0.items()]
    curves += [(name, enumerate(getattr(of, name), 1)) for name in STEP_FIELDS]
    for name in ("step_val_loss", "step_val_accuracy"):
        curves.append((name, zip(of.step_numbers, getattr(of, name), strict=False)))
    for name, values in curves:
        for step, value in values:
            if value is not None:
                yield Point(name, value, start_ms, step)
    for name in EPOCH_FIELDS:
        values = attrgetter(OF_PARTS[name].path)(record)
        for number, value in enumerate(values):
            if value is not None:
                at_ms = ended[number] if number < len(ended) else start_ms
                yield Point(name, value, at_ms, of.first_epoch + number)


def _start_ms(record: Record) -> int:
    started = moment(record.identity.started_at)
    return _ms(started.timestamp()) if started else 0


def _end_ms(record: Record) -> int:
    return _start_ms(record) + _ms(record.timing.wall_s or 0)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _text(value: Any) -> str:
    text = as_json(value) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
