"""What the gate measures and what it finds, as data that JSON holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Literal["base", "head"]
LEAST_CPUS = 0.05  # of a process that computes; CPU times are counted in hundredths of a second
NAMES: tuple[Name, Name] = ("base", "head")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Case(_Frozen):
    """What is compared between the two revisions: a cell."""

    framework: str
    device: Literal["cpu", "gpu"] = "cpu"
    batch_size: int = 128
    threads: int = 1

    @property
    def label(self) -> str:
        """Such as `torch, batch 128, 2 threads`; the device where it is not the CPU."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        device = "" if self.device == "cpu" else f"{self.device}, "
        return f"{self.framework}, {device}batch {self.batch_size}, {threads}"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a pair tells: the unit of the statistics.

    log_ratio  log(head's seconds / base's seconds); positive: head is slower
    taken      how many more CPUs other processes kept busy during head's windows than during
               base's, as a share of what the two had themselves: where all CPUs are busy, what
               others have more a side has less, and takes longer by about that share
    """

    log_ratio: float
    taken: float = 0.0


class Windows(_Frozen):
    """One side's windows of a pair, in the order in which they were measured, (2Q,).

    All three are as long, and what is no time is refused: a result is read from files, too.

    seconds     of each window, the device idle at both edges
    own_cpus    how many CPUs the side's process kept busy
    other_cpus  how many CPUs other processes kept busy meanwhile
    """

    seconds: tuple[Seconds, ...]
    own_cpus: tuple[FiniteFloat, ...]
    other_cpus: tuple[FiniteFloat, ...]

    @model_validator(mode="after")
    def _is_of_quadruples(self) -> Self:
        sizes = {len(self.seconds), len(self.own_cpus), len(self.other_cpus)}
        if len(sizes) > 1 or not self.seconds or len(self.seconds) % 2:
            raise ValueError(f"windows come two a side and quadruple, not {sorted(sizes)}")
        return self


class Pair(_Frozen):
    """A fresh process of each side, which took turns: A B B A, B A A B, ...

    Windows 2q and 2q + 1 of each side are in quadruple q.
    """

    case: Case
    first: Name
    steps: int
    base: Windows
    head: Windows
    took_s: float

    @model_validator(mode="after")
    def _has_two_sides(self) -> Self:
        if len(self.base.seconds) != len(self.head.seconds):
            raise ValueError("base and head have as many windows")
        return self

    @property
    def log_ratios(self) -> tuple[float, ...]:
        """log(head's seconds / base's seconds) of each quadruple, (Q,); positive: head is slower.

        Each is a mean of two windows a side that lie around, or within, the other's two, so that
        a drift of the machine which is linear in time cancels.
        """
        base, head = ([math.log(s) for s in side.seconds] for side in (self.base, self.head))
        return tuple(
            (head[i] + head[i + 1] - base[i] - base[i + 1]) / 2 for i in range(0, len(base), 2)
        )

    @property
    def observation(self) -> Observation:
        """The median over its quadruples: the one number that a pair of processes stands for."""
        others = fmean(self.head.other_cpus) - fmean(self.base.other_cpus)
        own = fmean((*self.head.own_cpus, *self.base.own_cpus))
        return Observation(median(self.log_ratios), others / max(own, LEAST_CPUS))
