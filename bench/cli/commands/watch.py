"""`bench watch`: what a run does, as it goes, in another terminal or over a slow line."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.cli.console import say
from bench.config.plan import Cell
from bench.execution import runner
from bench.execution.observing.observers import STATE
from bench.execution.observing.progress import outcome
from bench.results import store
from bench.results.record import Record

PAUSE_S = 0.5  # the writer writes no more often
BARS = "▁▂▃▄▅▆▇█"


def watch(folder: Path) -> int:
    """Follow a run until it ends; then, or of one that has ended, show its table.

    0 if every cell has ended well, 1 if some have not. Ctrl-C leaves the run alone.
    """
    manifest = store.read_manifest(folder)
    console = Console()
    try:
        if store.is_written(folder):
            _follow(store.Run(folder, manifest, lock=-1), console)
    except KeyboardInterrupt:
        say(console, f"{folder} goes on; python -m bench watch {folder} follows it again")
        return 0
    run = store.Run(folder, manifest, lock=-1)
    records = run.records()
    if records:
        from report.analysis.comparison import compare
        from report.formats.terminal import print_summary

        print_summary(compare(records), console)
    left = runner.unsettled(run)
    if left:
        say(
            console,
            f"{len(left)} cells have not ended well, and nothing runs: continue with "
            f"python -m bench run --resume {folder}",
        )
    return 1 if left else 0


def _follow(run: store.Run, console: Console) -> None:
    """Until nobody writes any more: a live table on a terminal, a line a cell elsewhere."""
    if not console.is_terminal:
        told: set[str] = set()
        while True:
            going_on = store.is_written(run.folder)  # asked first: what ends meanwhile is told
            for record in run.records():
                if record.identity.cell not in told:
                    told.add(record.identity.cell)
                    say(console, outcome(record))
            if not going_on:
                return
            time.sleep(PAUSE_S)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while store.is_written(run.folder):
            live.update(table(run.manifest.plan.cells(), run.records(), _state(run)), refresh=True)
            time.sleep(PAUSE_S)


def table(cells: Sequence[Cell], records: Sequence[Record], state: Mapping[str, Any]) -> Table:
    """A row for each cell that has ended or runs; the others are a number below."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("Cell", "Now", "Epochs", "Val. acc.", "Test acc.", "Images/s"):
        right = heading not in ("Cell", "Now", "Epochs")
        shown.add_column(heading, justify="right" if right else "left")
    for record in records:
        shown.add_row(
            Text(record.identity.cell),
            Text(record.status.outcome, style="" if record.status.outcome == "ok" else "bold red"),
            sparkline(record.learning.val_accuracy),
            _percent(record.learning.val_accuracy[-1] if record.learning.val_accuracy else None),
            _percent(record.learning.test_accuracy),
            _rate(record.throughput.images_per_s),
        )
    ended = {record.identity.cell for record in records}
    now = {"": state, **state.get("hosts", {})}  # by host; one of no name is this machine
    running = {host: str(of.get("cell", "")) for host, of in now.items()}
    for host, name in running.items():
        if not name or name in ended:
            continue
        accuracies = now[host].get("val_accuracy") or []
        shown.add_row(
            Text(f"{host}: {name}" if host else name, style="bold"),
            Text(_now(now[host])),
            sparkline(accuracies),
            _percent(accuracies[-1] if accuracies else None),
            "",
            _rate(now[host].get("images_per_s")),
        )
    waiting = sum(cell.name not in {*ended, *running.values()} for cell in cells)
    if waiting:
        shown.add_row(Text(f"and {waiting} more to come", style="dim"))
    return shown


def sparkline(values: Sequence[float]) -> str:
    """One bar a value, from the least to the greatest; the last forty."""
    last = list(values)[-40:]
    if not last:
        return ""
    low, span = min(last), max(last) - min(last)
    return "".join(BARS[round((v - low) / span * (len(BARS) - 1)) if span else -1] for v in last)


def _now(state: Mapping[str, Any]) -> str:
    phase = str(state.get("phase", ""))
    if phase == "train":
        rate = f", rate {state['learning_rate']:.2g}" if "learning_rate" in state else ""
        return f"epoch {state.get('epoch', 0)}/{state.get('epochs', '?')}{rate}"
    if phase == "throughput" and "window" in state:
        return f"window {state['window']}"
    return phase.replace("_", " ")


def _state(run: store.Run) -> Mapping[str, Any]:
    """What the run says that it does; nothing where that cannot be read at this moment."""
    try:
        said = json.loads((run.folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
