"""Text that came from a file, made harmless for where it is shown.

Records can come from anyone: a name may hold a pipe, a terminal escape, HTML or a formula.
`Given` marks such text; each renderer passes it through one of the functions below.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NAME_LIMIT = 40
REASON_LIMIT = 300

_ANSI_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_PLAIN_MARKDOWN = re.compile(r"[^\W_]+(?:[ ._+/-][^\W_]+)*")
_FORMULA_STARTS = tuple("=+-@＝＋－＠")
_ASCII_SPELLINGS = str.maketrans({"±": "+/-", "–": "-", "·": "|", "…": "...", "−": "-", "’": "'"})


@dataclass(frozen=True, slots=True)
class Given:
    """Text that came from a file, not yet made harmless."""

    text: str
    limit: int = NAME_LIMIT


Note = tuple[str | Given, ...]
"""A sentence in fragments: the report's own words, and text from files between them."""


def counted(count: int, noun: str) -> str:
    """`1 run`, `2 runs`, `1,000 processes`."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def between(least: int, most: int, noun: str) -> str:
    """`2 to 3 runs`, or `3 runs` where both are the same."""
    return counted(most, noun) if least == most else f"{least:,} to {counted(most, noun)}"


def in_words(items: Sequence[str], last: str = " and ") -> str:
    """`a, b and c`."""
    return last.join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def listed(items: Iterable[Note | Given], last: str = ", ") -> Note:
    """The items with commas between them, `last` before the last one."""
    fragments: list[str | Given] = []
    every = [(one,) if isinstance(one, Given) else one for one in items]
    for place, item in enumerate(every):
        if place:
            fragments.append(last if place == len(every) - 1 else ", ")
        fragments += item
    return tuple(fragments)


class Markdown(str):
    """Text that is Markdown already and needs no escaping."""

    __slots__ = ()


def plain(text: str, limit: int | None = None) -> str:
    """One line without control characters, shortened to `limit` characters with an ellipsis.

    Terminal colours are removed, white space is folded to single spaces; what remains of control,
    direction-changing, surrogate and unassigned characters becomes U+FFFD.
    """
    text = " ".join(_ANSI_ESCAPE.sub("", text).split())
    if not text.isprintable():  # which only text with such characters, or with rare spaces, is not
        text = "".join("\ufffd" if unicodedata.category(c).startswith("C") else c for c in text)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def encodable(text: str, encoding: str) -> str:
    """`text` in characters that `encoding` has; others are spelled in ASCII or become `?`."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII_SPELLINGS).encode(encoding, "replace").decode(encoding)
    return text


def markdown_cell(text: str, limit: int = NAME_LIMIT) -> Markdown:
    """Text for a table cell or running text; shows as it is, whatever it holds.

    Ordinary names stay readable in the source. Anything else is set as code, in which every
    ASCII character but letters, digits and spaces is a character reference: a reference is never
    taken for structure (CommonMark 0.31, section 2.5), and mentions and links stay dead.
    """
    text = plain(text, limit)
    if _PLAIN_MARKDOWN.fullmatch(text) and "www." not in text.lower():
        return Markdown(text)
    return Markdown("<code>" + re.sub(r"[!-/:-@\[-`{-~]", _character_reference, text) + "</code>")


def _character_reference(match: re.Match[str]) -> str:
    return f"&#{ord(match.group())};"


def markdown_code(text: str, limit: int = REASON_LIMIT) -> Markdown:
    """A code span, for running text and lists but not for table cells; shows as it is."""
    text = plain(text, limit) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return Markdown(f"{fence}{pad}{text}{pad}{fence}")


def spreadsheet_cell(text: str) -> str:
    """One line that no spreadsheet takes for a formula.

    Text that begins with = + - @ or a full-width form of these gets an apostrophe before it
    (OWASP, CSV Injection); all other text that is one line already comes back as it was.
    """
    text = plain(text)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
