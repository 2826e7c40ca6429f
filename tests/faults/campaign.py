"""Draws kinds of faults and lets them happen, one after the other; counts what went right."""

from __future__ import annotations

import gc
import random
import re
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import scene as scenes
from tests.faults.scene import Baseline, Scene, WrongError

Do = Callable[[Scene], None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: `do` makes a scene of it and expects what is promised."""

    do: Do

    @property
    def name(self) -> str:
        """Such as worker-killed."""
        return self.do.__name__.replace("_", "-")

    @property
    def about(self) -> str:
        """What happens, and what the program does, in a sentence."""
        return re.sub(r"\s+", " ", (self.do.__doc__ or "").partition("\n\n")[0]).strip()


@dataclass(frozen=True)
class Failure:
    """A fault after which something was not as promised."""

    kind: str
    seed: int
    wrong: str


@dataclass
class Tally:
    """What has come of the faults so far; `seconds` are those of each kind."""

    tried: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)


def drawn(kinds: Sequence[Kind], seed: int, count: int) -> Iterator[tuple[Kind, int]]:
    """Kinds in random order, each as often as every other, with a seed for the fault itself."""
    source = random.Random(seed)
    done = 0
    while done < count:
        for kind in source.sample(kinds, len(kinds))[: count - done]:
            done += 1
            yield kind, source.randrange(1_000_000)


def carry_out(faults: Sequence[tuple[Kind, int]], tell: Callable[[str], None]) -> Tally:
    """Let every fault happen, in folders that are removed again; those of failures stay."""
    tally, place = Tally(), scenes.temporary()
    sys.path.insert(0, str(scenes.PLUGINS))
    gc.freeze()  # what is loaded here is no garbage of those that are forked
    try:
        (place / "undisturbed").mkdir()
        baseline = scenes.undisturbed(place / "undisturbed")
        for number, (kind, seed) in enumerate(faults, 1):
            begun = time.monotonic()
            wrong = _tried(kind, seed, place / f"{number}", baseline)
            taken_s = time.monotonic() - begun
            tally.tried[kind.name] += 1
            tally.seconds[kind.name] += taken_s
            if wrong:
                tally.failures.append(Failure(kind.name, seed, wrong))
            said = f"WRONG: {wrong}" if wrong else "right"
            tell(f"{number}/{len(faults)} {kind.name} --seed {seed}: {said} ({taken_s:.1f} s)")
    except KeyboardInterrupt:
        tell(f"interrupted after {sum(tally.tried.values())} of {len(faults)}")
    finally:
        sys.path.remove(str(scenes.PLUGINS))
        if tally.failures:
            shutil.rmtree(place / "undisturbed", ignore_errors=True)
            tell(f"what is left of failures is in {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    return tally


def _tried(kind: Kind, seed: int, folder: Path, baseline: Baseline) -> str | None:
    """What was wrong after a fault; None where nothing was."""
    folder.mkdir()
    scene = Scene(folder, random.Random(f"{kind.name} {seed}"), baseline)
    try:
        with scene.stack:
            kind.do(scene)
    except WrongError as wrong:
        return str(wrong)
    except Exception:
        return f"the campaign itself: {traceback.format_exc()!r}"
    shutil.rmtree(folder, ignore_errors=True)
    return None


def table(tally: Tally) -> str:
    """A line a kind: how many were tried and how many were right; then the failures."""
    failed = Counter(one.kind for one in tally.failures)
    rows = [
        (name, str(tried), str(tried - failed[name]), f"{tally.seconds[name] / tried:.1f}")
        for name, tried in sorted(tally.tried.items())
    ]
    tried, wrong = sum(tally.tried.values()), len(tally.failures)
    heading = ("kind", "tried", "right", "s each")
    rows = [heading, *rows, ("all", str(tried), str(tried - wrong), "")]
    width = max(len(row[0]) for row in rows)
    lines = [f"{name:{width}} {tried:>6} {right:>6} {s:>7}" for name, tried, right, s in rows]
    for one in tally.failures:
        lines.append(f"python -m tests.faults --kind {one.kind} --seed {one.seed}: {one.wrong}")
    return "\n".join(lines)
