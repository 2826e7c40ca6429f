"""How a report is cited: the program, and the run by its date, its set-up and the hash of its data.

The facts of the program are those of CITATION.cff, which no installed package holds; a test keeps
the two alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bench import __version__
from report.analysis.comparison import Comparison
from report.text import Given, Note, listed
from report.wording import notes

TITLE = (
    "lenet-bench: deep-learning frameworks compared on one network, provably equal and rightly "
    "measured"
)
AUTHORS = "The lenet-bench authors"
LICENCE = "MIT"
MOST_NAMED = 3  # set-ups and runs in a citation; more are counted


def citation(comparisons: Sequence[Comparison], records_csv: str | None) -> Note:
    """Program and run on one line; the hash is that of the file records.csv."""
    published = year(comparisons)
    when: Note = (" (", Given(published), ")") if published else ()
    return (
        *(AUTHORS, *when, f". {TITLE}, version {__version__} [software, {LICENCE} licence]. "),
        *run(comparisons, records_csv),
    )


def run(comparisons: Sequence[Comparison], records_csv: str | None) -> Note:
    """Which measurement it is: runs, dates, set-ups, hash."""
    if not comparisons:
        return ("No records.",)
    first, last = _dates(comparisons)
    when: Note = (", measured on ", Given(first))
    if first != last:
        when = (", measured from ", Given(first), " to ", Given(last))
    names = sorted({one.identity.run for of in comparisons for one in of.everything})
    setups = list(dict.fromkeys(notes.title(one.setup) for one in comparisons))
    digest = records_csv and hashlib.sha256(records_csv.encode("utf-8")).hexdigest()
    return (
        *_few([(Given(name),) for name in names], "Run", "runs"),
        *when,
        *(": ", *_few(setups, "", "set-ups")),
        *((f". SHA-256 of records.csv: {digest}",) if digest else ()),
        ".",
    )


def year(comparisons: Sequence[Comparison]) -> str:
    """Of the first record; empty where there is none."""
    return _dates(comparisons)[0][:4]


def _dates(comparisons: Sequence[Comparison]) -> tuple[str, str]:
    """The first day and the last, in UTC; empty where there are no records."""
    days = sorted({one.identity.started_at[:10] for of in comparisons for one in of.everything})
    return (days[0], days[-1]) if days else ("", "")


def _few(items: Sequence[Note], one: str, several: str) -> Note:
    if len(items) > MOST_NAMED:
        return (f"{len(items)} {several}",)
    lead = f"{one if len(items) == 1 else several.capitalize()} " if one else ""
    return (lead, *listed(items, " and "))
