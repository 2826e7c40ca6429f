"""Pairs of two releases → slower, faster or the same: the rule of the gate, in both directions.

A `Judge` of the gate looks for a slowdown, another one for a speed-up: it is given the same pairs
with the sides exchanged. Hence blocks of fresh processes, of which two must agree, exact p-values,
and what is said of other programs' load are those of `bench.gate.decision`.

slower, faster  a judge has found a change of the threshold or more in two blocks
same            the intervals of both end below the threshold
inconclusive    neither, when all blocks are used up
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench import stats
from bench.gate.cases import Case, Observation
from bench.gate.decision import ALPHA, Judge, Rule, estimate

Outcome = Literal["slower", "faster", "same", "inconclusive"]
# A change of twice the threshold is found in nine searches of ten, see tests/gate/releases.
THRESHOLD = 0.025
DIRECTIONS: tuple[Outcome, Outcome] = ("slower", "faster")
LOADED = "other programs were busier while one of the two was measured"


def rule_of(threshold: float = THRESHOLD) -> Rule:
    """The gate's rule for two directions: half of its chance of an error for each of them."""
    return Rule.of(threshold, len(DIRECTIONS), alpha=ALPHA / len(DIRECTIONS))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one release against an earlier one.

    effect  log(later one's seconds / earlier one's), estimated from all pairs
    low, high  its interval of 95 %; None for too few pairs
    """

    outcome: Outcome
    effect: float
    low: float | None
    high: float | None
    pairs: int
    reason: str = ""

    @property
    def differs(self) -> bool:
        """Whether a change has been found."""
        return self.outcome in DIRECTIONS


class Comparison:
    """Takes pairs of two releases, one after the other, until something can be said."""

    def __init__(self, case: Case, rule: Rule) -> None:
        self._case = case
        self._judges = {direction: Judge([case], rule) for direction in DIRECTIONS}
        self._seen: list[Observation] = []

    @property
    def is_open(self) -> bool:
        """Whether another pair is needed."""
        return self._found() is None and any(judge.open for judge in self._judges.values())

    def add(self, observation: Observation) -> None:
        """One more pair; the earlier release is the base."""
        self._seen.append(observation)
        mirrored = Observation(-observation.log_ratio, -observation.taken)
        for direction, judge in self._judges.items():
            if judge.open:
                judge.add(self._case, observation if direction == "slower" else mirrored)
                judge.look()

    @property
    def verdict(self) -> Verdict | None:
        """What has been found; None as long as pairs are needed."""
        if self.is_open:
            return None
        ratios = [one.log_ratio for one in self._seen]
        interval = stats.hodges_lehmann(ratios)
        found = self._found()
        outcomes = {judge.outcome for judge in self._judges.values()}
        outcome = found or ("same" if outcomes == {"pass"} else "inconclusive")
        return Verdict(
            outcome,
            estimate(ratios),
            interval.low if interval else None,
            interval.high if interval else None,
            len(ratios),
            self._reason() if outcome == "inconclusive" else "",
        )

    def _found(self) -> Outcome | None:
        """The direction in which there is a change, where one has been found."""
        for direction, judge in self._judges.items():
            if judge.outcome == "regression":
                return direction
        return None

    def _reason(self) -> str:
        cells = [judge.cells[self._case] for judge in self._judges.values()]
        if any(cell.hindered or "busier" in cell.reason for cell in cells):
            return LOADED
        return "too close to the threshold, or too noisy"


def judged(case: Case, rule: Rule, observations: Sequence[Observation]) -> Comparison:
    """A comparison after these pairs; those that come after its end are left out."""
    made = Comparison(case, rule)
    for one in observations:
        if not made.is_open:
            break
        made.add(one)
    return made


def as_speed(effect: float) -> float:
    """How much faster the later release is, less 1: the inverse ratio of its seconds."""
    return math.expm1(-effect)
