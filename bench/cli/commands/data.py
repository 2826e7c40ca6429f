"""`bench data`: fetch, verify and show data sets, remove what was decoded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from bench.cli.console import SET_ASIDE, say, standard_output
from bench.config import parsing
from bench.config.defaults import preset
from bench.config.settings import DECLARED
from bench.contract import Labels
from bench.workload import caches, datasets, models, normalisation
from report.text import counted

_STATUS_WIDTH = len("size only") + 1


def fetch(name: str, root: Path | None) -> int:
    """Download, check and keep a data set."""
    console = Console(stderr=True)
    root = root or datasets.default_root()
    own = parsing.dataset("NAME", name)
    folder = datasets.fetch(own, root, progress=console.is_terminal)
    say(console, f"terms: {datasets.describe(own, root).credit}")
    print(folder)
    return 0


def verify(name: str, arrays: str | None, root: Path | None) -> int:
    """One line a file; exit code 1 if one is missing or wrong.

    A file of which nothing but the size is known is told as such, and taken.
    """
    checks = datasets.verify(_named(name, arrays), root or datasets.default_root())
    for check in checks:
        detail = "" if check.status == "ok" else f": expected {check.expected}, got {check.got}"
        status = "size only" if check.status == "ok" and check.by_size else check.status
        print(f"{status:<{_STATUS_WIDTH}}{check.path}{detail}")
    return 0 if all(check.status == "ok" for check in checks) else 1


def show(name: str, arrays: str | None, root: Path | None, *, as_json: bool) -> int:
    """What is in a data set, as the default plan brings it to the networks."""
    facts = _facts(_named(name, arrays), root or datasets.default_root())
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    counts = facts.pop("images_per_class")
    console = standard_output()
    for key, value in facts.items():
        shown = ", ".join(f"{v:.4f}" for v in value) if isinstance(value, list) else value
        if key == "test_images" and not value:
            shown = f"none of its own: {SET_ASIDE}"
        console.print(f"{key.replace('_', ' '):>15}  {shown}", markup=False, soft_wrap=True)
    parts = [part for part in ("train", "test") if counts[part]]
    table = Table(Column("class", overflow="fold"), *parts, box=None)
    for index, label in enumerate(counts["names"]):
        table.add_row(escape(label), *(f"{counts[part][index]:,}" for part in parts))
    console.print(table)
    return 0


def clean(root: Path | None) -> int:
    """Remove what was decoded, which the next run decodes again; one line a folder."""
    root = root or datasets.default_root()
    removed = datasets.clean(root)
    for one in removed:
        freed = f"{one.freed_bytes / 1e6:,.1f} MB freed"
        print(f"{one.folder}: {counted(one.files, 'file')} removed, {freed}")
    if not removed:
        print(f"nothing is decoded in {caches.folder()}, nor in {root}")
    return 0


def _named(name: str, arrays: str | None) -> str:
    dataset = parsing.dataset("NAME", name)
    return dataset if arrays is None else parsing.with_arrays(dataset, arrays)


def _facts(name: str, root: Path) -> dict[str, Any]:
    about = datasets.describe(name, root)
    size = models.named(DECLARED["model"].default).size
    data = datasets.load(name, root, size, preset(name).fit)
    notes = Console(stderr=True)
    for note in (*about.notes, *data.notes):
        say(notes, note)
    mean, std = normalisation.statistics(data.train_images)
    return {
        "name": about.name,
        "title": about.title,
        "folder": str(about.folder),
        "credit": about.credit,
        "native_shape": "×".join(map(str, about.shape)),
        "delivered_shape": "×".join(map(str, data.train_images.shape[1:])),
        "train_images": len(data.train_images),
        "test_images": 0 if data.test_images is None else len(data.test_images),
        "pixel_mean": list(mean),
        "pixel_std": list(std),
        "sha256": data.sha256,
        "images_per_class": {
            "names": list(data.classes),
            "train": _counts(data.train_labels, len(data.classes)),
            "test": _counts(data.test_labels, len(data.classes)),
        },
    }


def _counts(labels: Labels | None, classes: int) -> list[int]:
    if labels is None:
        return []
    return [int(count) for count in np.bincount(labels, minlength=classes)]
