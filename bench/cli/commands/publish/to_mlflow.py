"""`bench export`, and `bench run --mlflow`: records → runs of MLflow."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.cli.console import say, standard_output
from bench.errors import StoreError, UsageError
from bench.results import store
from bench.results.record import Record
from report.formats import mlflow_runs
from report.sharing import Stripper
from report.text import plain
from report.wording.notes import plain_note


def export(paths: Sequence[Path], uri: str, *, share: bool = False) -> int:
    """Bring the records below the paths to MLflow, those that are not there yet.

    With `share` without the identity of the host, as a report with --share.
    """
    place = mlflow_runs.place(uri)
    records, problems = store.read_records(paths)
    if not records and not problems:
        raise UsageError(
            f"there are no records in {', '.join(map(str, paths))}: give run folders, a results "
            "folder or record files"
        )
    stripper = None
    if share:
        stripper = Stripper.of_this_machine()
        stripper.learn(records)
        records = [stripper.record(record) for record in records]
        problems = stripper.problems(problems)
    console = standard_output()
    send(records, place, console)
    for path, reason in problems:
        say(console, plain(f"left out {path}: {reason}"))
    if stripper:
        say(console, plain_note(stripper.said))
    return 1 if problems else 0


def send(records: Sequence[Record], place: str, console: Console) -> None:
    """Export and say what came of it; StoreError where MLflow does not take something."""
    done = mlflow_runs.export(records, place)
    said = f"exported {done.new} cells to {place}, experiment {done.experiment}"
    say(console, plain(f"{said}; {done.known} were already there" if done.known else said))


def after_run(records: Sequence[Record], place: str, folder: Path, console: Console) -> list[str]:
    """The same at the end of a run, whose records are in the folder; what went wrong."""
    try:
        send(records, place, console)
    except StoreError as error:
        again = shlex.join(["python", "-m", "bench", "export", str(folder), "--mlflow", place])
        return [f"{error}; all records are kept, to export them again: {again}"]
    return []
