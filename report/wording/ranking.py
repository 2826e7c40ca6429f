"""Who is faster than whom, in sentences: what verdict, title and card say in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from report.analysis.contrasts import UNTOLD, Family, Front
from report.analysis.samples import Sample
from report.tables.main import figure, marked, probability, ratio
from report.text import Given, Note, counted, listed


def named(samples: Sequence[Sample]) -> list[Given]:
    """With the version in the name, where a framework is there in several."""
    names = [sample.framework for sample in samples]
    return [
        Given(f"{one.framework} {one.version or 'of unknown version'}")
        if names.count(one.framework) > 1
        else Given(one.framework)
        for one in samples
    ]


def times(speeds: Family, place: int, base: int, *, short: bool = False) -> Note:
    """`1.230 times as fast as keras (95 % from 1.200 to 1.260, p = 0.01)`; `short` is without p."""
    contrast = speeds.contrast(place, base)
    if contrast is None:
        raise ValueError(f"got places {place} and {base}: give two that can be compared")
    interval = contrast.effect.interval
    sure = []
    if interval:
        sure.append(f"95\u00a0% from {ratio(interval.low)} to {ratio(interval.high)}")
    if contrast.p is not None and not short:
        p = probability(contrast.p)
        sure.append(f"p {p if p.startswith('<') else f'= {p}'}".replace(" ", "\u00a0"))
    told = f" ({', '.join(sure)})" if sure else " (too few processes: no interval)"
    often = f"{marked(ratio(contrast.effect.estimate), contrast.accepted)} times as fast as "
    return (often, named(speeds.samples)[base], told)


def speed_of(sample: Sample) -> str:
    """`12,345 images a second, 95 % from 12,300 to 12,400, over 8 processes`."""
    interval = sample.interval
    sure = f", 95 % from {figure(interval.low)} to {figure(interval.high)}" if interval else ""
    speed = marked(figure(sample.estimate), sample.accepted)
    return f"{speed} images a second{sure}, over {counted(len(sample.values), 'process')}"


def untold(
    front: Front,
    names: Sequence[Given],
    here: Note = (),
    last: str = ", ",
    most: int | None = None,
) -> Note:
    """Of those that cannot be told apart from the best: no more than their verdicts say.

    More than `most` of a kind are counted.
    """
    behind = some([names[place] for place in front.behind], last, most)
    if front.is_one:
        rest: Note = ("; they are faster than ", *behind, ".") if behind else (".",)
        tied = listed([names[place] for place in front.first], last)
        return (*tied, f" {UNTOLD} in speed", *here, *rest)
    rest = ("; it is faster than ", *behind, ".") if behind else (".",)
    level = some([names[place] for place in front.level], " or ", most)
    best = (names[front.best], " came out fastest", *here, ", but ")
    return (*best, UNTOLD, " from ", *level, *rest)


def some(names: Sequence[Given], last: str, most: int | None) -> Note:
    """The names, or how many there are where they are more than `most`."""
    if most is not None and len(names) > most:
        return (f"{len(names)} others",)
    return listed(names, last)


def ahead(front: Front, names: Sequence[Given]) -> Note:
    """That others are faster pair by pair than the one of the highest median."""
    faster = [names[place] for place in front.ahead]
    return (
        *(names[front.best], " has the highest median, but block by block "),
        *(*listed(faster), " is" if len(faster) == 1 else " are", " faster."),
    )
