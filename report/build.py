"""A report's data → files, by format."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, get_args

from bench.results.store import write_atomically
from report.analysis.comparison import Comparison
from report.figures.gallery import drawn_aside, is_ours, looks, of_crossings
from report.formats import step_profile_csv
from report.formats.csv_files import csv_files
from report.formats.html import Page, page
from report.formats.json_document import document
from report.formats.latex import latex
from report.formats.markdown import markdown
from report.formats.parquet import parquet_files
from report.report_data import ReportData
from report.tables import contents

Format = Literal["html", "md", "csv", "latex", "json", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
FIGURES = "figures"


def build(
    data: ReportData, out: Path, formats: Collection[Format] = ("md", "csv"), *, aside: bool = False
) -> list[Path]:
    """Write the report into the folder `out`; return the paths of its files.

    `aside` has the page's figures drawn by another process meanwhile, which pays for thousands of
    records.

    Figures are in the folder figures/, which is returned as one path: with `html` all, as SVG and
    PNG, with `md` those of sweeps, hosts and profiles.
    The folder is made if need be. Each file is replaced as a whole or not at all, drawings that an
    earlier report left there are removed, and the same records give the same bytes. Raises OSError
    where the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    crossings = contents.drawn(contents.crossings(data.compared, data.profiles))
    files: dict[str, str | bytes] = {}
    with ExitStack() as stack:
        gallery = None
        if aside and "html" in formats:
            gallery = stack.enter_context(drawn_aside(data.compared, crossings))
        # The page holds the same files.
        tables = _tables(data) if {"html", "csv"} & set(formats) else {}
        written = tables if "csv" in formats else {}
        if "md" in formats:
            files["report.md"] = markdown(data, beside=written)
            if "html" not in formats:  # which has them, too
                files |= _drawings(data.compared, crossings)
        files |= written
        if "latex" in formats:
            files["report.tex"] = latex(data)
        if "json" in formats:
            files["report.json"] = document(data)
        if "parquet" in formats:
            files |= parquet_files(data.records, data.stripped)
        if "html" in formats:
            files = _page(page(data, tables, gallery)) | files
    for name, content in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        write_atomically(out / name, content)
    _remove_others(out / FIGURES, files)
    return list(dict.fromkeys(out / Path(name).parts[0] for name in files))


def _tables(data: ReportData) -> dict[str, str]:
    """The CSV files, by their names."""
    files = dict(csv_files(data.records)) if data.records or not data.profiles else {}
    return files | {
        f"profile-{number}.csv": step_profile_csv.table(one.profiles)
        for number, one in enumerate(data.profiles, 1)
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
