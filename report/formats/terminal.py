"""Comparisons → the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bench.results.step_profile import Profiles
from report.analysis import regimes
from report.analysis.comparison import Comparison, Row
from report.tables import contents, regime_tables
from report.tables.main import Column, Shown, columns
from report.tables.sections import Section
from report.text import Given, Note, encodable, plain
from report.wording import notes
from report.wording.report_title import report_title

MEASURED_WIDTH = 1000


def print_summary(
    comparisons: Sequence[Comparison], console: Console, profiles: Sequence[Profiles] = ()
) -> None:
    """Print one table for each set-up, with its settings above and its notes below.

    Fits consoles of 100 columns; on narrower ones less important columns are left out, and a
    note names them. Text from records is shown as it is: no markup, no control characters.
    """
    if not comparisons and not profiles:
        console.print(Text("No records: there is nothing to show."))
    else:
        console.print(_text(report_title(comparisons, profiles), console, style="bold"))
        console.print()
    for number, comparison in enumerate(comparisons):
        if number:
            console.print()
        _print_comparison(comparison, console)
    for section in contents.across(comparisons, profiles):
        print_section(section, console)


def _print_comparison(comparison: Comparison, console: Console) -> None:
    console.print(_text(notes.title(comparison.setup), console, style="bold"))
    console.print(_text(notes.settings(comparison), console))
    console.print(_text(("Ran on ", *notes.machine(comparison)), console, style="dim"))
    for warning in notes.warnings(comparison):
        console.print(_text(warning, console, style="bold red"))
    all_columns = columns(comparison)
    shown = _fitting(all_columns, comparison.rows, console)
    names = [column.name for column in shown]
    if comparison.rows:
        console.print(_table(shown, comparison.rows, console, _style))
        told = {*names, *notes.TOLD_IN_NOTES}
        left_out = [column.name for column in all_columns if column.name not in told]
        _print_notes(notes.notes(comparison, names), left_out, console)
    for section in contents.below(comparison):
        print_section(section, console)
    if comparison.others:
        _print_regimes(comparison, console)


def print_section(section: Section, console: Console) -> None:
    """Print a heading, the tables and the notes below them."""
    console.print()
    console.print(_text((section.title,), console, style="bold"))
    left_out: dict[str, None] = {}
    for number, table in enumerate(section.tables):
        if number:
            console.print()
        left_out |= dict.fromkeys(_print_fitting(table.columns, table.rows, console))
    _print_notes(section.notes, list(left_out), console)


def _print_regimes(comparison: Comparison, console: Console) -> None:
    """Matched beside native, what each default changes, and what must be said of it."""
    console.print()
    console.print(_text(("Regimes",), console, style="bold"))
    for note in regime_tables.introduction(comparison):
        console.print(_text(note, console))
    for warning in regime_tables.warnings(comparison):
        console.print(_text(warning, console, style="bold red"))
    pairs, cases = regimes.pairs(comparison), regimes.cases(comparison)
    left_out: list[str] = []
    if pairs:
        left_out += _print_fitting(regime_tables.pair_columns(pairs), pairs, console)
        console.print()
    left_out += _print_fitting(regime_tables.case_columns(cases), cases, console)
    _print_notes(regime_tables.notes_below(comparison), left_out, console)


def _print_fitting(
    all_columns: Sequence[Column[Shown]], rows: Sequence[Shown], console: Console
) -> list[str]:
    """Print a table as wide as there is room; return the headings of what is left out."""
    shown = _fitting(all_columns, rows, console)
    console.print(_table(shown, rows, console))
    return [column.heading() for column in all_columns if column not in shown]


def _print_notes(said: Sequence[Note], left_out: Sequence[str], console: Console) -> None:
    below = Table.grid(padding=(0, 1, 0, 0))
    for note in said:
        below.add_row("-", _text(note, console))
    if left_out:
        below.add_row("-", f"No room here for: {', '.join(left_out)}.")
    console.print(below)


def _fitting(
    all_columns: Sequence[Column[Shown]], rows: Sequence[Shown], console: Console
) -> list[Column[Shown]]:
    """The columns that the console has room for: the highest priority goes first, as a whole."""
    shown = list(enumerate(all_columns))
    widths = [_width([column], rows, console) for column in all_columns]
    between = (_width(all_columns, rows, console) - sum(widths)) // max(len(widths) - 1, 1)
    while last := max(column.drop_priority for _, column in shown):
        if sum(widths[at] + between for at, _ in shown) - between <= console.width:
            break
        shown = [(at, column) for at, column in shown if column.drop_priority != last]
    return [column for _, column in shown]


def _width(shown: Sequence[Column[Shown]], rows: Sequence[Shown], console: Console) -> int:
    """Of the table where there is room for all of it."""
    boundless = console.options.update_width(MEASURED_WIDTH)
    return Measurement.get(console, boundless, _table(shown, rows, console)).maximum


def _table(
    shown: Sequence[Column[Shown]],
    rows: Iterable[Shown],
    console: Console,
    style: Callable[[Shown], str | None] = lambda _: None,
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in shown:
        table.add_column(
            Text(column.heading("\n")),
            justify="left" if column.is_text else "right",
            no_wrap=not column.is_text,  # names are broken rather than cut
            overflow="fold" if column.is_text else "ellipsis",
        )
    for row in rows:
        cells = (_text((column.cell(row),), console) for column in shown)
        table.add_row(*cells, style=style(row))
    return table


def _style(row: Row) -> str | None:
    return None if row.runs_ok == row.runs else "yellow" if row.runs_ok else "red"


def _text(note: Note, console: Console, style: str = "") -> Text:
    shown = (plain(part.text, part.limit) if isinstance(part, Given) else part for part in note)
    return Text(encodable("".join(shown), console.encoding), style=style)
