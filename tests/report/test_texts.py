"""Columns, headings, figures, the data dictionary and the names in JSON, each whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.text import Text

from bench.results.record import Record
from report.analysis.comparison import Comparison, compare
from report.analysis.regimes import cases, pairs
from report.figures.canvas import Drawing, house_style
from report.figures.gallery import Gallery, looks
from report.figures.registry import drawings
from report.figures.throughput import sweep
from report.formats.data_dictionary import entries
from report.formats.html import page
from report.formats.json_document import document
from report.report_data import ReportData
from report.tables import contents, regime_tables
from report.tables.main import Column, columns, figure, with_error
from report.tables.sweeps import sweeps
from tests.golden_texts import assert_golden

pytestmark = pytest.mark.xdist_group("report")  # see test_html.py
GOLDEN = Path(__file__).parent / "golden"
Records = dict[str, list[Record]]


@pytest.fixture(scope="module")
def records(frozen: list[Record], windows: list[Record], mistaken: list[Record]) -> Records:
    return {"frozen": frozen, "windows": windows, "mistaken": mistaken}


def tables(several: list[Record]) -> Iterator[tuple[str, Sequence[Column[Any]]]]:
    """The columns of every table, and what it is."""
    compared = compare(several)
    sections = list(contents.across(compared))
    for comparison in compared:
        yield f"batch {comparison.setup.batch_size}", columns(comparison)
        sections += contents.below(comparison)
        yield "two regimes", regime_tables.pair_columns(pairs(comparison))
        yield "regimes", regime_tables.case_columns(cases(comparison))
    for section in sections:
        for table in section.tables:
            yield section.title, table.columns


def test_columns(records: Records) -> None:
    """With `heading: priority`; `text` where it is set to the left."""
    lines: list[str] = []
    for name, several in records.items():
        for what, of in tables(several):
            lines.append(f"{name}, {what}")
            lines += [
                f"  {one.heading()}: {one.drop_priority}{' text' * one.is_text}" for one in of
            ]
    assert_golden(GOLDEN / "columns.txt", "".join(f"{line}\n" for line in lines))


def test_headings_of_the_page(records: Records) -> None:
    """As the browser gets them, with captions; `number` is set to the right."""
    lines: list[str] = []
    for name, several in records.items():
        compared = compare(several)
        without = Gallery(compared, (), lambda *given: [])  # quick
        text = page(
            ReportData(records=several, compared=compared), {}, gallery=lambda found=without: found
        ).html
        for table in re.findall(r"<table.*?</thead>", text, re.DOTALL):
            found = re.findall(r"<(?:caption|th)\b(.*?)</(?:caption|th)>", table, re.DOTALL)
            lines += [f"{name}, a table", *(f"  {' '.join(one.split())}" for one in found)]
        lines += re.findall(r"<h[1-6].*?</h[1-6]>", text)
    assert_golden(GOLDEN / "headings.txt", "".join(f"{line}\n" for line in lines))


def drawn(compared: Sequence[Comparison]) -> Iterator[Drawing]:
    styles = looks(compared)
    for number, one in enumerate(compared, 1):
        yield from drawings(one, styles, f"{number}-")
    for number, one in enumerate(sweeps(compared), 1):
        yield sweep(one, styles, f"sweep-{number}")


def shown(drawing: Drawing) -> Iterator[str]:
    """All that can be read in a figure but the numbers at its axes."""
    yield from (drawing.title, drawing.seen, drawing.note)
    texts: list[Text] = []
    for axes in drawing.figure.axes:
        texts += [axes.xaxis.label, axes.yaxis.label, *axes.texts]
    for legend in drawing.figure.legends:
        texts += legend.get_texts()
    for one in (*texts, *drawing.figure.texts):
        if one.get_text():
            yield f"  {one.get_text()!r}"
    for marks in drawing.marks.values():
        yield f"  {len(marks)} marks: {' | '.join(dict.fromkeys(marks[:3]))}"


def looking(axes: Axes) -> Iterator[str]:
    """How it is drawn: scales, and each line's colour, width, marker; areas with theirs."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        formatter = type(axis.get_major_formatter()).__name__
        yield f"  {axis.get_scale()} {formatter} {low:.4g} to {high:.4g}"
    for line in axes.lines:
        of = (line.get_linestyle(), line.get_linewidth(), line.get_alpha(), line.get_zorder())
        mark = (line.get_marker(), line.get_markersize(), line.get_markeredgewidth())
        yield f"  line {line.get_color()} {of} {mark} {line.get_markerfacecolor()}"
    for area in (*axes.collections, *axes.patches):
        alpha, order = area.get_alpha(), area.get_zorder()
        yield f"  area {hex_of(area.get_facecolor())} {alpha} {order}"


def hex_of(colour: Any) -> str:
    """Of one colour, or of the first of several."""
    several = colors.to_rgba_array(colour)
    return colors.to_hex(several[0], keep_alpha=True) if len(several) else "none"


def test_texts_and_looks_of_figures(records: Records) -> None:
    lines: list[str] = []
    with house_style():
        for name, several in records.items():
            for drawing in drawn(compare(several)):
                lines += [f"{name} {drawing.name}", *shown(drawing)]
                for axes in drawing.figure.axes:
                    lines += dict.fromkeys(looking(axes))
    assert_golden(GOLDEN / "figures.txt", "".join(f"{line}\n" for line in lines))


def test_data_dictionary() -> None:
    told = (
        f"{one.file} {one.column} [{one.unit}] {one.form}: {one.meaning}\n" for one in entries()
    )
    assert_golden(GOLDEN / "dictionary.txt", "".join(told))


def leaves(value: Any, path: str) -> Iterator[str]:
    """Paths of what is below; texts with what they say, numbers without."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, f"{path}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, f"{path}[]")
    else:
        yield f"{path}: {value!r}" if isinstance(value, str) else path


def test_names_and_texts_in_json(records: Records) -> None:
    found: dict[str, None] = {}
    for several in records.values():
        whole = json.loads(
            document(ReportData(compared=compare(several), problems=[(Path("a.json"), "no JSON")]))
        )
        found |= dict.fromkeys(leaves(whole, ""))
    assert_golden(GOLDEN / "json.txt", "".join(f"{one}\n" for one in found))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (12345.6, "12,346"),
        (99.94, "99.9"),
        (1.0, "1.00"),
        (0.8, "0.800"),
        (-0.012, "-0.0120"),
        (1e-5, "0.0000100"),
    ],
)
def test_figures_have_three_digits(value: float | None, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (21.333, 2.177, "21.3 ± 2.2"),
        (8.19, 0.0, "8.19 ± 0.00"),
        (150.0, 0.25, "150 ± 0.250"),
        (0.8, 0.0599, "0.800 ± 0.060"),
    ],
)
def test_an_error_has_the_decimals_of_its_figure(value: float, error: float, shown: str) -> None:
    assert with_error(value, error) == shown
