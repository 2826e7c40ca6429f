"""Releases against each other for people and programs: what a search found, and the matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.cli.console import say
from bench.cli.views.gate import share
from bench.gate.cases import Case
from bench.gate.decision import Rule
from bench.gate.releases.decision import Verdict, as_speed, judged
from bench.gate.releases.document import Document, differing
from bench.gate.releases.matrix import Row
from bench.gate.releases.search import Edge, Found
from report.text import markdown_code, plain

NONE = "–"
STYLES = {"slower": "bold red", "faster": "bold green", "same": "green", "inconclusive": "yellow"}
MATRIX = ("Release", "images/s", "Ratio", "Interval", "Pairs", "Certificate", "Parameters")
MOST_NAMED = 6  # other packages that differ

Matrix = Sequence[tuple[Document, list[Row]]]


@dataclass(frozen=True, slots=True)
class Searched:
    """A search among releases with a framework; found: None where it has not come to its end."""

    package: str
    case: Case
    versions: tuple[str, ...]
    every: bool
    found: Found | None


# What a search has found


def print_bisect(console: Console, of: Document, results: Sequence[Searched], rule: Rule) -> None:
    """The comparisons that were made, then what follows."""
    for one in results:
        say(console, one.case.label, "bold")
        compared = list(_compared(of, one, rule))
        if compared:
            console.print(_table(compared))
        for text, style in sentences(of, one):
            say(console, plain(text), style)
        console.print()
    say(
        console,
        f"Speed: that of the later release over the earlier one's, less 1, of fresh process pairs, "
        f"with its 95 % interval. A change: two blocks of {rule.pairs} pairs are apart by "
        f"{share(rule.threshold)} or more with p < {rule.alpha:g}.",
        "dim",
    )


def sentences(of: Document, one: Searched) -> Iterator[tuple[str, str | None]]:
    """What a search says, and how each sentence is set."""
    name, found = one.package, one.found
    if found is None:
        yield "the search has not come to its end", "yellow"
        wanted = [each for each in of.compared if each.case == one.case]
        for each in (one for one in wanted if one.base != one.head):
            yield f"{name} {each.base} and {each.head}: {len(each.pairs)} pairs so far", "dim"
        return
    for (before, after), verdict in found.changes:
        style = STYLES[verdict.outcome]
        yield f"{name} {after} is {_size(verdict)} than {before}{_interval(verdict)}", style
        yield from _also(of, before, after)
    for (before, after), verdict in found.undecided:
        told = f"{name} {before} and {after}: undecided, {verdict.reason}{_interval(verdict)}"
        yield told, STYLES["inconclusive"]
    for before, after in found.unexplained:
        yield (
            f"{name} {before} and {after} differ, and no single release between them does by the "
            "threshold: the change is spread over several",
            STYLES["inconclusive"],
        )
    if not (found.changes or found.undecided or found.unexplained):
        if one.every:
            yield f"no release of {name} in this range is a change from the one before it", "green"
        else:
            yield f"{name} {found.versions[0]} and {found.versions[-1]} do not differ", "green"
            yield "changes within that cancel would not be seen: --every compares all", "dim"


def _also(of: Document, before: str, after: str) -> Iterator[tuple[str, str | None]]:
    """What else differs between two environments."""
    one, other = of.release(before), of.release(after)
    if one is None or other is None:
        return
    changed = differing(one.packages, other.packages, of.distribution.partition("[")[0])
    if changed:
        named = [f"{name} {change}" for name, change in list(changed.items())[:MOST_NAMED]]
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        yield f"  with it came {', '.join(named)}{more}", "dim"


def _compared(of: Document, one: Searched, rule: Rule) -> Iterator[tuple[Edge, Verdict]]:
    """Those among the releases that were asked for that come to something."""
    for each in of.compared:
        edge = each.base, each.head
        if each.case != one.case or each.base == each.head or not {*edge} <= {*one.versions}:
            continue
        verdict = judged(one.case, rule, [pair.observation for pair in each.pairs]).verdict
        if verdict is not None:
            yield edge, verdict


def _table(compared: Sequence[tuple[Edge, Verdict]]) -> Table:
    table = _empty(("Earlier", "Later", "Speed", "Interval", "Pairs", "Verdict"), left=(0, 1, 5))
    for (before, after), verdict in compared:
        low, high = _ends(verdict)
        table.add_row(
            before,
            after,
            share(as_speed(verdict.effect), signed=True),
            f"{low} to {high}" if low else NONE,
            f"{verdict.pairs}",
            Text(verdict.outcome, style=STYLES[verdict.outcome]),
        )
    return table


def _size(verdict: Verdict) -> str:
    return f"{share(abs(as_speed(verdict.effect)))} {verdict.outcome}"


def _ends(verdict: Verdict) -> tuple[str, str]:
    if verdict.low is None or verdict.high is None:
        return "", ""
    ends = sorted((as_speed(verdict.low), as_speed(verdict.high)))
    return share(ends[0], signed=True), share(ends[1], signed=True)


def _interval(verdict: Verdict) -> str:
    low, high = _ends(verdict)
    return f" (95 % interval {low} to {high})" if low else ""


def bisect_document(of: Document, results: Sequence[Searched]) -> dict[str, Any]:
    """For programs; the pairs are in the file that the document was read from."""

    def told(edges: Sequence[tuple[Edge, Verdict]]) -> list[dict[str, Any]]:
        return [
            {"earlier": a, "later": b, "speed": as_speed(v.effect), **asdict(v)}
            for (a, b), v in edges
        ]

    return {
        "package": of.package,
        "left_out": of.left_out,
        "searches": [
            {
                "case": one.case.model_dump(mode="json"),
                "versions": list(one.versions),
                "every": one.every,
                "finished": one.found is not None,
                "changes": told(one.found.changes) if one.found else [],
                "undecided": told(one.found.undecided) if one.found else [],
                "unexplained": [list(edge) for edge in one.found.unexplained] if one.found else [],
                "says": [text.strip() for text, _ in sentences(of, one)],
            }
            for one in results
        ],
    }


# The matrix


def print_matrix(console: Console, of: Matrix) -> None:
    """A table for each framework, with what must be said of it."""
    for document, rows in of:
        for label, alike in _by_case(rows):
            say(console, f"{document.package}: {label}", "bold")
            table = _empty(MATRIX, left=(0, 5))
            for row in alike:
                cells = _cells(row)
                cells[0] = Text(cells[0], style="bold" if row.version == row.reference else "")
                table.add_row(*cells)
            console.print(table)
        for note in (*_notes(document, rows), *_reasons(document, rows)):
            say(console, plain(note), "dim")
        console.print()
    say(console, _legend(), "dim")


def matrix_markdown(of: Matrix) -> str:
    """The same for a page."""
    lines: list[str] = []
    for document, rows in of:
        for label, alike in _by_case(rows):
            lines += [f"**{document.package}: {label}**", ""]
            lines += [_line(MATRIX), _line(["---", *["---:"] * 4, "---", "---:"])]
            lines += [_line(_cells(row)) for row in alike]
            lines.append("")
        lines += [f"- {note}" for note in _notes(document, rows)]
        lines += [f"- {markdown_code(reason)}" for reason in _reasons(document, rows)]
        lines += [""] if lines[-1] else []
    return "\n".join([*lines, f"{_legend()}\n"])


def matrix_document(of: Matrix) -> list[dict[str, Any]]:
    """For programs."""
    return [
        {
            "package": document.package,
            "machine": document.machine.model_dump(mode="json"),
            "left_out": document.left_out,
            "rows": [row.model_dump(mode="json") for row in rows],
        }
        for document, rows in of
    ]


def _by_case(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for label in dict.fromkeys(row.case.label for row in rows):
        yield label, [row for row in rows if row.case.label == label]


def _cells(row: Row) -> list[Any]:
    interval = (
        f"{row.low:.3f} to {row.high:.3f}{' *' * row.disturbed}"
        if row.low is not None and row.high is not None
        else NONE
    )
    return [
        row.version,
        NONE if row.images_per_s is None else f"{row.images_per_s:,.0f}",
        NONE if row.ratio is None else f"{row.ratio:.3f}",
        interval,
        f"{row.pairs}",
        plain(row.certificate),
        NONE if row.parameters is None else f"{row.parameters:,}",
    ]


def _notes(document: Document, rows: Sequence[Row]) -> list[str]:
    references = dict.fromkeys(row.reference for row in rows if row.reference)
    notes = [f"The reference is {document.package} {name}." for name in references]
    if any(row.disturbed for row in rows):
        notes.append("* Other programs were busier while one of the two was measured.")
    told: dict[str, list[str]] = {}
    for row in rows:
        for name, change in row.also.items():
            told.setdefault(f"{name} {change}", []).append(row.version)
    for change, versions in list(told.items())[:MOST_NAMED]:
        notes.append(f"With {', '.join(dict.fromkeys(versions))}: {change}.")
    if len(told) > MOST_NAMED:
        notes.append(f"{len(told) - MOST_NAMED} more differences of packages are in --json.")
    cpu = document.machine.cpu or document.machine.architecture
    notes.append(f"Measured on {cpu}, {document.machine.logical_cpus} CPUs.")
    return notes


def _reasons(document: Document, rows: Sequence[Row]) -> list[str]:
    """Why releases are without a speed, in the words of pip or of an examination."""
    found = [f"{row.version}: {row.reason}" for row in rows if row.reason]
    left_out = document.left_out.items()
    return found + [f"Without {version}: {why.splitlines()[0]}" for version, why in left_out]


def _legend() -> str:
    return (
        "Ratio: the release's speed over the reference's, the median of fresh process pairs that "
        "took turns, with its 95 % interval; the reference was measured with itself, too. "
        "images/s: the reference's, times the ratio."
    )


def _empty(headings: Sequence[str], left: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number in left else "right", overflow="fold")
    return table


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
