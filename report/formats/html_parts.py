"""Notes, tables and downloads as HTML. Text from records only ever becomes escaped text."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from report.analysis.certificates import Proof, named
from report.analysis.equality import PROPERTIES, Check
from report.tables.main import NONE, Column, Shown
from report.tables.sections import Section, Table
from report.text import REASON_LIMIT, Given, Note, plain

NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
PLAIN_DOWNLOAD_BYTES = 2**21  # above that it is compressed, so that the page stays light


def text(part: str | Given) -> Markup:
    """A fragment: the report's own words, or text from a file, which shows as it is."""
    if isinstance(part, Given):
        return Markup("<bdi>{}</bdi>").format(plain(part.text, part.limit))
    return escape(part)


def sentence(note: Note) -> Markup:
    """A note; a sentence of shouted words at its beginning is set apart."""
    return Markup("").join(text(part) for part in note)


def sentences(notes: Iterable[Note]) -> list[Markup]:
    """Several notes."""
    return [sentence(note) for note in notes]


def sort_key(shown: str) -> str:
    """The first number of a cell; of what is only known to be greater, a little more.

    Nothing for a cell without a number, which stands last however a table is sorted.
    """
    if shown.startswith("not reached"):
        return "1e300"
    found = NUMBER.search(shown)
    if not found:
        return ""
    value = float(found.group().replace(",", "").replace("−", "-"))
    if shown.startswith(">"):
        value += 1e-9 * max(1.0, abs(value))
    return repr(value)


def table(
    columns: Sequence[Column[Shown]],
    rows: Iterable[Shown],
    caption: Note,
    swatches: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    """What the template needs of a table.

    `swatches` are colours by framework; a first column that names one shows it.
    """
    return {
        "caption": sentence(caption),
        "is_titled": False,
        "columns": [
            {"name": one.name, "unit": one.unit, "is_text": one.is_text} for one in columns
        ],
        "rows": [
            [_cell(one, row, swatches or {}, first=at == 0) for at, one in enumerate(columns)]
            for row in rows
        ],
    }


def _cell(
    column: Column[Shown], row: Shown, swatches: Mapping[str, str], *, first: bool
) -> Mapping[str, Any]:
    content = column.cell(row)
    raw = content.text if isinstance(content, Given) else content
    key = plain(raw).casefold() if column.is_text else sort_key(raw)
    return {
        "html": text(content),
        "key": "" if raw == NONE else key,
        "swatch": swatches.get(raw) if first and isinstance(content, Given) else None,
    }


def section(of: Section, swatches: Mapping[str, str]) -> Mapping[str, Any]:
    """A section with its tables and notes."""
    count = len(of.tables)
    return {
        "title": of.title,
        "tables": [
            part(one, (of.title, *([] if count == 1 else [f", {at} of {count}"])), swatches)
            for at, one in enumerate(of.tables, 1)
        ],
        "notes": sentences(of.notes),
    }


def part(of: Table[Any], caption: Note, swatches: Mapping[str, str]) -> Mapping[str, Any]:
    """A section's table; the heading of a section with one table says what its caption says."""
    return {**table(of.columns, of.rows, caption, swatches), "is_titled": len(caption) == 1}


def command(line: str) -> Markup:
    """A command, which breaks at its options alone where it needs more than one line."""
    head, *options = plain(line).split(" --")
    parts = [head, *(f"--{option}" for option in options)]
    return Markup(" ").join(Markup("<span>{}</span>").format(part) for part in parts)


def proof_table(proofs: Sequence[Proof]) -> Mapping[str, Any] | None:
    """The certificates: a row a framework and check; None where there are none."""
    if not proofs:
        return None
    columns: tuple[Column[Proof], ...] = (
        Column("Framework", "", _proved, 0, is_text=True),
        Column("Check", "", lambda one: Given(one.name), 0, is_text=True),
        Column("Cases", "", lambda one: f"{one.checks}", 0),
        Column("Worst error", "", _error, 0),
        Column("Bound", "", lambda one: f"{one.worst.bound:.2g}", 0),
        Column("Where", "", _where, 0, is_text=True),
        Column("Outcome", "", lambda one: "ok" if one.worst.passed else "FAILS", 0, is_text=True),
    )
    return table(columns, proofs, ("Certificates of equivalence",))


def hash_table(checks: Sequence[Check]) -> Mapping[str, Any]:
    """What each seed was given, by hash."""
    by_seed: dict[int, dict[str, Check]] = {}
    for one in checks:
        if one.seed is not None:
            by_seed.setdefault(one.seed, {})[one.name] = one
    names = [item.name for item in PROPERTIES if item.by_seed]
    columns: list[Column[int]] = [Column("Seed", "", lambda seed: f"{seed}", 0)]
    for name in names:
        columns.append(
            Column(
                name.capitalize(),
                "",
                lambda seed, name=name: value(by_seed[seed].get(name)),  # type: ignore[misc]
                0,
                is_text=True,
            )
        )
    return table(columns, list(by_seed), ("Hashes of what each seed was given",))


def value(check: Check | None) -> str | Given:
    """The one value that all have, shortened; loud where there are several."""
    if check is None or not check.values:
        return NONE
    return "DIFFERS" if check.differs else Given(check.values[0][0], 13)


def download(name: str, content: str) -> Mapping[str, Any]:
    """A link that holds a file: it works from a saved page, without network and scripts."""
    data, kind = content.encode("utf-8"), "text/csv;charset=utf-8"
    size = len(data)
    if size > PLAIN_DOWNLOAD_BYTES:
        name, kind, data = f"{name}.gz", "application/gzip", gzip.compress(data, 6, mtime=0)
    address = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return {"name": name, "href": Markup(address), "size": _size(size)}  # noqa: S704 - base64


def _size(size_bytes: int) -> str:
    kib = size_bytes / 1024
    return f"{kib / 1024:.1f} MiB" if kib >= 1024 else f"{max(1, round(kib))} KiB"


def _proved(one: Proof) -> Given:
    words = (
        each.text if isinstance(each, Given) else each for each in named(one.framework, one.regime)
    )
    return Given("".join(words))


def _error(one: Proof) -> str:
    return "not finite" if one.worst.error is None else f"{one.worst.error:.2g}"


def _where(one: Proof) -> Given:
    where = f"{one.worst.case}{': ' * bool(one.worst.where)}{one.worst.where}"
    return Given(where, REASON_LIMIT)
