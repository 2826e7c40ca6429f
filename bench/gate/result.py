"""What a gate has found, as one document: every window is in it, so that it can be judged anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt

from bench.gate.cases import Case, Pair
from bench.gate.decision import Cell, Judge, Outcome, Rule
from bench.gate.repository import Revision
from bench.results.record import Machine

Share = Annotated[float, Field(gt=0, lt=1)]
FORMAT: Literal["lenet-bench gate 1"] = "lenet-bench gate 1"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Commit(_Frozen):
    """A revision; see `bench.gate.repository.Revision`."""

    given: str
    commit: str
    subject: str
    python: str


class Settings(_Frozen):
    """The rule, as in `bench.gate.decision.Rule`."""

    threshold: Annotated[FiniteFloat, Field(gt=0)]
    pairs: PositiveInt
    alpha: Share
    level: Share
    early: PositiveInt
    blocks: PositiveInt
    confirmations: PositiveInt

    def rule(self) -> Rule:
        """As the judge takes it."""
        return Rule(**self.model_dump())


class Finding(_Frozen):
    """A cell's verdict.

    slowdown, low, high  head's time over base's, less 1, with the interval; None for too few pairs
    p_values             one-sided, corrected, of each whole block
    failed_blocks        how many of the blocks were slower by the rule
    images_per_s         median of all windows, base and head
    other_cpus           mean of what others kept busy
    """

    case: Case
    outcome: Outcome
    reason: str
    slowdown: float | None
    low: float | None
    high: float | None
    p_values: tuple[float, ...]
    failed_blocks: int
    pairs: int
    images_per_s: tuple[float, float] | None
    other_cpus: float | None


class Result(_Frozen):
    """A gate from beginning to end. reason: why it is an error; seed: of the order of measuring."""

    format: Literal["lenet-bench gate 1"] = FORMAT
    version: str
    outcome: Outcome
    reason: str
    base: Commit
    head: Commit
    settings: Settings
    budget_s: float
    took_s: float
    seed: int
    notes: tuple[str, ...]
    machine: Machine
    findings: tuple[Finding, ...]
    pairs: tuple[Pair, ...]

    def judged_anew(self, rule: Rule | None = None) -> Judge:
        """The verdict of the stored pairs, under the same rule or another one."""
        judge = Judge([finding.case for finding in self.findings], rule or self.settings.rule())
        waiting = {case: [pair for pair in self.pairs if pair.case == case] for case in judge.cells}
        while judge.open:
            if not all(waiting[case] for case in judge.open):
                judge.end("no more pairs were stored")
                break
            for case in judge.open:
                judge.add(case, waiting[case].pop(0).observation)
            judge.look()
        return judge


def commit(of: Revision, python: str) -> Commit:
    """A revision and its interpreter, for the document."""
    return Commit(**asdict(of), python=python)


def settings(rule: Rule) -> Settings:
    """A rule, for the document."""
    return Settings(**asdict(rule))


def finding(cell: Cell, pairs: Sequence[Pair], level: float) -> Finding:
    """A cell's verdict with its figures, from its pairs."""
    interval = cell.slowdown(level)
    return Finding(
        case=cell.case,
        outcome=cell.outcome or "inconclusive",
        reason=cell.reason,
        slowdown=math.expm1(interval.estimate) if interval else None,
        low=math.expm1(interval.low) if interval else None,
        high=math.expm1(interval.high) if interval else None,
        p_values=tuple(cell.p_values),
        failed_blocks=cell.failed,
        pairs=len(pairs),
        images_per_s=_images_per_s(pairs),
        other_cpus=_mean([c for p in pairs for s in (p.base, p.head) for c in s.other_cpus]),
    )


def _images_per_s(pairs: Sequence[Pair]) -> tuple[float, float] | None:
    """Median throughput of the base and of the head."""
    if not pairs:
        return None
    images = pairs[0].steps * pairs[0].case.batch_size
    base = median(s for pair in pairs for s in pair.base.seconds)
    head = median(s for pair in pairs for s in pair.head.seconds)
    return images / base, images / head


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None
