"""Faults of folders and streams: two writers, what others remove or put there, readers that go."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from functools import partial
from pathlib import Path

from tests.faults.campaign import Kind
from tests.faults.program import everything
from tests.faults.scene import LONG_WAIT_S, Scene


def two_resume_one_run(scene: Scene) -> None:
    """Two resume one run at once: one goes on, the other is refused in one line."""
    scene.strike("wait", wait_s=LONG_WAIT_S)
    program = scene.start(*scene.arguments(), apart=scene.apart)
    scene.reached()
    before = scene.kept()
    refused = scene.resume()
    scene.expect_told(refused, (2,), "another run is writing")
    scene.expect(scene.kept() == before, "records have changed")
    program.send(signal.SIGINT)
    scene.expect_told(program.wait(), (1,), "interrupted: ")
    scene.expect_completes()


def two_runs_at_once(scene: Scene) -> None:
    """Two runs begin in one second into one folder: each has a folder of its own there."""
    programs = [scene.start(*scene.arguments()) for _ in range(2)]
    for program in programs:
        scene.expect_told(program.wait(), (0,))
    folders = sorted(scene.out.iterdir())
    scene.expect(len(folders) == 2, f"{len(folders)} folders of runs")
    for folder in folders:
        scene.expect_undisturbed(folder)
    scene.expect_settled()


def folder_removed(scene: Scene) -> None:
    """The run's folder, or a part of it, is removed while it runs: one line, no process left."""
    scene.strike("wait", wait_s=0.5)
    program = scene.start(*scene.arguments(), apart=scene.apart)
    scene.reached()
    part = scene.random.choice(("", "records", "logs", "checkpoints", "run.json", "lock"))
    path = scene.run_folder() / part
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    done = program.wait()
    scene.expect_told(done, (0, 1, 2))
    scene.expect_no_process()
    for spare in scene.tmp.rglob("*"):
        named = str(spare if spare.is_file() else spare.name) in done.err
        scene.expect(named, f"{spare} is left, and not told: {done.err!r}")
    shutil.rmtree(scene.out, ignore_errors=True)
    scene.expect_told(scene.call(*scene.arguments()), (0,))
    scene.expect_undisturbed()


def cache_lost(scene: Scene) -> None:
    """The cache is removed or made unusable before or while a run goes on: figures are equal."""
    unusable = scene.random.choice(("gone", "file", "link"))
    scene.strike("wait", wait_s=0.5)
    meanwhile = scene.random.random() < 0.5
    program = scene.start(*scene.arguments(), apart=scene.apart) if meanwhile else None
    if program:
        scene.reached()
    shutil.rmtree(scene.cache)
    if unusable == "file":
        scene.cache.write_text("")
    elif unusable == "link":
        scene.cache.symlink_to("nowhere/at/all")
    done = program.wait() if program else scene.call(*scene.arguments(), apart=scene.apart)
    scene.expect_told(done, (0,))
    scene.expect_undisturbed()
    scene.expect_no_process()


def _odd(path: Path, kind: str) -> None:
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case "dangling":
            path.symlink_to("nowhere.json")
        case "socket":
            with socket.socket(socket.AF_UNIX) as one:
                # A socket's path may have 108 bytes.
                here = os.getcwd()
                os.chdir(path.parent)
                one.bind(path.name)
                os.chdir(here)
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            path.write_bytes(b"")


ODD = ("fifo", "folder", "loop", "dangling", "socket", "device", "empty")


def odd_files_in_a_run(scene: Scene) -> None:
    """FIFOs, sockets, devices, loops lie where records do: named, and nobody waits for them."""
    scene.expect_told(scene.call(*scene.arguments()), (0,))
    odd = scene.run_folder() / "records" / f"{scene.random.choice('az')}-odd.json"
    _odd(odd, scene.random.choice(ODD))
    for arguments in (
        ("report", str(scene.out), "--format", "md"),
        ("watch", str(scene.run_folder())),
        ("run", "--resume", str(scene.run_folder()), "--format", "none"),
    ):
        done = scene.call(*arguments)
        scene.expect_told(done, (0, 1))
    scene.expect_undisturbed()
    scene.expect_settled()


def odd_results_folder(scene: Scene) -> None:
    """Foreign files and unfinished runs lie among the results: all others are reported."""
    scene.expect_told(scene.call(*scene.arguments()), (0,))
    for number in range(scene.random.randint(1, 4)):
        _odd(scene.out / f"odd{number}", scene.random.choice(ODD))
    unfinished = scene.out / "2020-01-01T00-00-00Z-digits-lenet5"
    unfinished.mkdir()
    (unfinished / "records").mkdir()
    for command in ("report", "history"):
        formats = ("--format", "md") if command == "report" else ()
        done = scene.call(command, str(scene.out), *formats)
        scene.expect_told(done, (0, 1))
    scene.expect_settled()


def _lose(stream: int, how: str) -> None:
    if how == "full":
        descriptor = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, descriptor = os.pipe()
        os.close(reader)
    if how == "closed":
        os.close(stream)
    else:
        os.dup2(descriptor, stream)


def output_lost(scene: Scene) -> None:
    """Nobody reads what is printed, or the disk for it is full: records and exit code stay."""
    stream, how = (
        scene.random.choice((1, 2)),
        scene.random.choice(("full", "reader gone", "closed")),
    )
    more = scene.random.choice(((), ("--json",)))
    done = scene.call(*scene.arguments(*more), prepare=partial(_lose, stream, how))
    wanted = (2,) if (stream, how) == (1, "full") else (0,)
    scene.expect_told(done, wanted)
    scene.expect_undisturbed()
    scene.expect_settled()


def streams_closed(scene: Scene) -> None:
    """The program is started with any of its three streams closed: records are complete."""
    closed = scene.random.sample((0, 1, 2), scene.random.randint(1, 3))

    def close() -> None:
        for stream in closed:
            os.close(stream)

    anew = scene.random.random() < 0.3
    done = scene.call(*scene.arguments(), prepare=close, anew=anew, apart=everything)
    scene.expect(done.code == 0, f"exit code {done.code}: {done.err!r}")
    scene.expect_undisturbed()
    scene.expect_settled()


KINDS = tuple(
    map(
        Kind,
        (
            *(two_resume_one_run, two_runs_at_once, folder_removed, cache_lost),
            *(odd_files_in_a_run, odd_results_folder, output_lost, streams_closed),
        ),
    )
)
