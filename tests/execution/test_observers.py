"""Whoever looks on cannot stop a run."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from bench.cli.commands import watch
from bench.config.plan import Cell
from bench.execution.observing import observers


class Display:
    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        return lambda *arguments: self.told.append((name, *arguments))


class Full(Display):
    def window(self, number, images_per_s):
        raise OSError(28, "No space left on device")

    def __str__(self):
        return "the state"


def test_all_are_told_and_one_that_fails_is_left_out():
    display, full, other, warned = Display(), Full(), Display(), []
    several = observers.ObserverList(display, [full, other], warned.append)
    several.window(1, 10.0)
    several.window(2, 11.0)
    several.phase("limit")
    assert (
        display.told == other.told == [("window", 1, 10.0), ("window", 2, 11.0), ("phase", "limit")]
    )
    assert full.told == []
    assert warned == ["the state cannot be written any more: No space left on device"]


def test_the_state_is_written_twice_a_second_at_most(tmp_path):
    plan = SimpleNamespace(settings=SimpleNamespace(epochs=3))
    run = SimpleNamespace(folder=tmp_path, manifest=SimpleNamespace(plan=plan))
    now_s, seen = [10.0], []
    state = observers.RunState(run, 1, clock=lambda: now_s[0])
    state.phase("windows")
    for number, now_s[0] in enumerate((10.4, 10.5, 10.9, 11.1)):
        state.window(number, 1.0)
        seen.append(json.loads((tmp_path / observers.STATE).read_text()).get("window"))
    assert seen == [None, 1, 1, 3]


def test_all_of_the_state(tmp_path):
    settings = SimpleNamespace(epochs=3, images_an_epoch={8: 100}.__getitem__)
    run = SimpleNamespace(
        folder=tmp_path, manifest=SimpleNamespace(plan=SimpleNamespace(settings=settings))
    )
    seen = []

    def told(method, *arguments):
        getattr(state, method)(*arguments)
        seen.append(json.loads((tmp_path / observers.STATE).read_text()))

    def measured(*accuracies):
        return {
            "epoch_s": [9.0, 0.5][: len(accuracies)],
            "val_accuracy": list(accuracies),
            "learning_rates": [0.1, 0.01][: len(accuracies)],
        }

    now_s = iter(range(100))
    state = observers.RunState(run, 2, clock=lambda: next(now_s))
    cell = Cell(framework="flax", device="cpu", seed=0, batch_size=8, threads=1)
    for call in (
        *(("cell", cell), ("phase", "train"), ("epoch", measured(0.5))),
        *(("epoch", measured(0.5, 0.75)), ("window", 1, 60.0), ("done", None), ("more", 3)),
        ("cell", cell),
    ):
        told(*call)
    begun = {"done": 0, "cells": 2, "epochs": 3, "cell": cell.name, "phase": "start", "epoch": 0}
    first = begun | {"phase": "train", "epoch": 1, "images_per_s": 100 / 9}
    first |= {"val_accuracy": [0.5], "learning_rate": 0.1}
    second = first | {"epoch": 2, "images_per_s": 200.0, "learning_rate": 0.01}
    second |= {"val_accuracy": [0.5, 0.75]}
    window = second | {"window": 1, "images_per_s": 60.0}
    assert seen == [
        begun,
        begun | {"phase": "train"},
        first,
        second,
        window,
        window | {"done": 1},
        window | {"done": 1, "cells": 5},
        begun | {"done": 1, "cells": 5},
    ]


def test_a_display_that_fails_is_heard_of():
    """It is ours; only files may fail."""
    several = observers.ObserverList(Full(), [], lambda text: None)
    with pytest.raises(OSError, match="No space"):
        several.window(1, 10.0)


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([0.5], "█"), ([0.1, 0.9], "▁█"), ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█")],
)
def test_sparkline(values, bars):
    assert watch.sparkline(values) == bars


def test_the_live_table_shows_ended_running_and_waiting():
    from rich.console import Console

    cells = [
        Cell(framework=f, device="cpu", seed=0, batch_size=8, threads=1)
        for f in ("torch", "flax", "keras")
    ]
    state = {"cell": "flax-cpu-seed0", "phase": "train", "epoch": 2, "epochs": 5}
    state |= {"val_accuracy": [0.25, 0.5], "images_per_s": 1234.0}
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(watch.table(cells, [], json.loads(json.dumps(state))))
    console.file.close()
    text = console.export_text()
    assert "flax-cpu-seed0" in text
    assert "epoch 2/5" in text
    assert "50.00%" in text
    assert "1,234" in text
    assert "and 2 more to come" in text


def test_the_state_of_several_hosts_is_in_one_file(tmp_path):
    settings = SimpleNamespace(epochs=3, images_an_epoch={8: 100}.__getitem__)
    run = SimpleNamespace(
        folder=tmp_path, manifest=SimpleNamespace(plan=SimpleNamespace(settings=settings))
    )
    state = observers.RunState(run, 4)
    cell = Cell(framework="torch", device="cpu", seed=0, batch_size=8, threads=1)
    for host in ("a", "b"):
        state.on(host).cell(cell)
    state.on("a").done(None)
    found = json.loads((tmp_path / observers.STATE).read_text())
    assert (found["done"], found["cells"]) == (1, 4)
    assert found["hosts"]["b"]["cell"] == cell.name
    assert "cell" not in found["hosts"]["a"]
    shown = watch.table([cell], [], found)
    assert next(iter(shown.columns[0].cells)).plain == f"b: {cell.name}"
