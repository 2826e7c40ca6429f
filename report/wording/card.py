"""The four figures that people ask for: fastest, accuracy, time to target, fair.

Each comes with its interval, or with the reason why there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from report.analysis.comparison import KEPT, Comparison, Row
from report.analysis.contrasts import UNTOLD, Contrast, family
from report.analysis.equality import agreeing, check
from report.analysis.samples import Sample
from report.tables.main import figure, marked, percent
from report.text import Note, between, counted, in_words, listed
from report.wording.answer import DISTURBED, Answer, answer, is_proved, row_names, unranked
from report.wording.ranking import named, speed_of, times
from report.wording.summary import Tone, first_there, verdict

NAMES = ("Fastest", "Accuracy", "Time to target", "Fair")


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the four.

    value  the figure, a few words
    sure   its interval and what it rests on, or the reason why there is none
    tone   good or bad where it speaks for or against the comparison
    """

    name: str
    value: Note
    sure: tuple[Note, ...]
    tone: Tone = "plain"


@lru_cache(maxsize=KEPT)  # the page and the Markdown show the same
def card(comparison: Comparison) -> tuple[Tile, ...]:
    """The tiles, always these four."""
    told = answer(comparison)
    return (
        _fastest(comparison, told),
        _accuracy(comparison),
        _target(comparison, told),
        _fair(comparison),
    )


def _fastest(comparison: Comparison, told: Answer) -> Tile:
    said: tuple[Note, ...] = (_sentence(told.said),)
    if told.kind == "told" and told.fastest is not None:
        much: Note = (*told.said[2:], ".")
        return Tile(NAMES[0], (told.fastest,), (much, (f"{speed_of(told.speeds.samples[0])}.",)))
    if told.kind == "alone":
        sample = told.speeds.samples[0]
        bare = sample.interval is None
        why = (("One process: no interval.",),) if bare else ()
        value = "Not ranked" if unranked(comparison) else "Nothing to compare"
        return Tile(NAMES[0], (value,), (*said, *why))
    if told.kind == "untold" and told.speeds.contrast(0, 1):
        names = named(told.speeds.samples)
        said = (*said, (names[0], " came out ", *times(told.speeds, 0, 1, short=True), "."))
    value = {"part": "Told in part", "untold": "Cannot be told"}.get(told.kind, "Not ranked")
    return Tile(NAMES[0], (value,), said)


def _accuracy(comparison: Comparison) -> Tile:
    """From the least to the greatest mean; how far those two are apart, and how surely."""
    name = NAMES[1]
    rows = [row for row in comparison.rows if row.accuracy_mean is not None]
    if not rows:
        return Tile(name, ("Not measured",), (("No run was trained to its end.",),))
    means = sorted(row.accuracy_mean or 0.0 for row in rows)
    seeds = sorted({len(row.seeds) for row in rows})
    over = f"{between(seeds[0], seeds[-1], 'seed')} each"
    found = family(comparison, "test_accuracy")
    if len(rows) == 1:
        return Tile(name, (f"{percent(means[0])} %",), (_alone(found.samples[0], over),))
    shown = " to ".join(dict.fromkeys(percent(mean) for mean in (means[0], means[-1])))
    by_mean = sorted(rows, key=lambda row: row.accuracy_mean or 0.0)
    worst, best = (
        found.place(row.framework, row.framework_version) for row in by_mean[:: len(rows) - 1]
    )
    names = named(found.samples)
    contrast = None if best is None or worst is None else found.contrast(best, worst)
    interval = contrast.effect.interval if contrast else None
    if contrast is None or interval is None or best is None or worst is None:
        return Tile(name, (f"{shown} %",), ((f"{over}: no interval of the difference.",),))
    low, high = (percent(end).replace("-", "−") for end in (interval.low, interval.high))
    said: Note = (
        *(names[best], " to ", names[worst], ": a difference of "),
        f"{percent(contrast.effect.estimate).replace('-', '−')} points, "
        f"95 % from {low} to {high}, {over}; they {_told(contrast)}.",
    )
    return Tile(name, (f"{shown} %",), (said,))


def _told(contrast: Contrast) -> str:
    return UNTOLD if contrast.verdict == UNTOLD else "differ by more than seeds explain"


def _alone(sample: Sample, over: str) -> Note:
    interval = sample.interval
    if interval is None:
        return (f"{over}: no interval.",)
    return (f"95 % from {percent(interval.low)} to {percent(interval.high)} %, {over}.",)


def _target(comparison: Comparison, told: Answer) -> Tile:
    """Of who gets there first as far as that can be told, else from the least to the greatest."""
    name, target = NAMES[2], comparison.setup.settings.target_accuracy
    if target is None:
        return Tile(name, ("No target",), (("No accuracy was set as a target (--target).",),))
    rows = [row for row in comparison.rows if row.target_runs and row.runs_ok]
    if not rows:
        return Tile(name, ("Not measured",), (("No run was trained to its end.",),))
    goal = f"{percent(target)} % on the validation images"
    runs = sum(row.target_runs for row in rows)
    reached = sum(row.target_reached for row in rows)
    count = f"{reached} of {counted(runs, 'run')} got there"
    if not reached:
        return Tile(name, ("Not reached",), ((f"{goal}: {count}, so no interval.",),))
    why = unranked(comparison)
    left_out = {(row.framework, row.framework_version) for row in why}
    found = family(comparison, "time_to_target")
    kept = found.among(
        [
            at
            for at, one in enumerate(found.samples)
            if one.can_be_compared
            and not one.accepted
            and (one.framework, one.version) not in left_out
        ]
    )
    if told.kind == "none" or not kept.samples:
        return Tile(name, ("Cannot be told",), ((f"{goal}: {count}, {_why(rows, told, why)}.",),))
    names, best = named(kept.samples), kept.samples[0]
    interval = best.interval
    sure = (
        f", 95 % from {figure(interval.low)} to {figure(interval.high)} s"
        if interval
        else ", one run: no interval"
    )
    time = f"{marked(figure(best.estimate), best.accepted)} s"
    front = kept.front
    is_first = front is not None and not front.level and not front.ahead
    disturbed = sum(row.times_disturbed for row in rows)
    left = f" ({disturbed} left out, since others disturbed them)" if disturbed else ""
    who: Note = (names[0], f": {time}{sure}; {goal}, {count}{left}.")
    if len(rows) == 1:
        return Tile(name, (time,), (who,))
    all_kept = len(kept.samples) == len(rows)
    if is_first and all_kept:
        return Tile(name, (names[0], f", {time}"), (who, ("It gets there first.",)))
    first: Note = first_there(kept) if all_kept else ("Who gets there first cannot be told.",)
    return Tile(name, (f"from {time}",), (who, first))


def _why(rows: list[Row], told: Answer, why: Mapping[Row, str]) -> str:
    """`why` has the rows that are not ranked, and the reasons."""
    if told.kind == "none":
        return "but the set-up is not ranked"
    if any(row.times_disturbed for row in rows):
        return "but others disturbed the trainings"
    if all(row in why for row in rows):
        return f"but nobody is ranked ({in_words(sorted({why[row] for row in rows}))})"
    of = "that is ranked " if any(row in why for row in rows) else ""
    return f"and no framework {of}got there in all of its runs"


def _fair(comparison: Comparison) -> Tile:
    """Certificates, equal hashes, disturbances: counts, which have no interval."""
    rows = [row for row in comparison.rows if row.runs_ok]
    if not rows:
        return Tile(NAMES[3], ("Nothing to judge",), (("No matched run succeeded.",),))
    names = row_names(comparison)
    unproved = [
        row
        for row in rows
        if not is_proved([one for one in comparison.of(row) if one.status.outcome == "ok"])
    ]
    checks = check(comparison)
    unequal = sorted({one.name for one in checks if one.differs})
    equal = agreeing(checks)
    kind = "variants" if any(":" in row.framework for row in rows) else "frameworks"
    count = len(rows) - len(unproved)
    proved: Note = (
        f"{count} of {len(rows)} {kind} {'has' if count == 1 else 'have'} a certificate"
        if len(rows) > 1
        else f"{'No' if unproved else 'A'} certificate",
    )
    if unproved and len(rows) > 1:
        proved = (*proved, "; none: ", *listed([names[row] for row in unproved]))
    hashes = (
        f"unequal {in_words(unequal)}"
        if unequal
        else f"equal {in_words(equal)}"
        if equal
        else "no hashes that were compared"
        if len(rows) > 1
        else "one framework, so no hashes to compare"
    )
    of = sum(row.speed.processes + row.speed.disturbed for row in rows)
    hit = sum(row.speed.disturbed + row.speed.accepted for row in rows)
    calm = (
        f"the speeds of {hit} of {counted(of, 'process')} {DISTURBED}"
        if hit
        else f"{'the speed was not' if of == 1 else f'none of {of} speeds'} {DISTURBED}"
        if _is_known(comparison)
        else "whether others disturbed them is not recorded"
    )
    said = (
        (*proved, "."),
        (f"{hashes[0].upper()}{hashes[1:]}.",),
        (f"{calm[0].upper()}{calm[1:]}.",),
    )
    tone: Tone = next(
        (one.tone for one in verdict(comparison).findings if one.name == "Fair"), "plain"
    )
    value = {"good": "Yes", "bad": "No"}.get(tone, "Not shown in full")
    return Tile(NAMES[3], (value,), said, tone)


def _is_known(comparison: Comparison) -> bool:
    return any(one.throughput.disturbed is not None for one in comparison.records)


def _sentence(note: Note) -> Note:
    """With a full stop, and a capital where it begins with a word of ours."""
    first, *rest = note
    first = f"{first[0].upper()}{first[1:]}" if isinstance(first, str) else first
    return (first, *rest, ".")
