"""Faults of what the machine gives: memory, disks, descriptors, processes, clocks."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import subprocess
import time
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from bench.cli.commands import run as run_command
from bench.execution import block
from tests.faults.campaign import Kind
from tests.faults.processes import cell_fails
from tests.faults.program import Done
from tests.faults.scene import Scene, at_action

FAULTS = ("EIO", "ENOSPC", "EROFS", "EACCES", "EDQUOT", "ENOENT", "ESTALE")
SPARE = re.compile(r"the record is in (\S+): make room")


def out_of_memory(scene: Scene) -> None:
    """A worker gets no more memory (RLIMIT_AS): its cell is `failed`, the others run."""
    scene.strike("memory")
    cell_fails(scene, "failed", "MemoryError", "ended by SIG", "exit code")


def _goes_on(scene: Scene, done: Done) -> None:
    """What could not be written is told in one line; with room, a resumed run has all figures.

    But for checkpoints, whose absence is in the record.
    """
    scene.expect_told(done, (0, 1, 2))
    scene.expect_no_process()
    if found := SPARE.search(done.err):
        spare = Path(found[1].rstrip(":;"))
        scene.expect(spare.is_file(), f"the record is not in {spare}")
        scene.spared |= {spare, spare.parent}
    if scene.has_run():
        scene.expect_completes(weights=False)
        return
    left = sorted(scene.out.iterdir()) if scene.out.is_dir() else []
    left = [path for path in left if path.name != "ballast"]
    scene.expect(not left, f"what is no run is left: {left}")
    scene.expect_told(scene.call(*scene.arguments()), (0,))
    scene.expect_settled()


def disk_full(scene: Scene) -> None:
    """The disk of the results is full after any number of bytes; later there is room again."""
    size = scene.random.randint(1, 120)  # pages; what a run takes is less
    scene.out.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size * 4}k", "none", str(scene.out)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        _file_limit(scene)
        return
    scene.stack.callback(subprocess.run, ["umount", "-l", str(scene.out)], check=True)
    done = scene.call(*scene.arguments())
    subprocess.run(["mount", "-o", "remount,size=64m", str(scene.out)], check=True)
    _goes_on(scene, done)


def _file_limit(scene: Scene) -> None:
    scene.out.rmdir()
    files_too_large(scene)


def files_too_large(scene: Scene) -> None:
    """No file may be larger than a limit (RLIMIT_FSIZE): what can be kept is kept."""
    limit = scene.random.choice((100, 1_000, 5_000, 20_000, 200_000, 700_000))
    prepare = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
    scene.env["PYTHONDONTWRITEBYTECODE"] = "1"
    _goes_on(scene, scene.call(*scene.arguments(), prepare=prepare))


def _fail(name: str) -> None:
    number = getattr(errno, name)
    raise OSError(number, os.strerror(number))


def action_fails(scene: Scene) -> None:
    """Any one action on a file fails (open, rename, mkdir, chmod, unlink), for any reason."""
    number = scene.random.randint(1, scene.actions())
    fail = partial(_fail, scene.random.choice(FAULTS))
    prepare = partial(at_action, number, fail, scene.folder)
    _goes_on(scene, scene.call(*scene.arguments(), prepare=prepare))


def _failing_from(name: str, first: int, last: int, fault: str) -> None:
    """From one call of a function of `os` to another it fails."""
    real, calls = getattr(os, name), 0

    def called(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if first <= calls <= last:
            _fail(fault)
        return real(*arguments, **named)

    setattr(os, name, called)


def sync_or_rename_fails(scene: Scene) -> None:
    """fsync or rename fails, once or from now on: what was there before stays whole."""
    first = scene.random.randint(1, 14)
    last = first if scene.random.random() < 0.5 else 10**6
    call, fault = scene.random.choice(("fsync", "replace")), scene.random.choice(FAULTS)
    prepare = partial(_failing_from, call, first, last, fault)
    _goes_on(scene, scene.call(*scene.arguments(), prepare=prepare))


def checkpoint_cannot_be_written(scene: Scene) -> None:
    """fsync or rename fails in a worker: the training goes on, the record says what is missing."""
    call = scene.random.choice(("fsync", "replace"))
    how = {"call": call, "errno": getattr(errno, scene.random.choice(FAULTS))}
    scene.strike("failing-calls", "build", "load", **how)
    done = scene.call(*scene.arguments(), apart=scene.apart)
    scene.expect_told(done, (0,))
    record = scene.records()[scene.struck_cell()]
    told = record.weights.checkpoint_error or ""
    scene.expect(os.strerror(how["errno"]) in told, f"it is not told: {told!r}")
    scene.expect_others_ran(scene.struck_cell())
    scene.expect_undisturbed(weights=False)
    scene.expect_settled()


def file_limit_in_worker(scene: Scene) -> None:
    """A worker may not write large files: its checkpoints are missing, and said to be."""
    scene.strike("file-limit", "build", "load", bytes=scene.random.choice((0, 1_000, 100_000)))
    done = scene.call(*scene.arguments(), apart=scene.apart)
    scene.expect_told(done, (0,))
    record = scene.records()[scene.struck_cell()]
    scene.expect(record.weights.checkpoint_error, "a checkpoint that is missing is not told")
    scene.expect_undisturbed(weights=False)
    scene.expect_settled()


def no_descriptors(scene: Scene) -> None:
    """The program may open few files (RLIMIT_NOFILE): one clear line, or cells that failed."""
    limit = scene.random.randint(4, 24)
    prepare = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (limit, limit))
    scene.strike("wait", wait_s=0)
    _goes_on(scene, scene.call(*scene.arguments(), apart=scene.apart, prepare=prepare))


def _no_forks(first: int, last: int, fault: str) -> None:
    real, calls = subprocess._fork_exec, 0  # type: ignore[attr-defined]

    def called(*arguments: Any) -> int:
        nonlocal calls
        calls += 1
        if first <= calls <= last:
            _fail(fault)
        return real(*arguments)

    subprocess._fork_exec = called  # type: ignore[attr-defined]


def no_process_can_start(scene: Scene) -> None:
    """A worker cannot be started (EAGAIN, ENOMEM): its cell is `failed`, the others run."""
    fault = scene.random.choice(("EAGAIN", "ENOMEM", "ENOENT"))
    scene.choose_cell()
    options = {"prepare": partial(_no_forks, 1, 10**6, fault)}
    cell_fails(scene, "failed", os.strerror(getattr(errno, fault)), **options)


class _Jumping(datetime):
    """A clock that somebody has set."""

    calls = 0
    first = 0
    by = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        _Jumping.calls += 1
        here = datetime.now(tz)
        return here + cls.by if _Jumping.calls >= cls.first else here


def _jump(first: int, by_s: float) -> None:
    real, _Jumping.first, _Jumping.by = time.time, first, timedelta(seconds=by_s)
    calls = 0

    def jumping() -> float:
        nonlocal calls
        calls += 1
        return real() + (by_s if calls >= first else 0)

    time.time = jumping
    for module in (block, run_command):
        module.datetime = _Jumping  # type: ignore[misc]


def clock_jumps(scene: Scene) -> None:
    """The clock of the machine is set, by a second or by years, back or forth, at any moment."""
    by_s = scene.random.choice((-1, 1)) * scene.random.choice((1, 3_600, 86_400, 9.5e8))
    prepare = partial(_jump, scene.random.randint(1, 5), by_s)
    done = scene.call(*scene.arguments(), prepare=prepare)
    scene.expect_told(done, (0,))
    scene.expect_undisturbed()
    for record in scene.records().values():
        times = [record.timing.wall_s or 0, *record.timing.epoch_s]
        scene.expect(min(times) >= 0 and max(times) < 60, f"times of {record.identity.cell}")
    scene.expect_settled()


KINDS = tuple(
    map(
        Kind,
        (
            *(out_of_memory, disk_full, files_too_large, action_fails, sync_or_rename_fails),
            *(checkpoint_cannot_be_written, file_limit_in_worker, no_descriptors),
            *(no_process_can_start, clock_jumps),
        ),
    )
)
