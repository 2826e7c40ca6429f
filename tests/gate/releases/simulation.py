"""Searches among releases whose speeds are made up, decided by the code that decides in earnest.

python -m tests.gate.releases.simulation    prints the table of docs/tasks/which-release.md
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.gate.cases import Case, Observation
from bench.gate.releases.decision import Comparison, Verdict, rule_of
from bench.gate.releases.search import Edge, Found, Needed, search

CASE = Case(framework="torch")
RELEASES = 12
CHANGE = 0.05
# Standard deviation of the log ratios of pairs of identical code on a quiet machine with two CPUs;
# one pair of twenty scatters four times as much.
QUIET, WILD, OF_ALL = 0.015, 4.0, 0.05

Noise = Callable[[random.Random], float]


@dataclass(frozen=True)
class Rates:
    """Shares of all searches.

    right      just the release that changed was named, or none where none did
    wrong      a release was named that changed nothing
    undecided  something was left undecided
    pairs      mean number of pairs
    """

    right: float
    wrong: float
    undecided: float
    pairs: float


def scattered(deviation: float) -> Noise:
    """Normal noise with some pairs that are far out."""

    def draw(chance: random.Random) -> float:
        return chance.gauss(0.0, deviation * (WILD if chance.random() < OF_ALL else 1.0))

    return draw


def searched(
    seconds: Sequence[float], noise: Noise, chance: random.Random, *, every: bool
) -> tuple[Found, int]:
    """A search among releases of which the logarithms of the seconds are given; pairs it took."""
    rule, known, pairs = rule_of(), {}, 0
    versions = [str(number) for number in range(len(seconds))]
    while True:
        try:
            return search(versions, known.get, every=every, threshold=rule.threshold), pairs
        except Needed as needed:
            edge: Edge = needed.edge
        comparison = Comparison(CASE, rule)
        difference = seconds[int(edge[1])] - seconds[int(edge[0])]
        while comparison.is_open:
            comparison.add(Observation(difference + noise(chance)))
        verdict: Verdict | None = comparison.verdict
        assert verdict is not None
        known[edge] = verdict
        pairs += verdict.pairs


def rates(change: float, noise: Noise, searches: int, *, every: bool, seed: int = 0) -> Rates:
    """So many searches; one release, each in turn, is slower by `change`, or in turn faster."""
    chance = random.Random(seed)
    right = wrong = undecided = pairs = 0
    for number in range(searches):
        place = 1 + number % (RELEASES - 1)
        step = math.log1p(change) * (1 if number % 2 else -1)
        seconds = [step * (release >= place) for release in range(RELEASES)]
        found, taken = searched(seconds, noise, chance, every=every)
        changed = {(str(place - 1), str(place))} if change else set()
        named = {edge for edge, _ in found.changes}
        right += named == changed
        wrong += bool(named - changed)
        undecided += bool(found.undecided or found.unexplained)
        pairs += taken
    return Rates(*(count / searches for count in (right, wrong, undecided, pairs)))


def _tables(searches: int) -> None:
    print("| change | pairs scatter by | search | right | wrong | undecided | pairs |")
    print("|---|---|---|---|---|---|---|")
    for change, deviations in {
        0.0: (0.01, QUIET, 0.02, 0.03),
        0.03: (QUIET,),
        CHANGE: (0.01, QUIET, 0.02, 0.03),
        0.1: (QUIET,),
    }.items():
        for deviation in deviations:
            for every in (False, True):
                found = rates(change, scattered(deviation), searches, every=every)
                shares = (f"{100 * one:.1f} %" for one in (found.right, found.wrong))
                how = "`--every`" if every else "halves"
                row = (f"{100 * change:.0f} %", f"{100 * deviation:.1f} %", how, *shares)
                last = (f"{100 * found.undecided:.1f} %", f"{found.pairs:.0f}")
                print(f"| {' | '.join((*row, *last))} |", flush=True)


if __name__ == "__main__":
    _tables(400)
