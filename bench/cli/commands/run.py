"""`bench run`: from options to records, a table and a report."""

from __future__ import annotations

import importlib
import json
import os
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import __version__, frameworks
from bench.cli import from_checkpoint
from bench.cli.commands import recipes
from bench.cli.commands.publish import to_mlflow
from bench.cli.commands.report import WRITTEN, show_and_write
from bench.cli.console import installed, standard_output
from bench.cli.console import say as _say
from bench.cli.views.plan import print_plan
from bench.config import plan, resolve
from bench.config.defaults import preset
from bench.config.plan import Plan
from bench.config.published import Reproduced
from bench.config.settings import DECLARED, checked, given_or_default
from bench.config.split_sizes import AvailableImages
from bench.errors import DataError, StoreError, UsageError
from bench.execution import Executor, device_listing, repeats, runner
from bench.execution.block import OnThisMachine
from bench.execution.executors.cluster import Cluster, ClusterError
from bench.execution.executors.link import Link
from bench.execution.executors.local import Local
from bench.execution.executors.opening import opened
from bench.execution.executors.place import HERE, Place
from bench.execution.observing.observers import observed
from bench.execution.observing.progress import make_progress
from bench.results import checkpoint, folders, store
from bench.results.record import Machine, Record
from bench.system import environment, machine, signals
from bench.system.quiet import Patience
from bench.worker import prepared_data
from bench.workload import datasets, models
from report.report_data import ReportData

BUSY_CPUS = 0.3  # more than an idle desktop, less than one program that computes


@dataclass(frozen=True, slots=True)
class Session:
    """What a run needs beside its options: who does the work, and how it is shown.

    notes        where is told what goes on
    typed        the arguments of the program
    formats      of the report
    as_json      whether the records go to standard output instead of the table
    quiet        whether neither does
    place        where the run is measured
    shares_host  whether a host of a cluster may do several measurements at once
    mlflow       to where the run is exported at its end, if at all
    """

    executor: Executor
    notes: Console
    typed: tuple[str, ...]
    formats: tuple[str, ...] = WRITTEN
    as_json: bool = False
    quiet: bool = False
    place: Place = HERE
    shares_host: bool = False
    mlflow: str | None = None


def run(
    given: Mapping[str, Any],
    *,
    out: Path,
    resume: Path | None,
    start: Path | None,
    recipe: str | None = None,
    dry_run: bool,
    session: Session,
) -> int:
    """Plan, run and report. `given` are the settings that a person typed, by their names."""
    notes = session.notes
    from_checkpoint.refuse_both(resume, start, recipe)
    if resume is not None:
        return _resume(resume, given, session, dry_run=dry_run)
    found, repeats = None, None
    if ignored := resolve.without_effect(given):
        _say(
            notes,
            f"warning: --throughput-only trains no network to its end, so that these are ignored: "
            f"{', '.join(ignored)}",
            style="yellow",
        )
    if start is not None:
        found = checkpoint.read(start)
        given = from_checkpoint.settings(start, found.header, given)
    if recipe is not None:
        given, repeats = recipes.followed(recipe, given)
    with recipes.blamed(repeats, recipe):
        given = _with_what_is_here(given, session)
        if given.get("tensorboard"):
            _need_event_files()
        planned = plan_for(given, notes, fetch=not dry_run)
    if start is not None and found is not None:
        planned = from_checkpoint.begin(planned, start, found)
    if dry_run:
        _warn(planned, notes)
        return print_plan(planned, planned.cells(), as_json=session.as_json)
    return begin(planned, session, out=out, repeats=repeats)[0]


def begin(
    planned: Plan,
    session: Session,
    *,
    out: Path,
    repeats: Reproduced | None = None,
) -> tuple[int, list[Record]]:
    """Carry out a run in a folder of its own: the exit code, and its records.

    `repeats` is the published training that it repeats, if it does.
    """
    _warn(planned, session.notes)
    now = datetime.now(UTC)
    manifest = store.Manifest(
        name=store.run_name(planned.settings.dataset, planned.settings.model, now),
        run_id=store.new_run_id(),
        created_at=now.isoformat(timespec="seconds"),
        bench_version=__version__,
        command=session.typed,
        recipe=repeats,
        plan=planned,
        machine=machine.describe(),
    )
    with opened(session.place) as cluster, store.create(out, manifest) as folder:
        return _execute(folder, session, cluster), folder.records()


def _warn(planned: Plan, notes: Console) -> None:
    """What a person should know before the run."""
    for warning in plan.warnings(planned):
        _say(notes, f"warning: {warning}", style="yellow")
    for note in plan.notes(planned):
        _say(notes, note)


def _resume(path: Path, given: Mapping[str, Any], session: Session, *, dry_run: bool) -> int:
    """Go on with a run; options that are given again must say what they said at first.

    But for how long it waits for a quiet machine, which is a matter of the day.
    """
    manifest = store.read_manifest(path)
    again = checked(given)
    earlier = manifest.plan.settings
    wait_s = again.pop("wait_for_quiet_s", earlier.wait_for_quiet_s)
    if "devices" in again:
        again["devices"] = device_listing.choose_devices(
            again["devices"], earlier.frameworks, session.executor
        )
    if "data_root" in again:
        again["data_root"] = again["data_root"].absolute()
    other = {name: value for name, value in again.items() if value != getattr(earlier, name)}
    if other:
        listed = ", ".join(
            f"{of.flag} was {of.written(getattr(earlier, name))}, not {of.written(value)}"
            for of, name, value in ((DECLARED[name], name, value) for name, value in other.items())
        )
        raise UsageError(
            f"{path} was started with other options: {listed}; leave them out to continue it, or "
            "start a new run without --resume"
        )
    if session.place == HERE:
        _refuse_another_machine(path, manifest.machine, machine.describe())
    place = HERE if dry_run else session.place  # what only says what it would do asks no cluster
    with opened(place) as cluster, store.reopen(path) as folder:
        settings = replace(earlier, wait_for_quiet_s=wait_s)
        waiting = manifest.plan.model_copy(update={"settings": settings})
        folder.manifest = folder.manifest.model_copy(update={"plan": waiting})
        if dry_run:
            left = repeats.pending(manifest.plan, folder.records())
            return print_plan(manifest.plan, left, as_json=session.as_json)
        return _execute(folder, session, cluster)


def _refuse_another_machine(path: Path, before: Machine, here: Machine) -> None:
    """UsageError where figures of two machines, or of two shares of one, would be in one run."""
    differing = machine.differences(before, here)
    if not differing and here.fingerprint == before.fingerprint:
        return
    listed = "; ".join(differing) or "its description is of another version of lenet-bench"
    raise UsageError(
        f"{path} was started on another machine, or on another share of this one: {listed}. "
        "Figures of the two must not be mixed: continue on the first machine, or start a new "
        "run without --resume"
    )


def _execute(folder: store.Run, session: Session, cluster: Link | None) -> int:
    """Run the cells, here or on a cluster, then print and write what came out.

    That is done also when the run was interrupted, or the cluster is gone.
    """
    interrupted, faults, notes = False, [], session.notes
    event_files = folder.manifest.plan.settings.tensorboard

    def warn(text: str) -> None:
        _say(notes, f"warning: {text}", style="yellow")

    asked = folder.manifest.plan.settings
    _say_ignored(asked.frameworks, asked.env, notes)
    if cluster is None:
        _warn_if_busy(notes)
    planned = folder.manifest.plan
    cells = len(repeats.pending(planned, folder.records()))
    with (
        signals.terminations_interrupt(),
        make_progress(notes, planned, cells) as display,
        observed(display, folder, cells, event_files=event_files, warn=warn) as progress,
    ):
        try:
            _measure(folder, session, cluster, progress)
        except KeyboardInterrupt:
            interrupted = True
        except ClusterError as error:
            interrupted = True
            _say(notes, f"error: {error}", style="red")
        except StoreError as error:  # what is there is shown all the same
            faults.append(str(error))
    records = folder.records()
    faults += _tell(records, folder.folder, session)
    if session.mlflow is not None and not interrupted:
        faults += to_mlflow.after_run(records, session.mlflow, folder.folder, notes)
    _say_precision(folder.manifest.plan, records, notes)
    if interrupted:
        again = "" if session.mlflow is None else f" --mlflow {shlex.quote(session.mlflow)}"
        _say(
            notes,
            f"interrupted: {len(records)} of {len(folder.manifest.plan.cells())} cells are saved; "
            f"continue with: python -m bench run --resume {folder.folder}{again}",
        )
    if faults:
        raise StoreError("; ".join(faults))
    return 1 if interrupted or runner.unsettled(folder) else 0


def _tell(records: Sequence[Record], folder: Path, session: Session) -> list[str]:
    """Print what came out and write the report; what could not be written."""
    if session.as_json:
        document = {
            "run": str(folder),
            "records": [record.model_dump(mode="json") for record in records],
        }
        print(json.dumps(document, indent=2))
    if not records:  # interrupted before the first cell ended
        return []
    silent = session.as_json or session.quiet
    console = None if silent else standard_output()
    data = ReportData.of(records, typed=folders.commands_of(folder))
    try:
        show_and_write(data, folder, console, session.formats)
    except StoreError as error:
        return [str(error)]
    return []


def _measure(
    folder: store.Run, session: Session, cluster: Link | None, progress: runner.Progress
) -> None:
    of_parent, settings = folder.manifest.machine, folder.manifest.plan.settings
    if cluster is None:
        here = Local(OnThisMachine(session.executor, of_parent))
        runner.run(folder, progress, here, Patience(settings.wait_for_quiet_s))
        return
    there = Cluster(
        *(cluster, folder.folder, of_parent),
        lambda text: _say(session.notes, text),
        shares_host=session.shares_host,
    )
    runner.run(folder, progress, there, None)


def _need_event_files() -> None:
    """Before anything runs: a run that cannot do what was asked for shall not begin."""
    try:
        importlib.import_module("tensorboard")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--tensorboard needs {error.name}: pip install 'lenet-bench[tensorboard]'"
        ) from error


def _say_precision(planned: Plan, records: Sequence[Record], notes: Console) -> None:
    """How narrow the intervals of throughput have become, where a width was asked for."""
    if planned.settings.precision is None:
        return
    for one in repeats.precisions(planned, records):
        what = f"{one.framework} on {one.device}, batch {one.batch_size}, {one.threads} threads"
        what += "" if one.host is None else f", host {one.host[:12]}"
        if one.half_width is None:
            reached = "no interval"
        else:
            missed = one.half_width > planned.settings.precision
            reached = f"±{one.half_width:.2%}{', wider than' if missed else ' of'}"
            reached += f" {100 * planned.settings.precision:.3g}% asked for"
        _say(notes, f"{what}: {reached} after {one.processes} processes")


def _say_ignored(names: Iterable[str], env: Collection[str], notes: Console) -> None:
    """What is set here and reaches no framework: files in a line, variables in another."""
    read = [file for name in names for file in frameworks.named(name).personal]
    home = Path(os.path.expanduser("~"))
    if files := [f"~/{file}" for file in dict.fromkeys(read) if (home / file).is_file()]:
        _say(notes, f"not read by any framework here: {', '.join(files)}")
    given = {one.partition("=")[0].rpartition(":")[2] for one in env}
    ignored = [name for name in environment.ignored(os.environ) if name not in given]
    if not ignored:
        return
    reasons = {name: environment.why_not(name) for name in ignored}
    listed = ", ".join(f"{name} ({why})" if why else name for name, why in reasons.items())
    said = f"set here and not passed on to any framework: {listed}"
    for name in [name for name, why in reasons.items() if why is None][:1]:
        said += (
            f"; to have one in all of them give --env {name}=…, in one of them "
            f"--env FRAMEWORK:{name}=…"
        )
    _say(notes, said)


def _warn_if_busy(notes: Console) -> None:
    """Other programs that compute now would be in every figure."""
    busy = machine.busy_cpus()
    if busy > BUSY_CPUS:
        _say(
            notes,
            f"warning: other programs keep {busy:.1f} CPUs busy: speeds may be too low, and not "
            "equally so for all frameworks; stop them to get reliable figures",
            style="yellow",
        )


def _with_what_is_here(given: Mapping[str, Any], session: Session) -> dict[str, Any]:
    """The settings, checked, and those whose default depends on what is installed here."""
    asked = checked(given)
    names = installed(asked.get("frameworks"), session.notes)
    devices = asked.get("devices", ("auto",))
    root = asked.get("data_root") or datasets.default_root()
    return asked | {
        "frameworks": names,
        "devices": device_listing.choose_devices(devices, names, session.executor),
        "data_root": root.absolute(),
    }


def plan_for(given: Mapping[str, Any], notes: Console, *, fetch: bool) -> Plan:
    """The plan; a data set that is not there yet is fetched, once the settings have proved right.

    Its folder, `data_root`, is among the settings that are given.
    """
    name = given_or_default(given, "dataset")
    root = given["data_root"]
    about = datasets.describe(name, root)
    if not about.available and about.name in datasets.names():
        sizes = (about.train_size, about.test_size, about.shape[-1], len(about.classes))
        planned = plan.make(given, AvailableImages(*sizes, sha256=None))
        if folder := datasets.below(about.name, root):
            raise DataError(
                f"{about.name} is not in {root}, but in {folder}: give --data-root "
                f"{shlex.quote(str(folder))}, or run `python -m bench data fetch {about.name} "
                f"--data-root {shlex.quote(str(root))}` for a copy there"
            )
        absent = f"{about.name} is not in {root} yet"
        if not fetch:
            _say(notes, f"{absent}: a run would fetch it")
            return planned
        _say(notes, f"{absent}: fetching it ({about.credit})")
        datasets.fetch(about.name, root, progress=notes.is_terminal)
    size = models.named(given_or_default(given, "model")).size
    loaded = datasets.load(name, root, size, given.get("fit", preset(name).fit))
    for note in (*about.notes, *loaded.notes):
        _say(notes, note)
    return plan.make(given, prepared_data.source(loaded))
