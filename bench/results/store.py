"""The only code that touches results/.

results/<run>/
    run.json          what was asked for, the plan, the machine
    records/          one JSON file a cell, written when the cell ends
    logs/             what each cell printed
    tensorboard/      event files by cell, where --tensorboard asked for them
    state.json        what goes on, as long as the run does
    checkpoints/      weights and optimizer states, as `bench.results.naming` calls them
    attempts/         records, logs and checkpoints of cells that a resumed run repeated
    lock              held while a run writes here
    .incoming-*       what is on its way from a host of a cluster
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import itertools
import marshal
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.config.plan import Cell, Plan
from bench.config.published import Reproduced
from bench.errors import StoreError, first_line, one_line
from bench.results import migrate, naming
from bench.results.record import PARTS, SCHEMA, Machine, Record
from bench.system import signals

MANIFEST = "run.json"
CHECKPOINTS, LOGS = "checkpoints", "logs"
INCOMING = ".incoming-"  # how a folder begins whose files `Run.adopt` moves
# Parts of a record that many records have in common, by the names that lead to them.
COMMON = (
    *(("settings",), ("run_settings",), ("trained_with",), ("status",)),
    *(("environment", "machine"), ("provenance", "certificate")),
)

# What `write_atomically` puts into place, and the state of a run that goes on.
_DRAFT = re.compile(r"\..+\.(json|safetensors)\.\w{8}|state\.new")

Shared = dict[tuple[tuple[str, ...], bytes], BaseModel]
FieldSets = dict[frozenset[str], set[str]]


class Manifest(BaseModel):
    """What a run is; its folder's `run.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA
    name: str
    run_id: str | None = Field(default=None, pattern="^[0-9a-f]{32}$")  # None: an earlier version
    created_at: str
    bench_version: str
    command: tuple[str, ...]
    recipe: Reproduced | None = None
    plan: Plan
    machine: Machine

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, content: Any) -> Any:
        return migrate.manifest(content) if isinstance(content, Mapping) else content


class Run:
    """One run's folder, locked against a second writer while it is open."""

    def __init__(self, folder: Path, manifest: Manifest, lock: int) -> None:
        self.folder, self.manifest, self._lock = folder, manifest, lock

    def record_path(self, cell: Cell) -> Path:
        """Where the cell's record is."""
        return self.folder / "records" / f"{cell.name}.json"

    def log_path(self, cell: Cell) -> Path:
        """Where the cell's log is."""
        return self.folder / LOGS / f"{cell.name}.log"

    def events_folder(self, cell: Cell) -> Path:
        """Where the cell's event files for TensorBoard are."""
        return self.folder / "tensorboard" / cell.name

    def checkpoints(self, cell: Cell) -> list[Path]:
        """The cell's checkpoints, also of a worker that never told of them."""
        stem = naming.stem(self.manifest.plan, cell)
        return sorted((self.folder / CHECKPOINTS).glob(f"{glob.escape(stem)}*{naming.SUFFIX}"))

    def save(self, record: Record) -> Path:
        """Write the record, whole or not at all.

        Where the folder takes no more, the record goes to the system's folder for temporary
        files, and the StoreError says so.
        """
        path = self.folder / "records" / f"{record.identity.cell}.json"
        text = record.model_dump_json(indent=2)
        try:
            write_atomically(path, text)
        except OSError as error:
            spare = Path(tempfile.mkdtemp(prefix="lenet-bench-")) / path.name
            spare.write_text(text, encoding="utf-8")
            raise StoreError(
                f"cannot write {path}: {error.strerror}; the record is in {spare}: make room, "
                f"move it there and go on with --resume {self.folder}"
            ) from error
        return path

    def records(self) -> list[Record]:
        """The records so far, in the order of the plan; those of further repeats follow."""
        found = {record.identity.cell: record for record in read_records([self.folder])[0]}
        planned = dict.fromkeys(cell.name for cell in self.manifest.plan.cells())
        further = sorted(
            (name for name in found if name not in planned),
            key=lambda name: found[name].identity.started_at,
        )
        return [found[name] for name in (*planned, *further) if name in found]

    def set_aside(self, cell: Cell) -> None:
        """Move the record and the files of an earlier try at this cell into `attempts/`."""
        self._move_aside(self.record_path(cell), self.log_path(cell), *self.checkpoints(cell))

    def set_events_aside(self, cell: Cell) -> None:
        """The same with its event files, which a new try writes before it has a record."""
        self._move_aside(self.events_folder(cell))

    def _move_aside(self, *written: Path) -> None:
        attempts = self.folder / "attempts"
        for path in (path for path in written if path.exists()):
            attempts.mkdir(exist_ok=True)
            number = 1 + len(list(attempts.glob(f"{glob.escape(path.stem)}.*{path.suffix}")))
            path.replace(attempts / f"{path.stem}.{number}{path.suffix}")

    def adopt(self, files: Path) -> None:
        """Move a cell's log and checkpoints, which came from another host, to their places.

        StoreError where the folder takes no more; what is moved by then stays.
        """
        for part in (LOGS, CHECKPOINTS):
            for path in sorted((files / part).glob("*")):
                try:
                    path.replace(self.folder / part / path.name)
                except OSError as error:
                    raise StoreError(
                        f"cannot write {self.folder / part / path.name}: {error.strerror}; go on "
                        f"with --resume {self.folder} when there is room"
                    ) from error

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)


@contextlib.contextmanager
def create(out: Path, manifest: Manifest) -> Iterator[Run]:
    """Make the run's folder inside `out`; StoreError where that cannot be, and nothing is left."""
    with signals.defer_signals():  # a folder that was made is one that is written or removed
        run = _created(out, manifest)
    try:
        yield run
    finally:
        run.close()


def _created(out: Path, manifest: Manifest) -> Run:
    try:
        manifest.model_dump_json()
    except pydantic_core.PydanticSerializationError as error:
        raise StoreError(
            f"a name that was given has bytes that are no UTF-8, which {MANIFEST} is written in: "
            "give folders and files whose paths are, by --out, --data-root and npz:"
        ) from error
    folder = new_folder(out, manifest.name)
    lock = None
    try:
        manifest = manifest.model_copy(update={"name": folder.name})
        for part in ("records", "logs", CHECKPOINTS):
            (folder / part).mkdir()
        lock = _lock(folder)
        write_atomically(folder / MANIFEST, manifest.model_dump_json(indent=2))
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)
        if isinstance(error, OSError):
            raise _unwritable(out, error) from error
        raise
    return Run(folder, manifest, lock)


@contextlib.contextmanager
def reopen(folder: Path) -> Iterator[Run]:
    """Open a run's folder to go on with it; StoreError if it is none or is in use."""
    manifest = read_manifest(folder)
    try:
        lock = _lock(folder)
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror}") from error
    run = Run(folder, manifest, lock)
    try:
        _remove_drafts(folder)
        yield run
    finally:
        run.close()


def _remove_drafts(folder: Path) -> None:
    """Remove what a run that was killed had not yet put in its place; nobody else writes there."""
    for part in (folder, folder / "records", folder / CHECKPOINTS):
        for path in (*part.glob(".*"), *part.glob("*.new")):
            if _DRAFT.fullmatch(path.name):
                with contextlib.suppress(OSError):
                    path.unlink()
    for path in folder.glob(f"{INCOMING}*"):
        shutil.rmtree(path, ignore_errors=True)


def is_written(folder: Path) -> bool:
    """Whether a run holds the folder's lock at this moment."""
    try:
        lock = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def read_manifest(folder: Path) -> Manifest:
    """A run's manifest; StoreError says what is wrong with it."""
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(
            f"{folder} is not the folder of a run: it has no {MANIFEST}; runs lie in the folder "
            "that --out named, results/ by default"
        ) from error
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise StoreError(f"cannot read {path}: {first_fault(error)}") from error


def new_run_id() -> str:
    """What tells a run from all others, wherever they began: 128 random bits."""
    return secrets.token_hex(16)


def run_name(dataset: str, model: str, now: datetime) -> str:
    """A name that sorts by time, such as 2026-01-31T12-00-00Z-digits-lenet5."""
    data = dataset.partition(":")[0]  # without the path of a person's own
    return f"{now.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}-{data}-{model}"


def read_records(paths: Sequence[Path]) -> tuple[list[Record], list[tuple[Path, str]]]:
    """Records below run folders, results folders or of single files; and what could not be read.

    A StoreError tells of a path that is not there. Records come in the order of their paths.
    """
    records: list[Record] = []
    problems: list[tuple[Path, str]] = []
    shared: Shared = {}
    field_sets: FieldSets = {}
    for file in dict.fromkeys(file for path in paths for file in _record_files(path)):
        try:
            record = _read(file, shared)
        except (OSError, ValueError, RecursionError) as error:
            problems.append((file, first_fault(error)))
        else:
            _share_field_sets(record, field_sets)
            records.append(record)
    return records, problems


def _share_field_sets(record: Record, known: FieldSets) -> None:
    """Equal sets of the names that were given are one: half of what a small record takes.

    Nobody changes them: records are frozen, and pydantic copies the set of a model that it copies.
    """
    for model in (record, *(getattr(record, part) for part in PARTS)):
        own = model.__pydantic_fields_set__
        same = known.setdefault(frozenset(own), own)
        object.__setattr__(model, "__pydantic_fields_set__", same)


def _record_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise StoreError(f"{path} does not exist: give run folders, a results folder or records")
    return sorted((path / "records").glob("*.json")) or sorted(path.glob("*/records/*.json"))


def _read(file: Path, shared: Shared) -> Record:
    """A record; what it has in common with those before it is shared, most of its size."""
    if not file.is_file():  # of a FIFO one would wait, of a device there is no end
        raise ValueError("no regular file")
    try:
        content = pydantic_core.from_json(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"not whole JSON: {error}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise ValueError("not a record: it has no schema_version")
    if version > SCHEMA:
        raise ValueError(
            f"written by a newer lenet-bench (schema {version}, this one reads up to {SCHEMA})"
        )
    content = dict(migrate.record(content))
    own = {}
    for names in COMMON:
        holder = _within(content, names[:-1])
        if isinstance(holder, dict) and isinstance(holder.get(names[-1]), dict):
            # Version 2 knows no references: what is equal has equal bytes, at a third of JSON's
            # cost.
            own[names] = key = (names, marshal.dumps(holder[names[-1]], 2))
            holder[names[-1]] = shared.get(key, holder[names[-1]])
    record = Record.model_validate(content)
    for names, key in own.items():
        shared[key] = attrgetter(".".join(names))(record)
    return record


def _within(content: Any, names: Sequence[str]) -> Any:
    """What stands under the names, one below the other; None where there is no such thing."""
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees all of it or, at any fault, what was there before."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def new_folder(out: Path, name: str) -> Path:
    """A folder inside `out` that nobody had before; StoreError where that cannot be.

    Runs may begin in the same second.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = out / (name if number == 1 else f"{name}-{number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise _unwritable(out, error) from error
    raise AssertionError("unreachable")


def _unwritable(out: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write results to {out}: {error.strerror}; choose a folder that is writable and "
        "has space, with --out"
    )


def _lock(folder: Path) -> int:
    """Take the folder's lock, or tell that another run has it."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StoreError(
            f"another run is writing to {folder}: wait for its end, or start a run of your own"
        ) from error
    return lock


def first_fault(error: Exception) -> str:
    """The first fault that an error tells of, in one line."""
    if isinstance(error, ValidationError):
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the file"
        return one_line(f"{where}: {fault['msg']} (errors in all: {error.error_count()})")
    if isinstance(error, OSError):
        return error.strerror or first_line(error)
    return first_line(error)
