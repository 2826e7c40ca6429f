"""Recorded null comparisons, resampled into decisions by the code that decides in the gate.

    python -m tests.gate.replay             prints the table of docs/gate.md
    python -m tests.gate.replay FILE...     makes the fixture from what tests.gate.record wrote

The sides' own share of the CPUs was not recorded then: it is what others had left of the two.
A slowdown is injected by multiplying the seconds of the head's windows.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev

from bench.gate.cases import Case, Observation, Pair, Windows
from bench.gate.decision import THRESHOLD, Judge, Rule

FIXTURE = Path(__file__).with_name("null_comparisons.json.gz")
ONE_THREAD = tuple(Case(framework=name) for name in ("torch", "keras", "flax"))
TWO_THREADS = tuple(Case(framework=name, threads=2) for name in ("keras", "flax"))

# What a gate without safeguards does: a single pair, no test, no second look.
RASH = Rule(THRESHOLD, pairs=1, alpha=1.1, early=0, blocks=1, confirmations=1)

Pools = Mapping[Case, Sequence[Observation]]


@dataclass(frozen=True)
class Rates:
    """What gates decided, as shares of all; pairs: mean number in a gate."""

    regression: float
    passed: float
    inconclusive: float
    pairs: float


def make(files: Iterable[Path]) -> None:
    """Write the fixture, in the order of recording."""
    pairs = [Pair.model_validate(json.loads(line)) for file in files for line in file.open()]
    rows = [
        {
            "case": pair.case.model_dump(),
            "first": pair.first,
            "steps": pair.steps,
            "took_s": round(pair.took_s, 1),
            "base": _windows(pair.base),
            "head": _windows(pair.head),
        }
        for pair in pairs
    ]
    text = "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n"
    FIXTURE.write_bytes(gzip.compress(text.encode(), mtime=0))


def read() -> list[Pair]:
    """The recorded pairs, in the order of recording."""
    return [Pair.model_validate(row) for row in json.loads(gzip.decompress(FIXTURE.read_bytes()))]


def pools(pairs: Iterable[Pair]) -> Pools:
    """What the pairs of each cell tell, in the order of recording."""
    found: dict[Case, list[Observation]] = {}
    for pair in pairs:
        found.setdefault(pair.case, []).append(pair.observation)
    return found


def rates(
    of: Pools,
    cells: Sequence[Case],
    slowdown: float,
    rule: Rule,
    gates: int,
    *,
    in_runs: bool = False,
    seed: int = 0,
) -> Rates:
    """Decide so many gates; the slowdown is that of one cell, each in turn.

    The pairs of a gate are drawn with replacement, or `in_runs` taken one after the other from a
    place drawn, so that noise that lasts stays together. `regression` counts the gates in which
    that very cell, or with no slowdown any cell, was found slower.
    """
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    pairs = 0
    for number in range(gates):
        slow = cells[number % len(cells)]
        judge = decided(of, cells, slow, slowdown, rule, chance, in_runs)
        of_slow = judge.cells[slow].outcome == "regression"
        found = slowdown == 0 or judge.outcome != "regression" or of_slow
        outcomes[judge.outcome if found else "inconclusive"] += 1
        pairs += sum(len(cell.observations) for cell in judge.cells.values())
    shares = {name: outcomes[name] / gates for name in ("regression", "pass", "inconclusive")}
    return Rates(*shares.values(), pairs / gates)


def decided(
    of: Pools,
    cells: Sequence[Case],
    slow: Case,
    slowdown: float,
    rule: Rule,
    chance: random.Random,
    in_runs: bool,
) -> Judge:
    """One gate from recorded pairs, by the gate's own judge."""
    judge = Judge(cells, rule)
    places = {case: chance.randrange(len(of[case])) for case in cells}
    while judge.open:
        for case in judge.open:
            pool = of[case]
            drawn = pool[places[case] % len(pool)] if in_runs else chance.choice(pool)
            places[case] += 1
            shift = math.log1p(slowdown) if case == slow else 0.0
            judge.add(case, Observation(drawn.log_ratio + shift, drawn.taken))
        judge.look()
    return judge


def _windows(of: Windows) -> dict[str, list[float]]:
    return {
        "seconds": [float(f"{s:.4g}") for s in of.seconds],
        "own_cpus": [round(c, 2) for c in of.own_cpus],
        "other_cpus": [round(c, 2) for c in of.other_cpus],
    }


def _tables(gates: int) -> None:
    """The tables of docs/gate.md, as Markdown."""
    pairs = read()
    recorded = pools(pairs)
    print("| recorded | pairs | spread | apart by 5 % or more |\n| --- | ---: | ---: | ---: |")
    for case, found in recorded.items():
        ratios = [one.log_ratio for one in found]
        apart = sum(abs(ratio) >= math.log1p(0.05) for ratio in ratios) / len(ratios)
        print(f"| {case.label} | {len(found)} | {stdev(ratios):.1%} | {apart:.0%} |")
    for cells in (ONE_THREAD, TWO_THREADS):
        print(f"\n{len(cells)} cells, threads: {cells[0].threads}; {gates} gates each")
        print("| slowdown | pairs | regression | pass | inconclusive | mean pairs |")
        for slowdown in (0.0, 0.03, 0.05, 0.10, 0.20, 0.40):
            for in_runs in (False, True):
                rule = Rule.of(THRESHOLD, len(cells))
                found = rates(recorded, cells, slowdown, rule, gates, in_runs=in_runs)
                drawn = "in runs" if in_runs else "drawn"
                figures = (found.regression, found.passed, found.inconclusive)
                shares = " | ".join(f"{figure:.1%}" for figure in figures)
                print(f"| {slowdown:.0%} | {drawn} | {shares} | {found.pairs:.0f} |", flush=True)
    rash = rates(recorded, ONE_THREAD, 0.0, RASH, gates)
    print(f"\none pair a cell against the threshold: {rash.regression:.1%} false alarms")


if __name__ == "__main__":
    make(map(Path, sys.argv[1:])) if sys.argv[1:] else _tables(2000)
