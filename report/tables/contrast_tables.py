"""Contests as sections, to be printed, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from report.analysis.contrasts import Contrast, Family, PairwiseComparison, RankedSample
from report.analysis.samples import Metric, overlap
from report.tables.contrast_cells import (
    bounds,
    effect,
    kind,
    levels,
    p_value,
    tested,
    too_few,
    verdict,
)
from report.tables.main import DISTURBED, NONE, Column, figure, marked, percent
from report.tables.sections import Section, saying
from report.text import Given, Note, counted

NAMES: dict[Metric, tuple[str, str]] = {
    "images_per_s": ("Images/s", ""),
    "time_to_target": ("To target", "s"),
    "test_accuracy": ("Test acc.", "%"),
}
NOT_PAIRED = (
    "Unpaired: the runs were made at different hours, and what differs between them may be the "
    "state of the machine."
)


def within_section(contest: PairwiseComparison, title: str) -> Section:
    """The frameworks of a run, best first."""
    name, unit = NAMES[contest.metric]
    table = saying(
        [
            Column("Rank", "", _rank, 0),
            Column("Framework", "", lambda of: Given(of.sample.framework), 0, is_text=True),
            Column("Version", "", _version, 4, is_text=True),
            Column("Processes", "", lambda of: f"{len(of.sample.values) + of.sample.missed}", 3),
            Column(name, unit, lambda of: _estimate(of, contest.metric), 0),
            Column("95 %", unit or "images/s", lambda of: _interval(of, contest.metric), 1),
            Column(kind(contest.metric), "", lambda of: _effect(of, contest), 0),
            Column("95 %", kind(contest.metric).lower(), lambda of: bounds(of.contrast), 0),
            Column("p", "", lambda of: p_value(of.contrast), 0),
            Column("Verdict", "", lambda of: verdict(of.contrast), 2, is_text=True),
        ],
        contest.standings,
    )
    return Section(title, (table,), tuple(_notes(contest)))


def between_section(contests: Sequence[PairwiseComparison], title: str) -> Section:
    """Each framework's later run against its first."""
    metric = contests[0].metric
    name, unit = NAMES[metric]
    table = saying(
        [
            Column("Framework", "", lambda of: Given(of.base.framework), 0, is_text=True),
            Column("Versions", "", _versions, 3, is_text=True),
            Column("Processes", "", _counts, 4),
            Column(name, unit, lambda of: _both(of, _estimate), 0),
            Column("95 %", unit or "images/s", lambda of: _both(of, _interval), 2),
            Column(kind(metric), "", lambda of: _effect(of.standings[1], of), 0),
            Column("95 %", kind(metric).lower(), lambda of: bounds(_later(of)), 0),
            Column("p", "", lambda of: p_value(_later(of)), 0),
            Column("Verdict", "", lambda of: verdict(_later(of)), 2, is_text=True),
            Column("Intervals overlap", "", _overlap, 1),
        ],
        contests,
    )
    said: list[Note] = [(NOT_PAIRED,)]
    found = [one for one in map(_later, contests) if one]
    if found:
        said.append((f"{tested(found, len(found))}. {levels(metric)}",))
    said += _accepted([one for contest in contests for one in contest.standings])
    for contest in contests:
        said += _single(contest.standings)
    return Section(title, (table,), tuple(said))


def values(contest: PairwiseComparison) -> dict[str, Any]:
    """The contest as plain values; accuracies in [0, 1], times in seconds."""
    return {
        "kind": "between runs" if contest.is_between_runs else "within a run",
        "metric": contest.metric,
        "setup": asdict(contest.setup),
        "baseline": {"run": contest.base.of, "framework": contest.base.framework},
        "effect": kind(contest.metric).lower(),
        "comparisons": contest.comparisons,
        "intervals_overlap": overlap(contest.base, contest.standings[1].sample)
        if contest.is_between_runs
        else None,
        "standings": [_standing(one) for one in contest.standings],
        "notes": [_text(note) for note in _notes(contest)],
    }


def family_values(family: Family, base: int) -> dict[str, Any]:
    """Each contrast of a family once: to the base where that is one of the two, else to the better.

    `base` is a place. Accuracies are in [0, 1], times in seconds.
    """
    shown = [(j, i) if base != j else (i, j) for i, j in family.contrasts]
    return {
        "metric": family.metric,
        "effect": kind(family.metric).lower(),
        "comparisons": len(family.contrasts),
        "pairs_needed": family.pairs_needed,
        "standings": [
            {**_named(family, place), "rank": rank} for place, rank in enumerate(family.ranks)
        ],
        "contrasts": [
            {**_named(family, place), "to": _named(family, to), **_told(family.contrast(place, to))}
            for place, to in shown
        ],
    }


def _standing(of: RankedSample) -> dict[str, Any]:
    sample = of.sample
    return {
        "run": sample.of,
        "framework": sample.framework,
        "framework_version": sample.version,
        "processes": len(sample.values),
        "missed_target": sample.missed,
        "estimate": sample.estimate,
        "interval": sample.interval and asdict(sample.interval),
        "restricted_mean": sample.restricted and asdict(sample.restricted),
        **_told(of.contrast),
        "rank": of.rank,
        "tied": of.tied,
    }


def _told(contrast: Contrast | None) -> dict[str, Any]:
    return {
        "effect": contrast and asdict(contrast.effect),
        "p_holm": contrast and contrast.p,
        "verdict": contrast and contrast.verdict,
    }


def _named(family: Family, place: int) -> dict[str, Any]:
    sample = family.samples[place]
    return {"framework": sample.framework, "framework_version": sample.version}


def _later(of: PairwiseComparison) -> Contrast | None:
    """Between runs: the later one against the first."""
    return of.standings[1].contrast


def _notes(contest: PairwiseComparison) -> list[Note]:
    said: list[Note] = []
    found = [one.contrast for one in contest.standings if one.contrast]
    if contest.is_between_runs:
        said.append((NOT_PAIRED,))
    elif found:
        said.append(_of_effects(contest, found))
        said += _of_ranks(contest)
    said += _accepted(contest.standings) + _single(contest.standings)
    for one in contest.standings:
        if one.sample.missed and one.sample.restricted:
            said.append(
                (
                    Given(one.sample.framework),
                    f": {counted(one.sample.missed, 'run')} did not get to the "
                    "target, so that its figure is the restricted mean, for all up to "
                    f"{figure(one.sample.restricted.limit)} s, and it is neither compared nor "
                    "ranked.",
                )
            )
    return said


def _of_effects(contest: PairwiseComparison, found: Sequence[Contrast]) -> Note:
    test = tested(found, contest.comparisons)
    centres = "means" if contest.metric == "test_accuracy" else "medians"
    if all(one.pairs for one in found):
        how = (
            "over pairs of the same block (run, seed, repeat), so that it may differ from that of "
            f"the {centres} beside it"
        )
    else:
        how = "of the medians, unpaired where no block is in common"
    return (
        f"{kind(contest.metric)}: to ",
        Given(contest.base.framework),
        f", {how}.{f' {test}. {levels(contest.metric)}' if test else ''}",
    )


def _of_ranks(contest: PairwiseComparison) -> list[Note]:
    if all(one.rank is None for one in contest.standings):
        more = contest.pairs_needed
        contrasts = [one.contrast for one in contest.standings if one.contrast]
        fewest = min((one.pairs for one in contrasts if one.pairs), default=more)
        few = f", perhaps for want of blocks: {too_few(fewest, more)}" if fewest < more else ""
        return [
            (
                "No rank: at no place of the list can everything above be told apart from "
                f"everything below{few}.",
            )
        ]
    return [("Rank: only where every pair across it can be told apart; = marks a tie.",)]


def _accepted(standings: Sequence[RankedSample]) -> list[Note]:
    return [(DISTURBED,)] if any(one.sample.accepted for one in standings) else []


def _single(standings: Sequence[RankedSample]) -> list[Note]:
    return [
        (
            "One process of ",
            Given(one.sample.framework),
            " in ",
            Given(one.sample.of, 80),
            ": no interval can be given; repeat it with --min-repeats.",
        )
        for one in standings
        if len(one.sample.values) == 1 and not one.sample.missed
    ]


def _rank(of: RankedSample) -> str:
    return NONE if of.rank is None else f"{of.rank}{'=' * of.tied}"


def _version(of: RankedSample) -> str | Given:
    return NONE if of.sample.version is None else Given(of.sample.version, 24)


def _versions(of: PairwiseComparison) -> str | Given:
    versions = dict.fromkeys(one.sample.version or "unknown" for one in of.standings)
    return Given(" → ".join(versions), 48)


def _counts(of: PairwiseComparison) -> str:
    return ", ".join(f"{len(one.sample.values)}" for one in of.standings)


def _both(of: PairwiseComparison, spelled: Any) -> str:
    return " → ".join(spelled(one, of.metric) for one in of.standings)


def _overlap(of: PairwiseComparison) -> str:
    found = overlap(of.base, of.standings[1].sample)
    return NONE if found is None else "yes" if found else "no"


def _spelled(value: float, metric: Metric) -> str:
    return percent(value) if metric == "test_accuracy" else figure(value)


def _estimate(of: RankedSample, metric: Metric) -> str:
    estimate = of.sample.estimate
    return NONE if estimate is None else marked(_spelled(estimate, metric), of.sample.accepted)


def _interval(of: RankedSample, metric: Metric) -> str:
    found = of.sample.interval
    if found is None:
        return NONE
    bounds_ = f"{_spelled(found.low, metric)}–{_spelled(found.high, metric)}"
    return marked(bounds_, of.sample.accepted)


def _effect(of: RankedSample, contest: PairwiseComparison) -> str:
    return "base" if of.sample is contest.base else effect(of.contrast)


def _text(note: Note) -> str:
    return "".join(part if isinstance(part, str) else part.text for part in note)
