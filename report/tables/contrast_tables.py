"""Contests as sections, to be printed, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench import stats
from report.analysis.contrasts import Metric, PairwiseComparison, RankedSample, overlap
from report.tables.main import NONE, Column, figure, percent, probability, ratio
from report.tables.sections import Section, saying
from report.text import Given, Note

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
            Column("Processes", "", lambda of: f"{len(of.sample.values)}", 3),
            Column(name, unit, lambda of: _estimate(of, contest.metric), 0),
            Column("95 %", unit or "images/s", lambda of: _interval(of, contest.metric), 1),
            Column(_kind(contest.metric), "", lambda of: _effect(of, contest), 0),
            Column("95 %", _kind(contest.metric).lower(), lambda of: _bounds(of, contest), 0),
            Column("p", "", lambda of: probability(of.p), 0),
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
            Column(_kind(metric), "", lambda of: _effect(of.standings[1], of), 0),
            Column("95 %", _kind(metric).lower(), lambda of: _bounds(of.standings[1], of), 0),
            Column("p", "", lambda of: probability(of.standings[1].p), 0),
            Column("Intervals overlap", "", _overlap, 1),
        ],
        contests,
    )
    said: list[Note] = [(NOT_PAIRED,)]
    tests = sorted({one.standings[1].effect.test for one in contests if one.standings[1].effect})
    if tests:
        said.append((f"p: {' or '.join(tests)}, two-sided, by Holm over the frameworks.",))
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
        "effect": _kind(contest.metric).lower(),
        "intervals_overlap": overlap(contest.base, contest.standings[1].sample)
        if contest.is_between_runs
        else None,
        "standings": [_standing(one) for one in contest.standings],
        "notes": [_text(note) for note in _notes(contest)],
    }


def _standing(of: RankedSample) -> dict[str, Any]:
    sample, effect = of.sample, of.effect
    return {
        "run": sample.of,
        "framework": sample.framework,
        "framework_version": sample.version,
        "processes": len(sample.values),
        "missed_target": sample.missed,
        "estimate": sample.estimate,
        "interval": sample.interval and asdict(sample.interval),
        "restricted_mean": sample.restricted and asdict(sample.restricted),
        "effect": effect and asdict(effect),
        "p_holm": of.p,
        "rank": of.rank,
        "tied": of.tied,
    }


def _notes(contest: PairwiseComparison) -> list[Note]:
    said: list[Note] = []
    effects = [one.effect for one in contest.standings if one.effect]
    if contest.is_between_runs:
        said.append((NOT_PAIRED,))
    elif effects:
        said.append(_of_effects(contest, effects))
        said += _of_ranks(contest)
    said += _single(contest.standings)
    for one in contest.standings:
        if one.sample.missed:
            said.append(
                (
                    Given(one.sample.framework),
                    f": {one.sample.missed} run{'s' * (one.sample.missed > 1)} did not get to the "
                    "target, so that its figure is the restricted mean, and it is neither compared "
                    "nor ranked.",
                )
            )
    return said


def _of_effects(contest: PairwiseComparison, effects: Sequence[stats.Effect]) -> Note:
    tests = sorted({one.test for one in effects if one.p is not None})
    tested = f" p: {' or '.join(tests)}, two-sided, by Holm over the rows." if tests else ""
    paired = all(len(one.counts) == 1 for one in effects)
    how = (
        "median over pairs of the same block (run, seed, repeat)"
        if paired
        else "of the medians, unpaired where no block is in common"
    )
    return (
        f"{_kind(contest.metric)}: to ",
        Given(contest.base.framework),
        f", {how}.{tested}",
    )


def _of_ranks(contest: PairwiseComparison) -> list[Note]:
    if all(one.rank is None for one in contest.standings):
        more = contest.pairs_for_a_rank
        fewest = min((len(one.sample.values) for one in contest.standings), default=0)
        hint = f"; signed ranks need {more} blocks for that" if fewest < more else ""
        return [(f"No rank: nobody can be told apart from all others{hint}.",)]
    return [
        (
            "Rank: only where every pair across it is significant by Holm over all pairs; = marks "
            "a tie.",
        )
    ]


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


def _kind(metric: Metric) -> str:
    return "Difference" if metric == "test_accuracy" else "Ratio"


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
    return NONE if of.sample.estimate is None else _spelled(of.sample.estimate, metric)


def _interval(of: RankedSample, metric: Metric) -> str:
    found = of.sample.interval
    return (
        NONE if found is None else f"{_spelled(found.low, metric)}–{_spelled(found.high, metric)}"
    )


def _effect(of: RankedSample, contest: PairwiseComparison) -> str:
    if of.sample is contest.base:
        return "base"
    if of.effect is None:
        return NONE
    value = of.effect.estimate
    return f"{100 * value:+.2f}" if contest.metric == "test_accuracy" else ratio(value)


def _bounds(of: RankedSample, contest: PairwiseComparison) -> str:
    found = of.effect and of.effect.interval
    if not found:
        return NONE
    if contest.metric == "test_accuracy":
        return f"{100 * found.low:+.2f} to {100 * found.high:+.2f}"
    return f"{ratio(found.low)}–{ratio(found.high)}"


def _text(note: Note) -> str:
    return "".join(part if isinstance(part, str) else part.text for part in note)
