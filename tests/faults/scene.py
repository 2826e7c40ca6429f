"""The place of one fault, and what is checked after it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import psutil

from bench.errors import CheckpointError
from bench.results import checkpoint, store
from bench.results.record import Record
from bench.worker.messages import Task, TrainCell
from tests.faults import program
from tests.faults.program import PLUGINS, ROOT, Done, Program

SEEDS = (0, 1)
FRAMEWORKS = ("reference", "struck")
CELLS = tuple(f"{name}-cpu-seed{seed}" for seed in SEEDS for name in FRAMEWORKS)
# Small enough for a NumPy network: 3 steps an epoch, the last of 4 images.
SIZES = (
    *("--train-size", "20", "--val-size", "10", "--test-size", "10"),
    *("--epochs", "2", "--batch-size", "8", "--threads", "1", "--seeds", "0,1"),
    *("--windows", "4", "--window", "0.01", "--wait-for-quiet", "0s", "--devices", "cpu"),
)
# Calls of the adapter in a cell of that size, beside those of throughput.
MOMENTS = {
    **{"build": 1, "load": 1, "gradients64": 6, "train_epoch": 2, "predict": 3, "export": 3},
}
LONG_WAIT_S = 300.0  # longer than any limit of the campaign
MOST_MEMORY = 600 << 20  # bytes that no program of ours may exceed here
DRAFT = re.compile(r"\..*|.*\.(new|tmp|part)")


class WrongError(AssertionError):
    """A promise that was not kept."""


@dataclass(frozen=True)
class Baseline:
    """A run that nothing has disturbed.

    figures   of every cell
    actions   how many actions on files it took
    cache     the decoded images, for those that need not decode them
    """

    figures: Mapping[str, Any]
    actions: int
    cache: Path


class Scene:
    """Folders of a fault's own, the program in them, and what is promised of it."""

    def __init__(self, folder: Path, seed: random.Random, baseline: Baseline | None = None) -> None:
        self.folder, self.random, self._baseline = folder, seed, baseline
        self.out, self.cache, self.data = folder / "results", folder / "cache", folder / "data"
        self.tmp, self.home = folder / "tmp", folder / "home"
        for place in (self.data, self.tmp, self.home):
            place.mkdir()
        if baseline and seed.random() < 0.8:
            shutil.copytree(baseline.cache, self.cache)
        else:
            self.cache.mkdir()
        self.spared: set[Path] = set()  # files in `tmp` that an error has named
        self.stack = ExitStack()

    # The program

    @cached_property
    def env(self) -> dict[str, str]:
        """The environment of the program; a kind may change it."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(PLUGINS))),
            "LENET_BENCH_CACHE": str(self.cache),
            "LENET_BENCH_DATA": str(self.data),
            "TMPDIR": str(self.tmp),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            # Without them a limit on the size of files would leave modules that are cut off.
            "PYTHONDONTWRITEBYTECODE": "1",
            **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS")},
        }

    def arguments(self, *more: str) -> tuple[str, ...]:
        """Of a run of four cells."""
        begun = ("run", "--frameworks", ",".join(FRAMEWORKS), "--out", str(self.out), *SIZES)
        return (*begun, "--unverified", "--format", "none", *more)

    def start(self, *arguments: str, **options: Any) -> Program:
        """See `tests.faults.program.start`."""
        started = program.start(arguments, self.env, self.folder, **options)
        self.stack.callback(started.send, signal.SIGKILL)
        return started

    def call(self, *arguments: str, limit_s: float = program.LIMIT_S, **options: Any) -> Done:
        """Start it and wait for its end."""
        try:
            return self.start(*arguments, **options).wait(limit_s)
        except TimeoutError as error:
            raise WrongError(str(error)) from error

    def resume(self, *more: str, **options: Any) -> Done:
        """Go on with the run."""
        begun = ("run", "--resume", str(self.run_folder()), "--format", "none")
        return self.call(*begun, *more, **options)

    def struck_cell(self) -> str:
        """The cell that the fault is meant for, of those of the framework `struck`."""
        return f"struck-cpu-seed{SEEDS[self._cell]}"

    def choose_cell(self) -> None:
        """Draw the cell that the fault is meant for."""
        self._cell = self.random.randrange(len(SEEDS))

    def strike(self, name: str, *methods: str, **how: Any) -> None:
        """Have it happen at a moment: before a call of one of the methods, in one of the cells."""
        method = self.random.choice(methods or tuple(MOMENTS))
        number = self.random.randint(1, MOMENTS[method])
        self.choose_cell()
        strike = {"name": name, "method": method, "number": number, "cell": self._cell, **how}
        (self.folder / "strike.json").write_text(json.dumps(strike))

    def apart(self, task: Task) -> bool:
        """Whether a task is of the cell that the strike is meant for."""
        return isinstance(task, TrainCell) and task.cell.name == self.struck_cell()

    def reached(self, limit_s: float = 180.0) -> int:
        """Wait for the strike; the process that it happened in."""
        path, deadline = self.folder / "reached", time.monotonic() + limit_s
        while not (path.exists() and path.read_text()):
            self.expect(time.monotonic() < deadline, "the strike has not come")
            time.sleep(0.01)
        return int(path.read_text())

    def expect_struck(self) -> None:
        """It has happened: it would befall a resumed run otherwise."""
        self.expect(not (self.folder / "strike.json").exists(), "the cell ended before the strike")

    # What there is

    def run_folder(self) -> Path:
        """The folder of the only run."""
        folders = [path.parent for path in sorted(self.out.glob("*/run.json"))]
        self.expect(len(folders) == 1, f"{len(folders)} folders of runs in {self.out}")
        return folders[0]

    def has_run(self) -> bool:
        """Whether there is a run to go on with."""
        return bool(list(self.out.glob("*/run.json")))

    def kept(self) -> dict[str, bytes]:
        """The records there are, by their cells."""
        files = sorted(self.out.glob("*/records/*.json"))
        return {file.stem: file.read_bytes() for file in files}

    def records(self) -> dict[str, Record]:
        """The records, all of which must be whole."""
        found, problems = store.read_records([self.run_folder()])
        self.expect(not problems, f"records cannot be read: {problems}")
        return {record.identity.cell: record for record in found}

    # What is promised

    def expect(self, holds: object, otherwise: str) -> None:
        """WrongError, with a reason, where something does not hold."""
        if not holds:
            raise WrongError(otherwise)

    def expect_told(self, done: Done, codes: tuple[int, ...], *words: str) -> None:
        """The exit code is the documented one, and what went wrong is one line."""
        said = f"exit code {done.code}, said: {_end(done.err)}"
        self.expect(done.code in codes, f"expected exit code {codes}, {said}")
        self.expect("Traceback" not in done.err + done.out, f"a traceback: {_end(done.err)}")
        self.expect("Exception ignored" not in done.err, f"an ignored exception: {_end(done.err)}")
        self.expect(len(done.errors) == (done.code == 2), f"not one line of complaint: {said}")
        self.expect(done.peak_bytes < MOST_MEMORY, f"it took {done.peak_bytes >> 20} MiB")
        for word in words:
            self.expect(word in done.err, f"{word!r} is not told: {said}")

    def expect_settled(self) -> None:
        """No process of the program's is left, and no temporary file."""
        self.expect_no_process()
        self.expect_no_draft()

    def expect_no_process(self, limit_s: float = 30.0) -> None:
        """None after a while: a worker may need a moment to notice that its parent has gone."""
        deadline = time.monotonic() + limit_s
        while left := self._processes():
            if time.monotonic() > deadline:
                told = ", ".join(f"{one.pid} ({one.status()})" for one in left)
                for one in left:
                    one.kill()
                raise WrongError(f"processes are left: {told}")
            time.sleep(0.05)

    def end_processes(self) -> None:
        """End what a fault has left on purpose."""
        for one in self._processes():
            with suppress(psutil.Error):
                one.kill()

    def _processes(self) -> list[psutil.Process]:
        found = []
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                ours = one.environ().get("LENET_BENCH_CACHE") == str(self.cache)
                if ours and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(one)
        return found

    def expect_no_draft(self) -> None:
        """No file is left that was to become another one, nor any in the temporary folder."""
        places = [place for place in (self.out, self.cache, self.data) if place.is_dir()]
        drafts = [p for place in places for p in place.rglob("*") if DRAFT.fullmatch(p.name)]
        if self.tmp.is_dir():
            drafts += [path for path in self.tmp.rglob("*") if path not in self.spared]
        states = list(self.out.glob("*/state.json"))
        self.expect(not drafts + states, f"files are left: {list(map(str, drafts + states))}")

    def expect_completes(self, *, weights: bool = True) -> None:
        """Going on ends well, with the figures of an undisturbed run; good records stay."""
        apart = program.everything if self.random.random() < 0.1 else program.nothing
        kept = self.kept()
        good = {cell for cell, record in self.records().items() if record.status.outcome == "ok"}
        done = self.resume(apart=apart)
        self.expect_told(done, (0,))
        now = self.kept()
        changed = [cell for cell in good if now.get(cell) != kept.get(cell)]
        self.expect(not changed, f"finished records have changed: {changed}")
        self.expect_undisturbed(weights=weights)
        self.expect_settled()

    def expect_undisturbed(self, folder: Path | None = None, *, weights: bool = True) -> None:
        """Losses, accuracies, hashes and weights of all cells are those of an undisturbed run.

        Without `weights` a checkpoint may be missing where its record says so.
        """
        if self._baseline is None:
            raise RuntimeError("there is nothing to compare with")
        folder = folder or self.run_folder()
        found, wanted = figures(folder), self._baseline.figures
        self.expect(set(found) == set(wanted), f"there are cells {sorted(found)}")
        lacking = set() if weights else _without_weights(folder)
        for cell, values in wanted.items():
            names = [
                name for name in values if cell not in lacking or not name.startswith("weights")
            ]
            other = [name for name in names if found[cell].get(name) != values[name]]
            self.expect(not other, f"{cell} has other {', '.join(other)} than undisturbed")

    def expect_others_ran(self, *struck: str) -> None:
        """All cells but these have the figures of an undisturbed run."""
        if self._baseline is None:
            raise RuntimeError("there is nothing to compare with")
        found = figures(self.run_folder())
        for cell in set(CELLS) - set(struck):
            same = found.get(cell) == self._baseline.figures[cell]
            self.expect(same, f"{cell} is missing, or not as in an undisturbed run")

    def actions(self) -> int:
        """How many actions on files an undisturbed run takes; see `at_action`."""
        if self._baseline is None:
            raise RuntimeError("there is nothing to draw from")
        return self._baseline.actions


def figures(folder: Path) -> dict[str, dict[str, Any]]:
    """What has to be equal in two runs of one plan, by cell: all but times and the machine."""
    found = {}
    for record in store.read_records([folder])[0]:
        values = {"outcome": record.status.outcome, **record.learning.model_dump()}
        hashes = record.provenance.model_dump(exclude={"certificate"})
        values |= {name: value for name, value in hashes.items() if name.endswith("sha256")}
        for name in record.weights.checkpoints:
            values[f"weights of {name}"] = _weights(folder / store.CHECKPOINTS / name)
        found[record.identity.cell] = values
    return found


def _without_weights(folder: Path) -> set[str]:
    """The cells whose records say that a checkpoint could not be written."""
    records = store.read_records([folder])[0]
    return {one.identity.cell for one in records if one.weights.checkpoint_error}


def _weights(path: Path) -> str:
    try:
        return checkpoint.read(path).sha256
    except CheckpointError as error:
        return str(error)


def _end(text: str, characters: int = 400) -> str:
    return repr(text[-characters:])


def at_action(number: int, do: Callable[[], None], within: Path) -> None:
    """Do something just before this process's action of this number on a file below a folder.

    Actions are those of Python's audit events; actions that others take are not counted. Called in
    the process that is meant, since a hook stays for its whole life.
    """
    count = 0
    prefix = str(within)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event not in ACTIONS or not any(_is_below(one, prefix) for one in arguments[:2]):
            return
        count += 1
        if count == number:
            do()

    sys.addaudithook(hook)


ACTIONS = frozenset(["open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod"])


def _is_below(argument: Any, prefix: str) -> bool:
    text = os.fsdecode(argument) if isinstance(argument, bytes) else argument
    return isinstance(text, (str, Path)) and str(text).startswith(prefix)


def count_actions(within: Path, to: Path) -> None:
    """Leave in a file how many actions this process takes; for `prepare`."""
    descriptor = os.open(to, os.O_CREAT | os.O_WRONLY)
    count = 0
    prefix = str(within)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event in ACTIONS and any(_is_below(one, prefix) for one in arguments[:2]):
            count += 1
            os.pwrite(descriptor, str(count).encode(), 0)

    sys.addaudithook(hook)


def undisturbed(folder: Path) -> Baseline:
    """Run it with real workers, and again in one process for the count of actions."""
    scene = Scene(folder, random.Random(0))
    done = scene.call(*scene.arguments(), apart=program.everything)
    scene.expect_told(done, (0,))
    found = figures(scene.run_folder())
    if sorted(found) != sorted(CELLS):
        raise RuntimeError(f"the run has the cells {sorted(found)}")
    counted = folder / "counted"
    counted.mkdir()
    scene = Scene(counted, random.Random(0))
    number = counted / "actions"
    prepare = partial(count_actions, counted, number)
    scene.expect_told(scene.call(*scene.arguments(), prepare=prepare), (0,))
    if figures(scene.run_folder()) != found:
        raise RuntimeError("cells differ between this process and workers of their own")
    return Baseline(found, int(number.read_text()), scene.cache)


def content_hash(folder: Path) -> dict[str, str]:
    """The files below a folder with their hashes, to see that nothing has touched them."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def temporary() -> Path:
    """A folder for scenes; on the disk where temporary files are."""
    return Path(tempfile.mkdtemp(prefix="lenet-bench-faults-"))
