"""The answer to "which is the fastest?" in a line, as far as it may stand alone in a title.

Stricter than the verdict, beside which its doubts stand: who was disturbed, or has no certificate,
is never ranked here, nor is anybody where what was compared was not equal. Who is called the
fastest is faster than each of the others by the verdicts of `report.analysis.contrasts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bench.results.record import Record
from report.analysis.comparison import KEPT, Comparison, Row
from report.analysis.contrasts import Family, base_place, family
from report.analysis.equality import check
from report.tables import throughput_tables
from report.text import Given, Note, in_words, listed
from report.wording import notes
from report.wording.ranking import ahead, named, some, speed_of, times, untold

MOST_NAMED = 4  # of a kind, in a title
# What is said of a row that is not ranked.
DISTURBED = "disturbed"
UNPROVED = "without a certificate"
DEFECT = "of a version with a known defect"
TOO_MANY = "on more threads than asked for"


@dataclass(frozen=True, slots=True)
class Answer:
    """What can be said of who is the fastest.

    kind     told: one is faster than all others; part: some can be ranked, others may not be;
             untold: the intervals cannot tell; alone: one has a speed, and nobody else;
             none: nobody is ranked, and `said` is the reason
    said     the sentence, without a full stop
    fastest  whose it is, where `kind` is told
    speeds   those that may be ranked
    """

    kind: Literal["told", "part", "untold", "alone", "none"]
    said: Note
    fastest: Given | None
    speeds: Family


@lru_cache(maxsize=KEPT)  # title, card and page ask for the same
def answer(comparison: Comparison) -> Answer:
    """The answer of one comparison."""
    speeds = family(comparison, "images_per_s")
    why = unranked(comparison)
    rows = {(row.framework, row.framework_version): row for row in comparison.rows}
    places = [
        at
        for at, one in enumerate(speeds.samples)
        if rows[one.framework, one.version] not in why and one.can_be_compared
    ]
    kept = speeds.among(places)
    reason = _nothing_to_rank(comparison)
    if reason:
        return Answer("none", reason, None, kept)
    left_out = _left_out(comparison, why)
    if not kept.samples:
        reasons: Note = (str(left_out[0]).removeprefix("; "), *left_out[1:]) if left_out else ()
        return Answer("none", reasons or ("no speed was measured",), None, kept)
    first = named(kept.samples)[0]
    if len(kept.samples) == 1:
        alone: Note = (
            "only ",
            first,
            f" has a speed to rank: {speed_of(kept.samples[0])}",
            *left_out,
        )
        only: Note = (first, f" alone: {speed_of(kept.samples[0])}")
        return Answer("alone", alone if left_out else only, None, kept)
    return _ranked(kept, left_out, comparison.baseline)


def unranked(comparison: Comparison) -> Mapping[Row, str]:
    """The rows that succeeded and may not be ranked, with the reason."""
    found: dict[Row, str] = {}
    busy = {one[1] for one in throughput_tables.warnings(comparison)}
    wrong = {note[0] for note in notes.known_to_be_wrong(comparison)}
    for row in comparison.rows:
        records = [one for one in comparison.of(row) if one.status.outcome == "ok"]
        if not records:
            continue
        if (row.speed.disturbed and not row.speed.processes) or row.speed.accepted:
            found[row] = DISTURBED
        elif not is_proved(records):
            found[row] = UNPROVED
        elif Given(row.framework) in wrong:
            found[row] = DEFECT
        elif Given(row.framework) in busy:
            found[row] = TOO_MANY
    return found


def is_proved(records: Sequence[Record]) -> bool:
    """Whether each of them has a certificate that passed."""
    proofs = [one.provenance.certificate for one in records]
    return all(proof is not None and proof.passed for proof in proofs) and not any(
        one.provenance.unverified for one in records
    )


def row_names(comparison: Comparison) -> dict[Row, Given]:
    """Each row's framework, with its version where the framework is there in several."""
    names = [row.framework for row in comparison.rows]
    return {
        row: Given(f"{row.framework} {row.framework_version or 'of unknown version'}")
        if names.count(row.framework) > 1
        else Given(row.framework)
        for row in comparison.rows
    }


def _nothing_to_rank(comparison: Comparison) -> Note:
    """Why nobody of all can be ranked; empty where that is not so."""
    if not any(row.runs_ok for row in comparison.rows):
        if any(record.status.outcome == "ok" for record in comparison.others):
            return ("frameworks in their own defaults are not ranked",)
        return ("no run succeeded",)
    unequal = sorted({one.name for one in check(comparison) if one.differs})
    if unequal:
        verb = "differ" if len(unequal) > 1 else "differs"
        return (f"not ranked, since {in_words(unequal)} {verb} between frameworks",)
    if comparison.setup.shares_host:
        return ("not ranked, since others could measure on the host meanwhile",)
    return ()


def _left_out(comparison: Comparison, why: Mapping[Row, str]) -> Note:
    """`; not ranked: flax (disturbed)`, alike reasons together; empty where nobody is left out."""
    alike: dict[str, list[Given]] = defaultdict(list)
    names = row_names(comparison)
    for row, reason in why.items():
        alike[reason].append(names[row])
    parts = [(*listed(found, " and "), f" ({reason})") for reason, found in alike.items()]
    return ("; not ranked: ", *listed(parts)) if parts else ()


def _ranked(kept: Family, left_out: Note, baseline: str | None) -> Answer:
    names, front = named(kept.samples), kept.front
    if front is None or all(one.p is None for one in kept.contrasts.values()):
        return Answer(
            "untold",
            (
                *(names[0], " came out fastest, but so few processes do not tell whether that "),
                *("was chance", *left_out),
            ),
            None,
            kept,
        )
    if front.ahead:
        return Answer("untold", (*_unended(ahead(front, names)), *left_out), None, kept)
    if front.is_one and not front.behind and not left_out and len(names) > MOST_NAMED:
        return Answer("untold", ("they cannot be told apart in speed",), None, kept)
    if front.level:
        tied = untold(front, names, last=" and ", most=MOST_NAMED)
        return Answer("untold", (*_unended(tied), *left_out), None, kept)
    to = base_place(kept, baseline) or 1
    by_much = times(kept, 0, to, short=True)
    if left_out:
        others = some([names[at] for at in front.behind], " and ", MOST_NAMED)
        single = len(front.behind) == 1
        said = (" is ",) if single else (" is faster than ", *others, ", ")
        return Answer("part", (names[0], *said, *by_much, *left_out), None, kept)
    return Answer("told", (names[0], " is the fastest, ", *by_much), names[0], kept)


def _unended(note: Sequence[str | Given]) -> Note:
    """Without its full stop."""
    *before, last = note
    return (*before, last.removesuffix(".")) if isinstance(last, str) else tuple(note)
