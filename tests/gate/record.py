"""Records null comparisons for the replay: pairs of processes of identical code, one JSON a line.

    python -m tests.gate.record FILE --minutes 60 --seed 0

Cells come in rounds, each in a new order, until the time is up. What is in the file stays.
`python -m tests.gate.replay FILE...` makes the fixture of the tests from it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from bench.gate.budget import Budget, OutOfTimeError
from bench.gate.cases import NAMES, Case
from bench.gate.origin import Origins
from bench.gate.pairs import Measuring, Shape, measure
from bench.gate.process import Side

ROOT = Path(__file__).resolve().parents[2]
# One thread is what the gate takes by default. Where other programs hold the CPUs, PyTorch's two
# threads wait for each other at every barrier, and a pair takes a minute: they are left out.
ROUND = tuple(
    Case(framework=name, threads=threads)
    for name in ("torch", "keras", "flax")
    for threads in ((1, 1, 1, 1) if name == "torch" else (1, 1, 1, 2))
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as logs, options.file.open("a") as out:
        python = Path(sys.executable)
        origins = Origins(ROOT, (), ())
        sides = {
            name: Side(name, python, (ROOT,), Path(logs, f"caches-{name}"), origins)
            for name in NAMES
        }
        with_ = Measuring(sides, Shape(), Path(logs), Budget(60 * options.minutes))
        steps: dict[Case, int] = {}
        number = 0
        while True:
            for case in chance.sample(ROUND, len(ROUND)):
                first = chance.choice(NAMES)
                try:
                    pair = measure(with_, case, number, first, steps.get(case))
                except OutOfTimeError:
                    return
                steps[case] = pair.steps
                number += 1
                out.write(pair.model_dump_json() + "\n")
                out.flush()
                found = pair.observation.log_ratio
                print(f"{number:4} {case.label}: {found:+.4f} in {pair.took_s} s", flush=True)


if __name__ == "__main__":
    main()
