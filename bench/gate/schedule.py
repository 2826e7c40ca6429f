"""Pairs in rounds until the judge has decided or the time is up: the run of a gate."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.errors import UsageError
from bench.gate.budget import OutOfTimeError
from bench.gate.cases import NAMES, Case, Name, Pair
from bench.gate.decision import Judge
from bench.gate.pairs import HALF, Measuring, Shape, measure

LEAST_START_S = 1.0  # an interpreter, NumPy and a framework: no pair starts in less

Measure = Callable[[Measuring, Case, int, Name, int | None], Pair]


@dataclass(slots=True)
class Run:
    """A gate at work; `pairs` grows with each that is measured."""

    with_: Measuring
    judge: Judge
    chance: random.Random
    on_pair: Callable[[Pair], None]
    measure: Measure = measure
    pairs: list[Pair] = field(default_factory=list)

    def go(self) -> None:
        """Measure until every cell is closed. SideError where a revision cannot be measured."""
        try:
            while self.judge.open:
                too_long = self._too_long()
                if too_long:
                    self.judge.end(too_long)
                    return
                self._round()
                self.judge.look()
        except OutOfTimeError:
            self.judge.end("the time budget was spent")

    def _round(self) -> None:
        """One pair of every open cell, in a new order."""
        cases = self.judge.open
        for case in self.chance.sample(cases, len(cases)):
            if self._pair_s(case) > self.with_.budget.left_s:
                raise OutOfTimeError
            steps = next((pair.steps for pair in self.pairs if pair.case == case), None)
            first = self.chance.choice(NAMES)
            pair = self.measure(self.with_, case, len(self.pairs), first, steps)
            self.pairs.append(pair)
            self.judge.add(case, pair.observation)
            self.on_pair(pair)

    def _pair_s(self, case: Case) -> float:
        """How long a pair of this cell has taken so far, at most; 0 where none was measured."""
        return max((pair.took_s for pair in self.pairs if pair.case == case), default=0.0)

    def _too_long(self) -> str | None:
        """Why it is no use to go on: what must come until something can be said does not fit."""
        cells = [self.judge.cells[case] for case in self.judge.open]
        rule, blocks = self.judge.rule, len(cells[0].blocks)
        taken = len(cells[0].blocks[-1])
        until = rule.early if blocks == 1 and taken < rule.early else rule.pairs
        rounds = until - taken
        round_s = sum(self._pair_s(cell.case) for cell in cells)
        needed_s = rounds * round_s
        if needed_s <= self.with_.budget.left_s:
            return None
        whole_s = self.with_.budget.spent_s + needed_s
        return (
            f"the next decision would have come after about {minutes(whole_s)}: give a longer "
            "--budget, or fewer cells"
        )


def require_budget(seconds: float, cells: int, early: int, shape: Shape) -> None:
    """UsageError where not even the fastest frameworks could be decided upon in that time."""
    pair_s = LEAST_START_S + shape.windows_s + 4 * HALF * shape.window_s
    least_s = cells * early * pair_s
    if seconds < least_s:
        of_each, fewer = (
            (f" for each of {cells} cells", ", or fewer cells") if cells > 1 else ("", "")
        )
        raise UsageError(
            f"--budget {minutes(seconds)} is too short: {early} pairs of processes{of_each} "
            f"take at least {minutes(least_s)}, and those of real frameworks twice "
            f"that; give a longer one{fewer}"
        )


def minutes(seconds: float) -> str:
    """Such as 12m or 75s: as --budget takes it."""
    return f"{seconds / 60:.0f}m" if seconds >= 600 else f"{seconds:.0f}s"


def cases_of(
    frameworks: Sequence[str], batch_sizes: Sequence[int], threads: Sequence[int], device: str
) -> list[Case]:
    """The cells: every framework at every batch size and number of threads."""
    return [
        Case.model_validate(
            {"framework": name, "device": device, "batch_size": size, "threads": count}
        )
        for name in frameworks
        for size in batch_sizes
        for count in threads
    ]
