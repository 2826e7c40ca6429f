"""A report's data → one HTML file that holds everything: styles, script, figures, raw data.

The page loads nothing, and its policy forbids it to; the one script that may run is its own. All
is there without it: it sorts tables, copies summary and citation, and opens what is folded when
the page is printed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from report.analysis import regimes
from report.analysis.certificates import proofs
from report.analysis.comparison import Comparison
from report.analysis.equality import check
from report.figures.gallery import Gallery, Picture, looks
from report.formats import html_parts
from report.formats.data_dictionary import Entry, entries, entries_of_profiles
from report.formats.html_parts import sentence, sentences
from report.formats.latex import bibtex
from report.formats.markdown import summary
from report.report_data import ReportData
from report.tables import contents, regime_tables
from report.tables.main import Column, columns
from report.text import Given, Note
from report.wording import notes
from report.wording.answer import answer
from report.wording.card import card
from report.wording.citation import citation
from report.wording.commands import Commands, commands
from report.wording.methods import protocol
from report.wording.report_title import report_title
from report.wording.summary import verdict
from report.wording.titles import titles

PATH_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page:
    """The report's text, and its figures as files of their own."""

    html: str
    pictures: tuple[Picture, ...]


def page(
    data: ReportData,
    files: Mapping[str, str],
    gallery: Callable[[], Gallery] | None = None,
) -> Page:
    """The report as HTML.

    `files` are to be downloaded from within it, by their names. `gallery` waits for figures that
    are drawn elsewhere; without it they are drawn here.
    """
    compared, profiles = data.compared, data.profiles
    swatches = {name: style.colour for name, style in looks(compared).items()}
    across = [html_parts.section(one, swatches) for one in contents.across(compared, profiles)]
    comparisons = [
        _comparison(one, title, number, swatches, data.typed)
        for number, (one, title) in enumerate(zip(compared, titles(compared), strict=True))
    ]
    downloads = [html_parts.download(name, content) for name, content in files.items()]
    crossings = contents.drawn(contents.crossings(compared, profiles))
    drawn = gallery() if gallery else Gallery(compared, crossings)
    title, cited = report_title(compared, profiles), citation(compared, files.get("records.csv"))
    html = rendered(
        "report.html.j2",
        title=sentence(title),
        stripped=sentence(data.stripped),
        plain_title=notes.plain_note(title),
        count=len(data.records),
        as_markdown=summary(compared, cited),
        as_citation=f"{notes.plain_note(cited)}\n\n{bibtex(compared, files.get('records.csv'))}",
        comparisons=[view | _figures(drawn, at) for at, view in enumerate(comparisons)],
        across=across,
        across_title=contents.across_title(compared, profiles),
        across_figures=[figure(one) for one in drawn.of_crossings],
        problems=[
            (sentence((Given(str(path), PATH_LIMIT),)), sentence((Given(reason, 300),)))
            for path, reason in data.problems
        ],
        downloads=downloads,
        dictionary=_dictionary(with_profiles=bool(profiles)),
    )
    return Page(html, tuple(drawn.pictures))


def rendered(template: str, **values: object) -> str:
    """A page by its template, with our styles and script."""
    style, script = _asset("report.css"), _asset("report.js")
    return (
        _environment()
        .get_template(template)
        .render(
            style=style,
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            **values,
        )
    )


@cache  # which keeps templates compiled: a site has a page for each of many runs
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("report.formats"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _asset(name: str) -> Markup:
    """A file of ours that goes into the page as it is."""
    file = resources.files("report.formats") / "templates" / name
    return Markup(file.read_text(encoding="utf-8"))  # noqa: S704 - not from a record


def _comparison(
    of: Comparison,
    title: Note,
    number: int,
    swatches: Mapping[str, str],
    typed: Commands,
) -> dict[str, Any]:
    """All that stands under a comparison's heading, but for its figures."""
    shown = columns(of)
    failures = notes.failures(of.everything)
    below = notes.notes(of, [column.name for column in shown])
    return {
        "id": f"c{number + 1}",
        "title": sentence(title),
        "settings": sentence(notes.settings(of)),
        "warnings": sentences(notes.warnings(of)),
        "answer": sentence(answer(of).said),
        "card": [
            {
                "name": tile.name,
                "tone": tile.tone,
                "value": sentence(tile.value),
                "sure": sentences(tile.sure),
            }
            for tile in card(of)
        ],
        **_verdict(of),
        "table": html_parts.table(shown, of.rows, ("Figures, fastest first",), swatches)
        if of.rows
        else None,
        "notes": sentences(one for one in below if one not in failures),
        "sections": [html_parts.section(one, swatches) for one in contents.below(of)],
        **_equality(of),
        "regimes": _regimes(of, swatches) if of.others else None,
        "protocol": [(name, sentences(said)) for name, said in protocol(of)],
        "commands": [
            (sentence(what), html_parts.command(line)) for what, line in commands(of, typed)
        ],
        "failures": sentences(failures),
    }


def _verdict(of: Comparison) -> Mapping[str, Any]:
    told = verdict(of)
    return {
        "headline": sentence(told.headline),
        "findings": [
            {"name": one.name, "tone": one.tone, "said": sentences(one.said)}
            for one in told.findings
        ],
    }


def _equality(of: Comparison) -> Mapping[str, Any]:
    """What was proved, and what all were given."""
    checks = check(of)
    return {
        "proofs": html_parts.proof_table(proofs(of)),
        "hashes": html_parts.hash_table(checks) if of.rows else None,
        "once": [
            (one.name.capitalize(), html_parts.text(html_parts.value(one)))
            for one in checks
            if one.seed is None
        ],
    }


def _figures(gallery: Gallery, number: int) -> dict[str, Any]:
    """Those of a comparison, or that it was left out."""
    return {
        "figures": [figure(one) for one in gallery.of_comparisons[number]],
        "is_without_figures": number in gallery.left_out,
    }


def figure(picture: Picture) -> Mapping[str, Any]:
    """A figure for the page. Its SVG was put together by `report.figures.svg`, all text escaped."""
    return {"svg": Markup(picture.inline), "note": picture.note}  # noqa: S704


def _regimes(of: Comparison, swatches: Mapping[str, str]) -> Mapping[str, Any]:
    pairs, cases = regimes.pairs(of), regimes.cases(of)
    beside = regime_tables.pair_columns(pairs) if pairs else ()
    tables = [html_parts.table(beside, pairs, ("Matched and native",), swatches)] if pairs else []
    each = html_parts.table(
        regime_tables.case_columns(cases), cases, ("Each regime, and its gap to matched",), swatches
    )
    return {
        "introduction": sentences(regime_tables.introduction(of)),
        "warnings": sentences(regime_tables.warnings(of)),
        "tables": [*tables, each],
        "notes": sentences(regime_tables.notes_below(of)),
    }


@cache
def _dictionary(*, with_profiles: bool) -> Mapping[str, Any]:
    columns: tuple[Column[Entry], ...] = (
        Column("Column", "", lambda one: one.column, 0, is_text=True),
        Column("File", "", lambda one: one.file, 0, is_text=True),
        Column("Unit", "", lambda one: one.unit, 0, is_text=True),
        Column("Form", "", lambda one: one.form, 0, is_text=True),
        Column("Meaning", "", lambda one: one.meaning, 0, is_text=True),
    )
    shown = [*entries(), *(entries_of_profiles() if with_profiles else ())]
    return html_parts.table(columns, shown, ("Columns of the raw data",))
