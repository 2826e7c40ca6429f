"""Which two releases to compare next, and which release changed the speed: no clock, no process.

`search` goes through what is known and asks for the first comparison that it lacks, so that it can
be begun anew at any time, with more known, or with a release fewer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.gate.releases.decision import THRESHOLD, Verdict

Edge = tuple[str, str]  # an earlier release and a later one
Known = Callable[[Edge], Verdict | None]


class Needed(Exception):  # noqa: N818 -- asks for something, and is no error
    """A comparison that has not been made: of the edge."""

    def __init__(self, edge: Edge) -> None:
        super().__init__(edge)
        self.edge = edge


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has come to.

    changes     neighbours between which the speed changed: the second of them is the release
    undecided   what could not be told apart, nor be said to be the same
    unexplained ranges whose ends differ, or must by what else is known, though no single release
                within was found to differ from the one before it
    versions    the releases that were searched
    """

    changes: tuple[tuple[Edge, Verdict], ...]
    undecided: tuple[tuple[Edge, Verdict], ...]
    unexplained: tuple[Edge, ...] = ()
    versions: tuple[str, ...] = ()


def search(
    versions: Sequence[str], known: Known, *, every: bool = False, threshold: float = THRESHOLD
) -> Found:
    """The changes among these releases, earliest first; Needed where a comparison is lacking.

    every  compare all neighbours; else the ends, and halves where those differ
    """
    looked = _Search(versions, known, math.log1p(threshold))
    last = len(versions) - 1
    if every:
        for first in range(last):
            looked.note(first, first + 1)
    else:
        looked.halve(0, last)
    return Found(
        tuple(sorted(looked.changes, key=lambda one: versions.index(one[0][0]))),
        tuple(looked.undecided),
        tuple(looked.unexplained),
        tuple(versions),
    )


class _Search:
    def __init__(self, versions: Sequence[str], known: Known, least: float) -> None:
        self._versions, self._known, self._least = versions, known, least
        self.changes: list[tuple[Edge, Verdict]] = []
        self.undecided: list[tuple[Edge, Verdict]] = []
        self.unexplained: list[Edge] = []

    def _ask(self, first: int, last: int) -> Verdict:
        edge = self._versions[first], self._versions[last]
        verdict = self._known(edge)
        if verdict is None:
            raise Needed(edge)
        return verdict

    def note(self, first: int, last: int) -> Verdict:
        """Compare two, and keep what is found of neighbours, or cannot be told."""
        verdict = self._ask(first, last)
        told = ((self._versions[first], self._versions[last]), verdict)
        if verdict.outcome == "inconclusive":
            self.undecided.append(told)
        elif verdict.differs and last - first == 1:
            self.changes.append(told)
        return verdict

    def halve(self, first: int, last: int) -> None:
        """Compare the ends, and look within where they differ."""
        verdict = self.note(first, last)
        if verdict.differs and last - first > 1:
            self._within(first, last, verdict.effect)

    def _within(self, first: int, last: int, effect: float) -> None:
        """Find where a change of about this `effect` comes from: its ends are known to differ.

        The right half is measured as a whole only where something is left for it: where the left
        one is the same, the change must be in the right one.
        """
        found = len(self.changes)
        middle = (first + last) // 2
        left = self.note(first, middle)
        if left.differs:
            if middle - first > 1:
                self._within(first, middle, left.effect)
            if abs(effect - left.effect) >= self._least:
                self.halve(middle, last)
        elif left.outcome == "same" and last - middle > 1:
            self._within(middle, last, effect - left.effect)
        else:
            self.halve(middle, last)
        if len(self.changes) == found and not self._is_told(first, last):
            self.unexplained.append((self._versions[first], self._versions[last]))

    def _is_told(self, first: int, last: int) -> bool:
        """Whether a range within this one has been named as unexplained."""
        place = self._versions.index
        return any(first <= place(a) and place(b) <= last for a, b in self.unexplained)
