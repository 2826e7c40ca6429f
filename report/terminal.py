"""Comparisons → the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bench.record import Record
from report import notes
from report.columns import Column, columns
from report.comparison import Comparison, compare
from report.text import Given, Note, encodable, plain

MEASURED_WIDTH = 1000


def print_summary(records: Sequence[Record], console: Console) -> None:
    """Print one table for each set-up, with its settings above and its notes below.

    Fits consoles of 100 columns; on narrower ones less important columns are left out, and a
    note names them. Text from records is shown as it is: no markup, no control characters.
    """
    comparisons = compare(records)
    if not comparisons:
        console.print(Text("No records: there is nothing to show."))
    for number, comparison in enumerate(comparisons):
        if number:
            console.print()
        _print_comparison(comparison, console)


def _print_comparison(comparison: Comparison, console: Console) -> None:
    console.print(_text(notes.title(comparison), console, style="bold"))
    console.print(_text(notes.settings(comparison), console))
    console.print(_text(("Ran on ", *notes.machine(comparison)), console, style="dim"))
    for warning in notes.warnings(comparison):
        console.print(_text(warning, console, style="bold red"))
    shown = _fitting(comparison, console)
    console.print(_table(comparison, shown, console))
    names = [column.name for column in shown]
    told = {*names, *notes.TOLD_IN_NOTES}
    left_out = [column.name for column in columns(comparison) if column.name not in told]
    below = Table.grid(padding=(0, 1, 0, 0))
    for note in notes.notes(comparison, names):
        below.add_row("-", _text(note, console))
    if left_out:
        below.add_row("-", f"No room here for: {', '.join(left_out)}.")
    console.print(below)


def _fitting(comparison: Comparison, console: Console) -> list[Column]:
    """The columns that the console has room for: the highest rank is left out first."""
    shown = list(columns(comparison))
    boundless = console.options.update_width(MEASURED_WIDTH)
    while (last := max(shown, key=lambda column: column.rank)).rank:
        table = _table(comparison, shown, console)
        if Measurement.get(console, boundless, table).maximum <= console.width:
            break
        shown.remove(last)
    return shown


def _table(comparison: Comparison, shown: Sequence[Column], console: Console) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in shown:
        table.add_column(
            Text(column.heading("\n")),
            justify="left" if column.is_text else "right",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in comparison.rows:
        style = None if row.runs_ok == row.runs else "yellow" if row.runs_ok else "red"
        table.add_row(*(_text((column.cell(row),), console) for column in shown), style=style)
    return table


def _text(note: Note, console: Console, style: str = "") -> Text:
    shown = (plain(part.text, part.limit) if isinstance(part, Given) else part for part in note)
    return Text(encodable("".join(shown), console.encoding), style=style)
