"""Comparisons → files, by format; and the report as Markdown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bench.results.record import Record
from bench.results.store import write_atomically
from report.analysis import regimes
from report.analysis.certificates import Proof, named, proofs
from report.analysis.comparison import Comparison, compare
from report.analysis.configurations import distinct
from report.analysis.equality import PROPERTIES, Check, check
from report.figures.gallery import drawn_aside, is_ours, looks, of_crossings
from report.formats.csv_files import csv_files
from report.formats.html import Page, page
from report.formats.json_document import document
from report.formats.latex import latex
from report.tables import contents, regime_tables
from report.tables.main import NONE, Column, Shown, columns
from report.tables.sections import Section
from report.text import REASON_LIMIT, Given, Markdown, Note, markdown_cell, markdown_code
from report.wording import notes
from report.wording.commands import Commands
from report.wording.summary import verdict

Format = Literal["html", "md", "csv", "latex", "json"]
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
) -> list[Path]:
    """Write the report of `records` into the folder `out`; return the paths of its files.

    `compared` are their comparisons, where they are at hand already. `aside` has the page's figures
    drawn by another process meanwhile, which pays for thousands of records.

    `problems` are the files that could not be read, each with the reason: the report names them.
    `typed` are the arguments that runs were started with, by their names. Figures are in the folder
    figures/, which is returned as one path: with `html` all, as SVG and PNG, with `md` those
    of sweeps and hosts.
    The folder is made if need be. Each file is replaced as a whole or not at all, drawings that an
    earlier report left there are removed, and the same records give the same bytes. Raises OSError
    where the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    ordered = distinct(records)
    compared = compare(ordered) if compared is None else compared
    crossings = contents.drawn(contents.crossings(compared))
    files: dict[str, str | bytes] = {}
    with ExitStack() as stack:
        gallery = None
        if aside and "html" in formats:
            gallery = stack.enter_context(drawn_aside(compared, crossings))
        if "md" in formats:
            files["report.md"] = markdown(compared, problems)
            if "html" not in formats:  # which has them, too
                files |= _drawings(compared, crossings)
        # The page holds the same files.
        data = csv_files(ordered) if {"html", "csv"} & set(formats) else {}
        if "csv" in formats:
            files |= data
        if "latex" in formats:
            files["report.tex"] = latex(compared)
        if "json" in formats:
            files["report.json"] = document(ordered, compared, problems)
        if "html" in formats:
            files = _page(page(ordered, compared, data, problems, typed, gallery)) | files
    for name, content in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        write_atomically(out / name, content)
    _remove_others(out / FIGURES, files)
    return list(dict.fromkeys(out / Path(name).parts[0] for name in files))


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


def markdown(comparisons: Sequence[Comparison], problems: Sequence[tuple[Path, str]] = ()) -> str:
    """The report as Markdown with GitHub's tables, fit for a README or a pull request."""
    environment = Environment(
        loader=PackageLoader("report.formats"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        finalize=_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("report.md.j2")
    return template.render(
        comparisons=[_view(comparison) for comparison in comparisons],
        across=[_section(section) for section in contents.across(comparisons)],
        problems=[(markdown_code(str(path)), markdown_code(reason)) for path, reason in problems],
    )


def _escaped(value: object) -> Markdown:
    """What the template prints: as it is where it is Markdown already, else made harmless."""
    return value if isinstance(value, Markdown) else markdown_cell(str(value))


def _view(comparison: Comparison) -> Mapping[str, object]:
    """What the template shows of a comparison, all of it Markdown."""
    shown = columns(comparison)
    checks = check(comparison)
    once = [one for one in checks if one.seed is None]
    return {
        "title": _heading(notes.title(comparison)),
        "settings": _prose(notes.settings(comparison)),
        "warnings": _proses(notes.warnings(comparison)),
        "headline": _heading(verdict(comparison).headline),
        "table": _table(shown, comparison.rows),
        "sections": [_section(section) for section in contents.below(comparison)],
        "regimes": _regimes(comparison) if comparison.others else None,
        "notes": _proses(notes.notes(comparison, [column.name for column in shown])),
        "machine": _prose(notes.machine(comparison)),
        "runs": _prose(notes.runs(comparison)),
        "versions": _proses(notes.versions(comparison)),
        "proofs": [_proof(proof) for proof in proofs(comparison)],
        "once": [(Markdown(one.name.capitalize()), _value(one)) for one in once],
        "hash_headings": [Markdown(p.name.capitalize()) for p in PROPERTIES if p.by_seed],
        "hash_rows": _by_seed(checks),
    }


def _table(shown: Sequence[Column[Shown]], rows: Iterable[Shown]) -> Mapping[str, object]:
    """Headings, alignments and rows of a table."""
    return {
        "headings": [Markdown(column.heading()) for column in shown],
        "alignments": [Markdown(":--" if column.is_text else "--:") for column in shown],
        "rows": [[_cell(column.cell(row)) for column in shown] for row in rows],
    }


def _section(section: Section) -> Mapping[str, object]:
    """A section's heading, tables and notes."""
    return {
        "title": Markdown(section.title),
        "tables": [_table(table.columns, table.rows) for table in section.tables],
        "notes": _proses(section.notes),
        "figure": Markdown(section.figure) if section.figure else None,
    }


def _drawings(
    compared: Sequence[Comparison], crossings: Sequence[tuple[str, contents.Crossing]]
) -> dict[str, str]:
    """The drawings of what several comparisons show together, by the names of their files."""
    if not crossings:  # nothing to load Matplotlib for
        return {}
    made = of_crossings(crossings, looks(compared))
    return {f"{FIGURES}/{one.name}.svg": one.svg for one in made}


def _regimes(comparison: Comparison) -> Mapping[str, object]:
    """The section on regimes: what is said above, its tables, and what is said below."""
    pairs, cases = regimes.pairs(comparison), regimes.cases(comparison)
    return {
        "introduction": _proses(regime_tables.introduction(comparison)),
        "warnings": _proses(regime_tables.warnings(comparison)),
        "tables": [
            *([_table(regime_tables.pair_columns(pairs), pairs)] if pairs else []),
            _table(regime_tables.case_columns(cases), cases),
        ],
        "notes": _proses(regime_tables.notes_below(comparison)),
    }


def _proof(proof: Proof) -> list[Markdown]:
    """One row of the certificates: framework, check, how many, worst error, bound, where."""
    worst = proof.worst
    where = f"{worst.case}{': ' * bool(worst.where)}{worst.where}"
    return [
        _heading(named(proof.framework, proof.regime)),
        markdown_cell(proof.name),
        Markdown(f"{proof.checks}"),
        Markdown("not finite" if worst.error is None else f"{worst.error:.2g}"),
        Markdown(f"{worst.bound:.2g}"),
        markdown_cell(where, REASON_LIMIT),
        Markdown("ok" if worst.passed else "**fails**"),
    ]


def _by_seed(checks: Iterable[Check]) -> dict[int, list[Markdown]]:
    """For each seed, one cell for each property that depends on it."""
    rows: dict[int, list[Markdown]] = {}
    for one in checks:
        if one.seed is not None:
            rows.setdefault(one.seed, []).append(_value(one))
    return rows


def _value(one: Check) -> Markdown:
    if one.differs:
        return Markdown("**differs**")
    return markdown_cell(one.values[0][0], notes.SHORT_HASH + 1) if one.values else Markdown(NONE)


def _cell(content: str | Given) -> Markdown:
    """A table cell: the report's own words as they are, text from files made harmless."""
    if isinstance(content, Given):
        return markdown_cell(content.text, content.limit)
    return Markdown(content)


def _heading(note: Note) -> Markdown:
    return Markdown("".join(_cell(part) for part in note))


def _prose(note: Note) -> Markdown:
    return Markdown(
        "".join(
            markdown_code(part.text, part.limit) if isinstance(part, Given) else part
            for part in note
        )
    )


def _proses(several: Iterable[Note]) -> list[Markdown]:
    return [_prose(note) for note in several]
