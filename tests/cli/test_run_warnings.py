"""What `bench run` says before it begins: of other programs, and of what it does not pass on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.cli.commands import run


@pytest.fixture
def notes() -> Console:
    return Console(file=io.StringIO(), width=400, color_system=None)


def said(notes: Console) -> str:
    return notes.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("busy", "warns"), [(0.0, False), (0.3, False), (0.31, True), (2.0, True)])
def test_other_programs(notes, monkeypatch, busy, warns) -> None:
    monkeypatch.setattr(run.machine, "busy_cpus", lambda: busy)
    run._warn_if_busy(notes)
    assert (f"other programs keep {busy:.1f} CPUs busy" in said(notes)) == warns


def test_variables_that_reach_no_framework(notes, monkeypatch) -> None:
    set_here = {"LD_PRELOAD": "/x.so", "XLA_FLAGS": "--a", "PATH": "/bin"}
    monkeypatch.setattr(run.os, "environ", set_here)
    run._say_ignored((), (), notes)
    assert said(notes) == (
        "set here and not passed on to any framework: LD_PRELOAD, XLA_FLAGS; to have one in all of "
        "them give --env LD_PRELOAD=…, in one of them --env FRAMEWORK:LD_PRELOAD=…\n"
    )


def test_files_of_a_person_s_that_no_framework_reads(notes, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(run.os, "environ", {"HOME": str(tmp_path)})
    monkeypatch.setenv("HOME", str(tmp_path))
    for file in (".keras/keras.json", ".julia/config/startup.jl"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("")
    run._say_ignored(("torch", "keras", "keras:jax"), (), notes)
    assert said(notes) == "not read by any framework here: ~/.keras/keras.json\n"


def test_variables_that_were_given_are_not_ignored(notes, monkeypatch) -> None:
    monkeypatch.setattr(run.os, "environ", {"LD_PRELOAD": "/x.so", "XLA_FLAGS": "--a"})
    run._say_ignored((), ("LD_PRELOAD=/x.so", "flax:XLA_FLAGS=--b"), notes)
    assert said(notes) == ""
