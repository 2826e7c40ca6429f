"""`bench ladder`: a run of all rungs, block by block."""

from __future__ import annotations

import json

import pytest

from bench.cli.commands.speed.ladder import ladder
from bench.errors import UsageError


def asked(frameworks: str | None, *options: str) -> list[str]:
    found: list[str] = []

    def run(arguments: list[str]) -> int:
        found.extend(arguments)
        return 7

    assert ladder(frameworks, options, run) == 7
    return found


def test_it_is_a_run_of_all_rungs() -> None:
    assert asked("keras,flux", "--dataset", "mnist") == [
        *("--frameworks", "keras:tutorial,keras:step,keras,flux:tutorial,flux,flux:tuned"),
        *("--throughput-only", "--min-repeats", "5", "--dataset", "mnist"),
    ]


def test_without_names_it_takes_what_is_installed(monkeypatch) -> None:
    monkeypatch.setattr(
        "bench.frameworks.missing", lambda one: None if one.name == "keras" else "not here"
    )
    assert asked(None)[1] == "keras:tutorial,keras:step,keras"
    monkeypatch.setattr("bench.frameworks.missing", lambda one: "not here")
    with pytest.raises(UsageError, match="it takes flax, flux, keras, torch"):
        asked(None)


def test_its_plan(bench) -> None:
    """What is typed goes before its own repeats."""
    done = bench(
        *("ladder", "--frameworks", "keras", "--dataset", "digits", "--devices", "cpu"),
        *("--seeds", "0,1", "--min-repeats", "2", "--dry-run", "--json"),
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["cells"]
    assert len(cells) == 6
    assert {cell.partition("-")[0] for cell in cells} == {"keras", "keras.step", "keras.tutorial"}


def test_a_framework_without_a_ladder_is_refused(bench) -> None:
    done = bench("ladder", "--frameworks", "reference")
    assert done.returncode == 2
    assert "reference has no ladder: choose from flax, flux, keras, torch" in done.stderr
