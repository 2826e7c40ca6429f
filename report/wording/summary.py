"""The verdict: who is faster, by how much, how surely, and whether it is fair, in plain words.

Two are told apart only where the test of their pairs says so after Holm's correction over all
pairs, as in `bench compare`; what cannot be told apart is called a tie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Literal

from bench import stats
from report.analysis import certificates, contrasts
from report.analysis.comparison import KEPT, Comparison, Row, base_of
from report.analysis.contrasts import Metric, Sample
from report.analysis.equality import agreeing, check
from report.tables.main import figure, percent, probability, ratio
from report.text import Given, Note
from report.wording import caveats

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


@dataclass(frozen=True, slots=True)
class Field:
    """Samples of one metric, best first, and what tells them apart.

    effects   of each pair of places (i, j), i < j: the better to the other
    p         of those pairs, by Holm's correction over all of them
    ranks     by place, from 1; empty where nobody can be told apart
    base      place of the one that the others are held to: the best, or the baseline. Those behind
              it have their effects to it, (j, base), too
    """

    samples: tuple[Sample, ...]
    effects: Mapping[tuple[int, int], stats.Effect]
    p: Mapping[tuple[int, int], float]
    ranks: tuple[int | None, ...]
    base: int = 0

    @property
    def first(self) -> tuple[Sample, ...]:
        """Those of rank 1; all, where there are no ranks."""
        if not any(self.ranks):
            return self.samples
        pairs = zip(self.samples, self.ranks, strict=True)
        return tuple(sample for sample, rank in pairs if rank == 1)


@lru_cache(maxsize=KEPT)  # the terminal, the page and the Markdown show the same
def verdict(comparison: Comparison) -> Summary:
    """What a comparison shows, and how far that can be relied on."""
    speeds = field(comparison, "images_per_s")
    found = (
        _speed(speeds),
        _accuracy(comparison),
        _target(comparison),
        _fairness(comparison),
        Finding("Unsure", tuple(caveats.doubts(comparison))),
    )
    return Summary(_headline(comparison, speeds), tuple(finding for finding in found if finding))


def field(comparison: Comparison, metric: Metric) -> Field:
    """All rows that have the metric against each other."""
    found = contrasts.samples(comparison, metric, "")
    if not found:
        return Field((), {}, {}, ())
    held_to = base_of(found, comparison.baseline) or found[0]
    base = next(place for place, one in enumerate(found) if one is held_to)
    samples = tuple(_named(found))
    pairs = list(combinations(range(len(samples)), 2))
    effects = {
        (i, j): effect
        for i, j in pairs
        if (effect := contrasts.effect(samples[i], samples[j], metric, len(pairs)))
    }
    known = {pair: effect.p for pair, effect in effects.items() if effect.p is not None}
    # Pairs without a p count in the correction, as they do in the ranks.
    corrected = stats.holm([known.get(pair, 1.0) for pair in pairs])
    p = {pair: value for pair, value in zip(pairs, corrected, strict=True) if pair in known}
    for j in range(base + 1, len(samples) if base else 0):
        turned = contrasts.effect(samples[j], samples[base], metric, len(pairs))
        effects |= {(j, base): turned} if turned else {}
        p |= {(j, base): p[base, j]} if (base, j) in p else {}
    contest = contrasts.within(comparison.setup, metric, samples, samples[0])
    return Field(samples, effects, p, tuple(one.rank for one in contest.standings), base)


def _named(samples: Sequence[Sample]) -> list[Sample]:
    """With the version in the name, where a framework is there in several."""
    names = [sample.framework for sample in samples]
    return [
        replace(one, framework=f"{one.framework} {one.version or 'of unknown version'}")
        if names.count(one.framework) > 1
        else one
        for one in samples
    ]


def _headline(comparison: Comparison, speeds: Field) -> Note:
    if not speeds.samples:
        if any(record.status == "ok" for record in comparison.others):
            return ("No run here is matched: frameworks in their own defaults are not ranked.",)
        return ("No run succeeded: there is nothing to compare.",)
    best = speeds.samples[0]
    if len(speeds.samples) == 1:
        return (_name(best), f" alone was measured: {_speed_of(best)}; nothing to compare it with.")
    tied = speeds.first
    if not speeds.p:
        return (_name(best), " came out fastest, but nothing tells whether that was chance.")
    if len(tied) == len(speeds.samples):
        return (*_names(tied), " cannot be told apart in speed.")
    behind = [one for one in speeds.samples if one not in tied]
    if len(tied) > 1:
        return (
            *_names(tied),
            " cannot be told apart in speed; they are faster than ",
            *_names(behind),
            ".",
        )
    return (_name(best), " is the fastest: ", *_times(speeds, 0, speeds.base or 1), ".")


def _speed(speeds: Field) -> Finding | None:
    """The fastest beside each of the others, or each beside the baseline; with interval and p."""
    if not speeds.samples:
        return None
    base = speeds.base
    shown = dict.fromkeys((0, base))
    said: list[Note] = [
        (_name(one), f": {_speed_of(one)}.") for one in (speeds.samples[at] for at in shown)
    ]
    for place in (at for at in range(len(speeds.samples)) if at != base):
        pair = (place, base) if base else (0, place)
        if pair not in speeds.effects:
            continue
        told = speeds.ranks[place] not in (None, speeds.ranks[base])
        sure = "" if told else ": this may be chance"
        said.append((_name(speeds.samples[pair[0]]), " is ", *_times(speeds, *pair), f"{sure}."))
    if speeds.p:
        tests = sorted({one.test for one in speeds.effects.values() if one.p is not None})
        said.append((f"p: {' or '.join(tests)}, two-sided, by Holm over all pairs.",))
    return Finding("Speed", tuple(said))


def _times(speeds: Field, place: int, base: int) -> Note:
    effect = speeds.effects[place, base]
    sure = []
    if effect.interval:
        sure.append(f"95\u00a0% from {ratio(effect.interval.low)} to {ratio(effect.interval.high)}")
    if (place, base) in speeds.p:
        p = probability(speeds.p[place, base])
        sure.append(f"p {p if p.startswith('<') else f'= {p}'}".replace(" ", "\u00a0"))
    told = f" ({', '.join(sure)})" if sure else " (one process each: no interval)"
    return (f"{ratio(effect.estimate)} times as fast as ", _name(speeds.samples[base]), told)


def _speed_of(sample: Sample) -> str:
    interval = sample.interval
    sure = f", 95 % from {figure(interval.low)} to {figure(interval.high)}" if interval else ""
    count = len(sample.values)
    return (
        f"{figure(sample.estimate)} images a second{sure}, over {count} process{'es' * (count > 1)}"
    )


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
    found = field(comparison, "test_accuracy")
    if not spreads:
        said.append(("One seed: whether they differ by more than seeds do cannot be told.",))
    elif len(found.first) == len(found.samples):
        said.append(("No framework is more accurate than another as far as can be told.",))
    else:
        behind = [one for one in found.samples if one not in found.first]
        said.append(
            (
                *_names(found.first),
                " is ahead of " if len(found.first) == 1 else " are ahead of ",
                *_names(behind),
                " by more than seeds explain.",
            )
        )
    return Finding("Accuracy", tuple(said))


def _target(comparison: Comparison) -> Finding | None:
    target = comparison.setup.target_accuracy
    rows = [row for row in comparison.rows if row.target_runs and row.runs_ok]
    if target is None or not rows:
        return None
    said: list[Note] = [(f"Training until {percent(target)} % on the validation images, median:",)]
    for row in rows:
        said.append((_row_name(row, comparison), f": {_arrival(row)}."))
    found = field(comparison, "time_to_target")
    if len(found.samples) > 1 and any(row.target_reached for row in rows):
        if len(found.first) == len(found.samples):
            said.append(("Who gets there first cannot be told.",))
        else:
            verb = "gets" if len(found.first) == 1 else "get"
            said.append(
                (
                    *_names(found.first),
                    f" {verb} there first, as far as can be told.",
                )
            )
    return Finding("Time to target", tuple(said))


def _arrival(row: Row) -> str:
    runs = f"{row.target_reached} of {row.target_runs} run{'s' * (row.target_runs > 1)} got there"
    if not row.target_reached or row.time_to_target_s is None:
        return f"not reached ({runs})"
    bound = "more than " * row.time_to_target_is_bound
    time = f"{bound}{figure(row.time_to_target_s)} s"
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
    shared: list[Note] = [(f"All were given the same {_and(equal)}.",)] if equal else []
    if alarms:
        return Finding("Fair", (*alarms, *proved, *shared), "bad")
    unproved = any(
        record.status == "ok" and record.certificate is None for record in comparison.records
    )
    missing = any(one.missing for one in checks)
    if unproved or missing or (len(rows) > 1 and not equal):
        doubt: Note = ("Not shown to be fair in full: some proof is not in the records.",)
        return Finding("Fair", (doubt, *proved, *shared))
    return Finding("Fair", (("Yes, as far as was examined.",), *proved, *shared), "good")


def _name(sample: Sample) -> Given:
    return Given(sample.framework)


def _row_name(row: Row, comparison: Comparison) -> Given:
    several = sum(one.framework == row.framework for one in comparison.rows) > 1
    return Given(f"{row.framework} {row.framework_version}" if several else row.framework)


def _names(samples: Sequence[Sample]) -> Note:
    fragments: list[str | Given] = []
    for place, sample in enumerate(samples):
        if place:
            fragments.append(" and " if place == len(samples) - 1 else ", ")
        fragments.append(_name(sample))
    return tuple(fragments)


def _and(items: Sequence[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else items[0]
