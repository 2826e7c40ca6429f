"""The verdict: who is faster, by how much, how surely, and whether it is fair, in plain words.

Ratio, interval, p and verdict of two are those of `report.analysis.contrasts`, as in the tables and
in `bench compare`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from report.analysis import certificates
from report.analysis.comparison import KEPT, Comparison, Row
from report.analysis.contrasts import UNTOLD, Family, base_place, family
from report.analysis.equality import agreeing, check
from report.tables.contrast_cells import tested
from report.tables.main import DISTURBED, MARK, figure, marked, percent
from report.text import Given, Note, counted, in_words, listed
from report.wording import caveats
from report.wording.cpu_class import on_class
from report.wording.ranking import ahead, named, speed_of, times, untold

Tone = Literal["plain", "good", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One subject of the verdict; `tone` is good or bad where it speaks for or against it all."""

    name: str
    said: tuple[Note, ...]
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Summary:
    """The answer in one sentence, and what it rests on."""

    headline: Note
    findings: tuple[Finding, ...]


@lru_cache(maxsize=KEPT)  # the terminal, the page and the Markdown show the same
def verdict(comparison: Comparison) -> Summary:
    """What a comparison shows, and how far that can be relied on."""
    speeds = family(comparison, "images_per_s")
    headline = (*_headline(comparison, speeds), *_untellable(comparison, speeds))
    found = (
        _speed(comparison, speeds),
        _accuracy(comparison),
        _target(comparison),
        _fairness(comparison),
        Finding("Unsure", tuple(caveats.doubts(comparison))),
    )
    return Summary(headline, tuple(finding for finding in found if finding))


def _untellable(comparison: Comparison, speeds: Family) -> Note:
    """What the headline leaves open, or rests on, since others disturbed it."""
    disturbed = [row for row in comparison.rows if row.speed.disturbed and not row.speed.processes]
    if disturbed:
        names = listed([_row_name(row, comparison) for row in disturbed])
        return (" Others disturbed ", *names, ": nothing can be told of their speed.")
    accepted = [one for one in speeds.samples if one.accepted]
    if accepted:
        return (f" {DISTURBED.removeprefix(MARK).strip()}",)
    return ()


def _headline(comparison: Comparison, speeds: Family) -> Note:
    if not speeds.samples:
        if any(record.status.outcome == "ok" for record in comparison.others):
            return ("No run here is matched: frameworks in their own defaults are not ranked.",)
        if any(row.speed.disturbed for row in comparison.rows):
            return ("Who is faster cannot be told.",)
        return ("No run succeeded: there is nothing to compare.",)
    names, here = named(speeds.samples), on_class(comparison)
    front = speeds.front
    if front is None:
        was = "remained" if any(row.speed.disturbed for row in comparison.rows) else "was measured"
        alone = f" alone {was}: {speed_of(speeds.samples[0])}; nothing to compare it with."
        return (names[0], alone)
    if all(one.p is None for one in speeds.contrasts.values()):
        return (
            names[0],
            " came out fastest",
            *here,
            ", but nothing tells whether that was chance.",
        )
    if front.ahead:
        return ahead(front, names)
    if not front.level:
        to = base_place(speeds, comparison.baseline) or 1
        return (names[0], " is the fastest", *here, ": ", *times(speeds, 0, to), ".")
    return untold(front, names, here)


def _speed(comparison: Comparison, speeds: Family) -> Finding | None:
    """The fastest beside each of the others, or each beside the baseline; with interval and p."""
    if not speeds.samples:
        return None
    names = named(speeds.samples)
    base = base_place(speeds, comparison.baseline)
    said: list[Note] = [
        (names[at], f": {speed_of(speeds.samples[at])}.") for at in dict.fromkeys((0, base))
    ]
    for place in (at for at in range(len(speeds.samples)) if at != base):
        pair = (place, base) if base else (0, place)
        contrast = speeds.contrast(*pair)
        if contrast:
            is_told = contrast.verdict != UNTOLD
            verb, sure = (" is ", "") if is_told else (" came out ", f"; they {UNTOLD}")
            said.append((names[pair[0]], verb, *times(speeds, *pair), f"{sure}."))
    test = tested(list(speeds.contrasts.values()), len(speeds.contrasts))
    if test:
        said.append((f"{test}.",))
    return Finding("Speed", tuple(said))


def _accuracy(comparison: Comparison) -> Finding | None:
    """Differences between frameworks, told against what seeds alone make."""
    rows = [row for row in comparison.rows if row.accuracy_mean is not None]
    if not rows:
        return None
    means = [row.accuracy_mean or 0.0 for row in rows]
    spreads = [row.accuracy_std for row in rows if row.accuracy_std is not None]
    if len(rows) == 1:
        spread = f" ± {percent(spreads[0])}" if spreads else ", of one seed"
        return Finding("Accuracy", (("Test accuracy ", f"{percent(means[0])} %{spread}."),))
    gap = max(means) - min(means)
    scatter = (
        f"; seeds of one framework scatter by up to ± {percent(max(spreads))}" if spreads else ""
    )
    said: list[Note] = [
        (
            f"Test accuracies go from {percent(min(means))} to {percent(max(means))} %, "
            f"{percent(gap)} points apart{scatter}.",
        )
    ]
    if not spreads:
        said.append(("One seed: whether they differ by more than seeds do cannot be told.",))
    else:
        said += _ahead(family(comparison, "test_accuracy"))
    return Finding("Accuracy", tuple(said))


def _ahead(found: Family) -> list[Note]:
    """Who is more accurate than whom: a line for all, where one can be drawn, else pair by pair."""
    names, front = named(found.samples), found.front
    if front and front.is_one and front.behind:
        ahead = listed([names[place] for place in front.first])
        verb = " is ahead of " if not front.level else " are ahead of "
        behind = listed([names[place] for place in front.behind])
        return [(*ahead, verb, *behind, " by more than seeds explain.")]
    told = [
        pair if one.is_better else pair[::-1]
        for pair, one in found.contrasts.items()
        if one.verdict != UNTOLD
    ]
    if not told:
        return [("No framework is more accurate than another as far as can be told.",)]
    return [
        (names[one], " is ahead of ", names[other], " by more than seeds explain.")
        for one, other in told
    ]


def _target(comparison: Comparison) -> Finding | None:
    target = comparison.setup.settings.target_accuracy
    rows = [row for row in comparison.rows if row.target_runs and row.runs_ok]
    if target is None or not rows:
        return None
    said: list[Note] = [(f"Training until {percent(target)} % on the validation images, median:",)]
    for row in rows:
        said.append((_row_name(row, comparison), f": {_arrival(row)}."))
    found = family(comparison, "time_to_target")
    if len(found.samples) > 1 and any(row.target_reached for row in rows):
        said.append(first_there(found))
    return Finding("Time to target", tuple(said))


def first_there(found: Family) -> Note:
    """Of those that always got there."""
    front = found.front
    if front is None or not front.is_one or not front.behind or front.ahead:
        return ("Who gets there first cannot be told.",)
    names = named(found.samples)
    verb = "get" if front.level else "gets"
    first = listed([names[place] for place in front.first])
    return (*first, f" {verb} there first, as far as can be told.")


def _arrival(row: Row) -> str:
    runs = f"{row.target_reached} of {counted(row.target_runs, 'run')} got there"
    if row.target_reached and row.time_to_target_s is None:
        return f"others disturbed every time ({runs})"
    if not row.target_reached or row.time_to_target_s is None:
        return f"not reached ({runs})"
    bound = "more than " * row.time_to_target_is_bound
    time = f"{bound}{marked(figure(row.time_to_target_s), row.times_accepted > 0)} s"
    if row.time_to_target_with_compile_s is not None:
        bound = "more than " * row.time_to_target_with_compile_is_bound
        time += f", {bound}{figure(row.time_to_target_with_compile_s)} s with compilation"
    return f"{time} ({runs})"


def _fairness(comparison: Comparison) -> Finding | None:
    """Whether all computed the same from the same, by certificate and by hashes."""
    rows = [row for row in comparison.rows if row.runs_ok]
    if not rows:
        return None
    alarms = certificates.warnings(comparison)
    checks = check(comparison)
    unequal = sorted({one.name for one in checks if one.differs})
    if unequal:
        alarms.append((f"NOT FAIR: {', '.join(unequal)} differ between frameworks.",))
    proved = certificates.notes(comparison)
    equal = agreeing(checks)
    shared: list[Note] = [(f"All were given the same {in_words(equal)}.",)] if equal else []
    if alarms:
        return Finding("Fair", (*alarms, *proved, *shared), "bad")
    unproved = any(
        record.status.outcome == "ok" and record.provenance.certificate is None
        for record in comparison.records
    )
    missing = any(one.missing for one in checks)
    if unproved or missing or (len(rows) > 1 and not equal):
        doubt: Note = ("Not shown to be fair in full: some proof is not in the records.",)
        return Finding("Fair", (doubt, *proved, *shared))
    return Finding("Fair", (("Yes, as far as was examined.",), *proved, *shared), "good")


def _row_name(row: Row, comparison: Comparison) -> Given:
    several = sum(one.framework == row.framework for one in comparison.rows) > 1
    return Given(f"{row.framework} {row.framework_version}" if several else row.framework)
