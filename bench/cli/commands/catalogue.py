"""`bench list`: frameworks, data sets and models, available or why not."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from bench import frameworks
from bench.cli.console import SET_ASIDE, standard_output
from bench.config import recipe
from bench.errors import UnknownNameError
from bench.execution import Executor, device_listing
from bench.frameworks import Framework
from bench.results import known_defects
from bench.workload import datasets, models
from report.text import counted, plain

SECTIONS = ("frameworks", "datasets", "models", "recipes")


def list_(what: str | None, root: Path | None, executor: Executor, *, as_json: bool) -> int:
    """Print one section, or all of them."""
    if what is not None and what not in SECTIONS:
        raise UnknownNameError("list", what, SECTIONS)
    makers = {
        "frameworks": lambda: _frameworks(executor),
        "datasets": lambda: _datasets(root or datasets.default_root()),
        "models": _models,
        "recipes": _recipes,
    }
    sections = {name: makers[name]() for name in (SECTIONS if what is None else (what,))}
    if as_json:
        print(json.dumps(sections, indent=2))
        return 0
    console = standard_output()
    for name, rows in sections.items():
        _print_section(console, name, rows)
    return 0


def _print_section(console: Console, name: str, rows: list[dict[str, Any]]) -> None:
    """A table, and below it why something is not available, which is too long for a column."""
    shown = [key for key in rows[0] if key not in ("reason", "known_defects")]
    # Names are never cut, and broken only where there is no room for anything else.
    widest = max(len(row["name"]) for row in rows)
    columns = (
        Column(key, overflow="fold", min_width=widest if key == "name" else None) for key in shown
    )
    table = Table(*columns, title=name, title_justify="left", title_style="bold", box=None)
    for row in rows:
        table.add_row(*(_text(row[key]) for key in shown))
    console.print(table)
    for row in rows:
        if row.get("reason"):
            line = f"{row['name']} is not available: {row['reason']}"
            console.print(plain(line), style="dim", markup=False, soft_wrap=True)
        if row.get("test") == 0:
            line = f"{row['name']} has no test images of its own: {SET_ASIDE}"
            console.print(plain(line), style="dim", markup=False, soft_wrap=True)
    for defect in dict.fromkeys(one for row in rows for one in row.get("known_defects", ())):
        console.print(
            plain(f"known defect: {defect}"), style="yellow", markup=False, soft_wrap=True
        )
    console.print()


def _frameworks(executor: Executor) -> list[dict[str, Any]]:
    """Versions from metadata; devices as each framework says in a process of its own."""
    every = frameworks.with_variants()
    libraries = [name for name, each in every.items() if not each.is_mode]
    with ThreadPoolExecutor(max_workers=2) as pool:
        asked = pool.map(lambda name: device_listing.probe(name, executor), libraries)
        answers = dict(zip(libraries, asked, strict=True))
    return [
        _framework(each, answers[each.plain_name if each.is_mode else name])
        for name, each in every.items()
    ]


def _framework(framework: Framework, answer: device_listing.Answer) -> dict[str, Any]:
    """One row. A mode of a framework computes where the plain one does, if it is there at all."""
    reason = answer.reason or frameworks.missing(framework)
    return {
        "name": framework.name,
        "title": framework.title,
        "version": frameworks.version(framework),
        "devices": [] if reason else list(answer.devices),
        "available": reason is None,
        "reason": reason,
        "known_defects": known_defects.installed(framework.name),
    }


def _datasets(root: Path) -> list[dict[str, Any]]:
    described = [datasets.describe(name, root) for name in datasets.names()]
    return [
        {
            "name": about.name,
            "title": about.title,
            "shape": "×".join(map(str, about.shape)),
            "train": about.train_size,
            "test": about.test_size,
            "available": about.available,
            "reason": about.reason,
        }
        for about in described
    ]


def _models() -> list[dict[str, Any]]:
    """Parameters at the size that a run brings images to, and what of the network is open."""
    rows = []
    for name, entry in models.CATALOGUE.items():
        row: dict[str, Any] = {"name": name, "images": "×".join(map(str, entry.size))}
        for channels in (1, 3):
            spec = models.build(name, (*entry.size, channels), classes=10)
            row[f"parameters at {counted(channels, 'channel')}"] = spec.parameter_count()
        for option, all_ in (("activation", models.ACTIVATIONS), ("pooling", models.POOLINGS)):
            usual = getattr(models.USUAL, option)
            row[option] = list(all_) if option in entry.choices else [usual]
        row["dropout"] = "any rate" if "dropout" in entry.choices else "none"
        rows.append(row)
    return rows


def _recipes() -> list[dict[str, Any]]:
    found = [recipe.read(name) for name in recipe.names()]
    return [
        {
            "name": one.name,
            "title": one.title,
            "datasets": list(one.datasets),
            "model": one.options.get("model", ""),
            "published figures": len(one.published),
        }
        for one in found
    ]


def _text(value: Any) -> str:
    """A cell of a table, with rich's markup taken as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return (", ".join(value) if isinstance(value, list) else str(value)).replace("[", r"\[")
