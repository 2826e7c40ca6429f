"""A report's data → Markdown with GitHub's tables: all of it, and a summary to be copied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from report.analysis import regimes
from report.analysis.certificates import Proof, named, proofs
from report.analysis.comparison import Comparison
from report.analysis.equality import PROPERTIES, Check, check
from report.report_data import ReportData
from report.tables import contents, regime_tables
from report.tables.main import NONE, Column, Shown, columns
from report.tables.sections import Section
from report.text import REASON_LIMIT, Given, Markdown, Note, markdown_cell, markdown_code
from report.wording import notes
from report.wording.card import card
from report.wording.report_title import report_title
from report.wording.summary import verdict
from report.wording.titles import titles

MOST_COPIED = 12  # comparisons in what is copied, which is for a comment or a message


def markdown(data: ReportData, beside: Collection[str] = ()) -> str:
    """The report as Markdown with GitHub's tables, fit for a README or a pull request.

    `beside` are the names of the CSV files that are written with it, which it refers to.
    """
    has_csv = "records.csv" in beside
    return _rendered(
        "report.md.j2",
        title=_heading(report_title(data.compared, data.profiles)),
        comparisons=[_view(comparison) for comparison in data.compared],
        across=[_section(section) for section in contents.across(data.compared, data.profiles)],
        has_csv=has_csv,
        in_full=Markdown("; in full in records.csv" if has_csv else ""),
        stripped=_heading(data.stripped),
        problems=[
            (markdown_code(str(path)), markdown_code(reason)) for path, reason in data.problems
        ],
    )


def summary(comparisons: Sequence[Comparison], source: Note = ()) -> str:
    """Title and cards alone, for a pull request or a message; `source` is said at their end."""
    shown = list(zip(comparisons, titles(comparisons), strict=True))[:MOST_COPIED]
    return _rendered(
        "summary.md.j2",
        title=_heading(report_title(comparisons)),
        cards=[
            {
                "title": _heading(title),
                "settings": _prose(notes.settings(one)),
                "card": _card(one),
            }
            for one, title in shown
        ],
        left_out=len(comparisons) - len(shown),
        source=_heading(source),
    )


def _rendered(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


@cache  # which keeps templates compiled
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("report.formats"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        finalize=_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
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
        "title": _heading(notes.title(comparison.setup)),
        "settings": _prose(notes.settings(comparison)),
        "warnings": _proses(notes.warnings(comparison)),
        "card": _card(comparison),
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


def _card(comparison: Comparison) -> Mapping[str, object]:
    """The four figures as a table."""
    rows = [
        [
            Markdown(tile.name),
            Markdown(f"**{_heading(tile.value)}**"),
            Markdown(" ".join(map(_heading, tile.sure))),
        ]
        for tile in card(comparison)
    ]
    return {
        "headings": [Markdown(""), Markdown("Answer"), Markdown("How sure")],
        "alignments": [Markdown(":--")] * 3,
        "rows": rows,
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
        return markdown_cell(content.text, content.limit) if content.text else Markdown("")
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
