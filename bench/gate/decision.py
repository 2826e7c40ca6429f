"""Pairs → verdict: the rule of the gate, without clock, process or file.

The live gate and the replay of recorded pairs drive the same `Judge`. Positive log ratios: head is
slower. For each cell the pairs come in blocks of `Rule.pairs`:

fail        a block fails when its slowdown (Hodges and Lehmann's estimate) is at least the
            threshold, and its exact one-sided signed-rank p, after Holm's correction over the cells
            of the block, is below `alpha`
regression  two blocks of the same cell have failed
            Where others were busier during head's windows, so much that this explains half of the
            slowdown beyond the threshold, or more, the block is hindered instead: two such, and
            the cell is inconclusive
pass        the upper end of the interval of all its pairs is below the threshold: looked at after
            `early` pairs, and at the end of each block
inconclusive  neither, when the blocks or the time are used up

The signed-rank statistics assume that log ratios of identical revisions are symmetric about 0,
which exchanging the sides' roles makes so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench import stats
from bench.gate.cases import Case, Name, Observation

Outcome = Literal["pass", "regression", "error", "inconclusive"]
EXIT_CODES: dict[Outcome, int] = {"pass": 0, "regression": 1, "error": 2, "inconclusive": 3}

THRESHOLD = 0.05
ALPHA = 0.01
LEVEL = 0.95
UNEVEN = "other processes were busier while {} was measured than while {} was"
EARLY = 6  # the fewest pairs that have an interval of 95 %
BLOCKS = 3
CONFIRMATIONS = 2
# Two programs that share a CPU lose more than the time they take from each other: caches, too.
LEAST_OWN = 2.0  # how many times what others explain a slowdown must be, to be held against head
UNEVEN_P = 0.02  # can be reached with the pairs of the first look


def fewest_pairs(cells: int, alpha: float = ALPHA) -> int:
    """The fewest pairs a block with which one of so many cells can fail: cells · 2^-pairs < α."""
    return math.floor(math.log2(cells / alpha)) + 1


@dataclass(frozen=True, slots=True)
class Rule:
    """See the top of the file.

    threshold  least slowdown, as a share of the base's time, that counts as a regression
    pairs      process pairs in a block
    early      how many of them there are when a pass is looked for first
    blocks     how many there are at most
    confirmations  how many of them must fail
    """

    threshold: float
    pairs: int
    alpha: float = ALPHA
    level: float = LEVEL
    early: int = EARLY
    blocks: int = BLOCKS
    confirmations: int = CONFIRMATIONS

    @classmethod
    def of(
        cls, threshold: float, cells: int, pairs: int | None = None, alpha: float = ALPHA
    ) -> Rule:
        """The default number of pairs is one more than the fewest: one may point the other way."""
        return cls(threshold, pairs or fewest_pairs(cells) + 1, alpha)


@dataclass(slots=True)
class Cell:
    """What is known of a cell so far.

    blocks     its observations, block after block
    p_values   of each whole block, corrected
    failed     how many blocks have failed
    hindered   how many would have, had not others been busier meanwhile
    """

    case: Case
    blocks: list[list[Observation]] = field(default_factory=lambda: [[]])
    p_values: list[float] = field(default_factory=list)
    failed: int = 0
    hindered: int = 0
    outcome: Outcome | None = None
    reason: str = ""

    @property
    def observations(self) -> list[Observation]:
        """Those of all blocks."""
        return [one for block in self.blocks for one in block]

    @property
    def uneven(self) -> str:
        """What kept a block from failing; nothing where nothing did."""
        return UNEVEN.format("head", "base") if self.hindered else ""

    def slowdown(self, level: float = LEVEL) -> stats.Interval | None:
        """Estimate and interval of the log ratio, from all pairs; None for too few."""
        found = [one.log_ratio for one in self.observations]
        return stats.hodges_lehmann(found, level=level) if found else None


class Judge:
    """Takes observations round by round, one of every open cell, and closes cells."""

    def __init__(self, cases: Sequence[Case], rule: Rule) -> None:
        self.rule = rule
        self.cells = {case: Cell(case) for case in cases}

    @property
    def open(self) -> tuple[Case, ...]:
        """The cells that need another pair; none when the gate has decided."""
        return tuple(case for case, cell in self.cells.items() if cell.outcome is None)

    @property
    def outcome(self) -> Outcome:
        """Of the gate: the worst of its cells."""
        found = [cell.outcome or "inconclusive" for cell in self.cells.values()]
        for outcome in ("error", "regression", "inconclusive"):
            if outcome in found:
                return outcome
        return "pass"

    def add(self, case: Case, observation: Observation) -> None:
        """One more pair of this cell."""
        self.cells[case].blocks[-1].append(observation)

    def look(self) -> None:
        """A round has ended: decide what can be decided now."""
        cells = [self.cells[case] for case in self.open]
        if not cells:
            return
        for cell in cells:
            cell.reason = ""  # an earlier look's says nothing about what is known now
        taken = len(cells[0].blocks[-1])
        if taken == self.rule.pairs:
            self._end_block(cells)
        elif taken == self.rule.early and len(cells[0].blocks) == 1:
            for cell in cells:
                self._pass_if_clear(cell)

    def end(self, reason: str) -> None:
        """No more pairs will come, for a reason that has nothing to do with their figures."""
        for case in self.open:
            cell = self.cells[case]
            cell.reason = ""
            if not cell.failed:
                self._pass_if_clear(cell)
            if cell.outcome is None:
                cell.outcome = "inconclusive"
                cell.reason = cell.uneven or cell.reason or reason
                if cell.failed:
                    cell.reason = f"slower in one block, not confirmed by another: {reason}"

    def _end_block(self, cells: list[Cell]) -> None:
        first = len(cells[0].blocks) == 1
        # What passed early stays in the family, with a p of 1: it was tested, too.
        absent = len(self.cells) - len(cells) if first else 0
        ratios = [[one.log_ratio for one in cell.blocks[-1]] for cell in cells]
        raw = [stats.signed_rank_p(found, "greater") for found in ratios]
        corrected = stats.holm(raw + [1.0] * absent)
        for cell, found, p in zip(cells, ratios, corrected, strict=False):
            cell.p_values.append(p)
            slow = estimate(found) - math.log1p(self.rule.threshold)
            if slow >= 0 and p < self.rule.alpha:
                if LEAST_OWN * hindrance(cell.blocks[-1], "head") > slow:
                    cell.hindered += 1
                else:
                    cell.failed += 1
        for cell in cells:
            self._close(cell)
        if any(cell.outcome == "regression" for cell in cells):
            self.end("the gate had found a regression elsewhere")

    def _close(self, cell: Cell) -> None:
        """What a whole block more allows to say."""
        if cell.failed == self.rule.confirmations:
            cell.outcome, cell.reason = "regression", ""
            return
        self._pass_if_clear(cell)
        if cell.outcome is not None:
            return
        hindered = cell.hindered >= self.rule.confirmations
        if hindered or len(cell.blocks) == self.rule.blocks:
            cell.outcome = "inconclusive"
            cell.reason = cell.uneven or cell.reason or "too noisy for the threshold"
        else:
            cell.blocks.append([])

    def _pass_if_clear(self, cell: Cell) -> None:
        interval = cell.slowdown(self.rule.level)
        room = math.log1p(self.rule.threshold) - interval.high if interval else 0.0
        if room <= 0:
            return
        if hindrance(cell.observations, "base") >= room:
            cell.reason = UNEVEN.format("base", "head")
        else:
            cell.outcome, cell.reason = "pass", ""


def hindrance(observations: Sequence[Observation], side: Name) -> float:
    """How much longer that side took because others were busier then, about; 0 if that is chance.

    As a log ratio, so that it can be set against the slowdown that it may explain.
    """
    taken = [one.taken if side == "head" else -one.taken for one in observations]
    if stats.signed_rank_p(taken, "greater") >= UNEVEN_P:
        return 0.0
    return max(0.0, estimate(taken))


def estimate(log_ratios: Sequence[float]) -> float:
    """Hodges and Lehmann's: the median of the means of all pairs, each with itself, too."""
    found = stats.hodges_lehmann(log_ratios, level=0.0)
    if found is None:
        raise ValueError("there are no pairs to estimate from")
    return found.estimate
