"""Change points: where the level of a series of figures, one a run, has changed for good.

Binary segmentation (Scott and Knott, A cluster analysis method for grouping means in the analysis
of variance, 1974; Vostrikova, Detecting "disorder" in multidimensional random processes, 1981): the
series is cut where its two parts differ most, then each part is looked at in the same way. Whether
they differ is told by Mann and Whitney's test, exact for few values, as in Pettitt, A
non-parametric approach to the change-point problem, 1979: a single run that is far off counts as
one run, however far it is. The p of the best place to cut is multiplied by the number of places
(Bonferroni), so that a series without any change has a change point in at most 1 - level of all
cases, whatever the distribution of its values is.

That holds where runs are independent of each other. Hours in which a machine is slow last for more
than one run, and are changes of level, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats.intervals import Values, checked
from bench.stats.two_samples import shift_p

CERTAIN = 0.99
LEAST = 4  # values on each side: fewer have no level
FEWEST = 13  # values in all, of which six and seven without overlap are certain to 99 %


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The first value after a change, by its place; p is corrected for the places looked at."""

    place: int
    p: float


def change_points(values: Sequence[float], *, level: float = CERTAIN) -> tuple[ChangePoint, ...]:
    """Where the level of the values changes, in their order; at 99 %, none of fewer than FEWEST."""
    if not len(values):
        return ()
    data = checked(values)
    found: list[int] = []
    waiting = [(0, len(data))]
    while waiting:
        start, stop = waiting.pop()
        best = _best(data[start:stop])
        if best is not None and best.p <= 1 - level:
            place = start + best.place
            found.append(place)
            waiting += [(start, place), (place, stop)]
    return _confirmed(data, sorted(found), level)


def _confirmed(data: Values, places: Sequence[int], level: float) -> tuple[ChangePoint, ...]:
    """Each looked at again between its neighbours: the first cuts were made across later ones."""
    kept: list[ChangePoint] = []
    for at in range(len(places)):
        start = kept[-1].place if kept else 0
        stop = places[at + 1] if at + 1 < len(places) else len(data)
        best = _best(data[start:stop])
        if best is not None and best.p <= 1 - level:
            kept.append(ChangePoint(start + best.place, best.p))
    return tuple(kept)


def _best(data: Values) -> ChangePoint | None:
    """Where to cut; None where too few are there."""
    count = len(data)
    places = np.arange(LEAST, count - LEAST + 1)
    if not len(places):
        return None
    from scipy.stats import rankdata  # not at the top: few who import this module need it

    before = np.cumsum(rankdata(data))[places - 1]
    expected = places * (count + 1) / 2
    spread = np.sqrt(places * (count - places) * (count + 1) / 12)
    place = int(places[np.argmax(np.abs(before - expected) / spread)])
    p = shift_p(data[:place], data[place:]) * len(places)
    return ChangePoint(place, min(1.0, p))
