"""Ladders: from what a framework's own first example writes to its plain adapter, step by step.

Which modes of execution are rungs, and in which order, the framework declares (`Framework.ladder`).
Ratios are those of the family of the comparison, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bench.frameworks import Framework, catalogue, rungs
from report.analysis.comparison import KEPT, Comparison, Row
from report.analysis.contrasts import Contrast, Family, family


@dataclass(frozen=True, slots=True)
class Rung:
    """A mode of execution of a framework, timed in the comparison.

    change     what it has more than the rung before, in words
    to_first   its speed against that of the first rung; None for that one
    to_before  against that of the rung before
    """

    row: Row
    change: str
    to_first: Contrast | None
    to_before: Contrast | None


@lru_cache(maxsize=KEPT)
def ladders(comparison: Comparison) -> tuple[tuple[Rung, ...], ...]:
    """Those of which the first rung, the plain framework and their speeds are there.

    In the order of the comparison's rows by the plain framework.
    """
    declared = {name: of for name, of in catalogue().items() if of.ladder}
    speeds = family(comparison, "images_per_s")
    found = (
        tuple(_climbed(comparison, speeds, rungs(row.framework)))
        for row in comparison.rows
        if row.framework in declared
    )
    return tuple(one for one in found if len(one) > 1 and one[0].change == BEGINNING)


BEGINNING = "its own first example"
END = "the plain adapter"


def _climbed(comparison: Comparison, speeds: Family, declared: list[Framework]) -> Iterator[Rung]:
    """The rungs that were timed; of a framework in several versions none, since they would mix."""
    rows = [
        [row for row in comparison.rows if row.framework == one.name and row.speed.processes]
        for one in declared
    ]
    if any(len(alike) > 1 for alike in rows):
        return
    places: list[int] = []
    for one, alike in zip(declared, rows, strict=True):
        for row in alike:
            place = speeds.place(row.framework, row.framework_version)
            if place is None:
                continue
            first = speeds.contrast(place, places[0]) if places else None
            before = speeds.contrast(place, places[-1]) if places else None
            places.append(place)
            yield Rung(row, _change(one, declared), first, before)


def _change(one: Framework, declared: list[Framework]) -> str:
    if one is declared[0]:
        return BEGINNING
    return one.variant.title if one.variant else END
