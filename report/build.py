"""Comparisons → files, by format."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, get_args

from bench.results.record import Record
from bench.results.step_profile import Profiles
from bench.results.store import write_atomically
from report.analysis.comparison import Comparison, compare
from report.analysis.configurations import distinct
from report.figures.gallery import drawn_aside, is_ours, looks, of_crossings
from report.formats import step_profile_csv
from report.formats.csv_files import csv_files
from report.formats.html import Page, page
from report.formats.json_document import document
from report.formats.latex import latex
from report.formats.markdown import markdown
from report.formats.parquet import parquet_files
from report.tables import contents
from report.text import Note
from report.wording.commands import Commands

Format = Literal["html", "md", "csv", "latex", "json", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
FIGURES = "figures"


def build(
    records: Sequence[Record],
    out: Path,
    problems: Sequence[tuple[Path, str]] = (),
    formats: Collection[Format] = ("md", "csv"),
    typed: Commands | None = None,
    compared: Sequence[Comparison] | None = None,
    *,
    aside: bool = False,
    stripped: Note = (),
    profiles: Sequence[Profiles] = (),
) -> list[Path]:
    """Write the report of `records` into the folder `out`; return the paths of its files.

    `compared` are their comparisons, where they are at hand already. `aside` has the page's figures
    drawn by another process meanwhile, which pays for thousands of records.

    `stripped` says what was taken out of the records (`report.sharing`), and is in the files.

    `profiles` of training steps are shown below the comparisons.

    `problems` are the files that could not be read, each with the reason: the report names them.
    `typed` are the arguments that runs were started with, by their names. Figures are in the folder
    figures/, which is returned as one path: with `html` all, as SVG and PNG, with `md` those
    of sweeps, hosts and profiles.
    The folder is made if need be. Each file is replaced as a whole or not at all, drawings that an
    earlier report left there are removed, and the same records give the same bytes. Raises OSError
    where the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    ordered = distinct(records)
    compared = compare(ordered) if compared is None else compared
    crossings = contents.drawn(contents.crossings(compared, profiles))
    files: dict[str, str | bytes] = {}
    with ExitStack() as stack:
        gallery = None
        if aside and "html" in formats:
            gallery = stack.enter_context(drawn_aside(compared, crossings))
        if "md" in formats:
            files["report.md"] = markdown(compared, problems, stripped, profiles)
            if "html" not in formats:  # which has them, too
                files |= _drawings(compared, crossings)
        # The page holds the same files.
        data = _data(ordered, profiles) if {"html", "csv"} & set(formats) else {}
        if "csv" in formats:
            files |= data
        if "latex" in formats:
            files["report.tex"] = latex(compared, stripped, profiles)
        if "json" in formats:
            files["report.json"] = document(ordered, compared, problems, stripped, profiles)
        if "parquet" in formats:
            files |= parquet_files(ordered, stripped)
        if "html" in formats:
            made = page(
                ordered, compared, data, problems, typed, gallery, stripped, profiles=profiles
            )
            files = _page(made) | files
    for name, content in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        write_atomically(out / name, content)
    _remove_others(out / FIGURES, files)
    return list(dict.fromkeys(out / Path(name).parts[0] for name in files))


def _data(records: Sequence[Record], profiles: Sequence[Profiles]) -> dict[str, str]:
    """The CSV files, by their names."""
    files = dict(csv_files(records)) if records or not profiles else {}
    return files | {
        f"profile-{number}.csv": step_profile_csv.table(one.profiles)
        for number, one in enumerate(profiles, 1)
    }


def _remove_others(folder: Path, files: Collection[str]) -> None:
    """Drawings of an earlier report that are not of this one; what a person put there stays."""
    if not any(name.startswith(f"{FIGURES}/") for name in files):
        return
    for path in folder.iterdir():
        ours = is_ours(path.name) and path.is_file()
        if ours and f"{FIGURES}/{path.name}" not in files:
            path.unlink()


def _page(made: Page) -> dict[str, str | bytes]:
    """The page and its figures, by the names of their files."""
    files: dict[str, str | bytes] = {"report.html": made.html}
    for picture in made.pictures:
        files[f"{FIGURES}/{picture.name}.svg"] = picture.svg
        files[f"{FIGURES}/{picture.name}.png"] = picture.png
    return files


def _drawings(
    compared: Sequence[Comparison], crossings: Sequence[tuple[str, contents.Crossing]]
) -> dict[str, str]:
    """The drawings of what several comparisons show together, by the names of their files."""
    if not crossings:  # nothing to load Matplotlib for
        return {}
    made = of_crossings(crossings, looks(compared))
    return {f"{FIGURES}/{one.name}.svg": one.svg for one in made}
