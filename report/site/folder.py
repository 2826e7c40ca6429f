"""Runs → the folder of a site: a start page, and a page for each run. Nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from bench.errors import StoreError, UsageError
from bench.results.store import write_atomically
from report.figures.gallery import Gallery
from report.formats.csv_files import csv_files
from report.formats.html import page
from report.report_data import ReportData
from report.site.runs import Kept, RunRead, RunRow, row
from report.site.start_page import start_page
from report.tables import contents
from report.tables.history import trends
from report.text import Note

START, MANIFEST, REPORT, RUNS = "index.html", "site.json", "report.html", "runs"
PROGRAM = "lenet-bench site"
MOST_DRAWN = 10  # runs, the newest, whose pages have figures: each takes seconds


def claim(folder: Path) -> list[str]:
    """Make the folder, and return the pages that an earlier site left there.

    UsageError where it holds something that is no site, StoreError where it cannot be made.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"--site {folder} is a file: give a folder")
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not others:
        _write(folder, MANIFEST, _manifest([]))
        return []
    pages = _pages_of(folder)
    if pages is None:
        raise UsageError(
            f"--site {folder} holds something else, such as {others[0]}: give a new or empty "
            f"folder, or one that --site wrote, which has a file {MANIFEST}"
        )
    return pages


def build_site(
    folder: Path,
    runs: Iterable[RunRead],
    newest: Sequence[Path],
    stripped: Callable[[], Note] = tuple,
) -> list[Path]:
    """Write the site into a folder that `claim` has returned of; return the paths of its start.

    `newest` are the folders of those runs whose pages get figures. `stripped` says what was taken
    out of the records so far. Pages of runs that are there no more are removed. StoreError where
    the folder cannot be written.
    """
    before = claim(folder)
    kept, rows = Kept(), list[RunRow]()
    problems: list[tuple[Path, str]] = []
    taken: set[str] = set()
    for run in runs:
        problems += run.problems
        if not run.records:
            continue
        name = _free(run.folder.name, taken)
        data = ReportData.of(
            run.records, problems=run.problems, typed=run.commands, stripped=stripped()
        )
        made = f"{RUNS}/{name}/{REPORT}"
        is_drawn = run.folder in newest
        _write(folder, made, _report(data, is_drawn=is_drawn))
        rows.append(row(name, made, data))
        kept.add(data.records)
    _write(folder, START, start_page(rows, trends(kept.records), problems, stripped()))
    pages = [one.page for one in rows]
    _write(folder, MANIFEST, _manifest(pages))
    _remove(folder, set(before) - set(pages))
    return [folder / START, folder / RUNS]


def _report(data: ReportData, *, is_drawn: bool) -> str:
    crossings = contents.drawn(contents.crossings(data.compared)) if is_drawn else []
    gallery = Gallery(data.compared if is_drawn else [], crossings)
    if not is_drawn:
        gallery.of_comparisons = [[] for _ in data.compared]
        gallery.left_out = set(range(len(data.compared)))
    return page(data, csv_files(data.records), lambda: gallery).html


def _free(name: str, taken: set[str]) -> str:
    """A name that no other run has: runs of several folders may be called alike."""
    free = next(
        one
        for one in (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
        if one not in taken
    )
    taken.add(free)
    return free


def _manifest(pages: Sequence[str]) -> str:
    return json.dumps({"program": PROGRAM, "version": 1, "pages": sorted(pages)}, indent=1) + "\n"


def _pages_of(folder: Path) -> list[str] | None:
    """Those that the folder's manifest names; None where it has none."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("program") != PROGRAM:
        return None
    pages = content.get("pages")
    return [one for one in pages if isinstance(one, str)] if isinstance(pages, list) else []


def _remove(folder: Path, pages: Iterable[str]) -> None:
    """Pages of runs that are there no more, with their folders where nothing else is in these."""
    for name in pages:
        parts = PurePosixPath(name).parts
        if len(parts) != 3 or (parts[0], parts[2]) != (RUNS, REPORT) or parts[1] in (".", ".."):
            continue  # not of ours, whoever wrote the manifest
        path = folder / name
        if (folder / RUNS).is_symlink() or path.parent.is_symlink():
            continue
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _write(folder: Path, name: str, content: str) -> None:
    try:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write the site to {folder}: {error.strerror}; give a folder that is writable "
        "and has space: python -m bench report results/ --site FOLDER"
    )
