"""Does the examination raise a false alarm? Healthy adapters, examined on what a seed draws.

    python tests/certificates.py --frameworks torch,keras,flax --number 1000 --folder FOLDER

Each examination has a network, an optimizer, sizes, threads and a seed of its own. What has been
found is kept in the folder, a line an examination, and is not made again; a second call goes on.
The end is a line a framework and check: how often, and the worst part of its bound.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench import frameworks  # noqa: E402
from bench.cli.commands.verify import OPTIMIZERS  # noqa: E402
from bench.results.certificate import Subject  # noqa: E402
from bench.system import environment, machine  # noqa: E402
from bench.workload import models  # noqa: E402

AT_ONCE = 20  # examinations of a process, which imports its framework once
SIZES = (1, 2, 7, 13, 31, 32, 64, 100, 128, 256, 700, 1000)


def subject(framework: str, number: int) -> Subject:
    """What the examination of that number is of."""
    draw = random.Random(f"{framework} {number}")
    name, options = draw.choice(models.every())
    size = draw.choice(SIZES)
    return Subject(
        framework=framework,
        device="cpu",
        model=name,
        options=options,
        input_shape=(*models.named(name).size, draw.choice((1, 3))),
        classes=10,
        optimizers=(draw.choice(OPTIMIZERS),),
        threads=threads_of(number),
        batch_size=size,
        remainder=draw.randrange(size),
        loaded=draw.choice((1400, 5000)),
        predicted=(draw.choice((1, 500, 2000)),),
        seed=draw.randrange(10_000),
    )


def threads_of(number: int) -> int:
    """The same for all of a process: frameworks take the number once."""
    return 1 + number // AT_ONCE % machine.most_threads()


def examine_here(framework: str, numbers: range) -> None:
    """In a process that is started for it, a line of JSON each."""
    from bench.system.clocks import Clocks
    from bench.verification.examination import examine
    from impls.reference.adapter import ReferenceAdapter

    adapter = frameworks.create(frameworks.named(framework))
    clocks = Clocks(time.perf_counter, time.process_time, time.thread_time)
    for number in numbers:
        of, start = subject(framework, number), time.perf_counter()
        checks = list(examine(adapter, ReferenceAdapter(), of, clocks))
        found = {
            "framework": framework,
            "number": number,
            "seconds": round(time.perf_counter() - start, 2),
            "failed": [one.describe() for one in checks if not one.passed],
            "parts": {one.name: (one.error or 0.0) / one.bound for one in checks if one.bound},
        }
        print(json.dumps(found), flush=True)


def kept(file: Path) -> Iterator[dict[str, Any]]:
    """What is there; a last line that was cut short is left out."""
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def main() -> None:
    """Examine what is not there yet, in turns of the frameworks, then print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frameworks", default="torch,keras,flax")
    parser.add_argument("--number", type=int, default=1000, help="of all frameworks together")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--until-s", type=float, default=float("inf"), help="begin no more then")
    parser.add_argument("--here", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        examine_here(options.frameworks, range(*options.here))
        return
    names, begun = options.frameworks.split(","), time.monotonic()
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "certificates.jsonl"
    each = -(-options.number // len(names))
    for start in range(0, each, AT_ONCE):
        for name in names:
            done = {one["number"] for one in kept(file) if one["framework"] == name}
            left = [
                number for number in range(start, min(start + AT_ONCE, each)) if number not in done
            ]
            if not left or time.monotonic() - begun > options.until_s:
                continue
            own = frameworks.named(name).variables("cpu", machine.instruction_sets())
            env = environment.of_worker(threads_of(start), os.environ, own)
            command = [sys.executable, __file__, "--frameworks", name, "--folder", "-"]
            with file.open("a") as out, (options.folder / f"{name}.log").open("a") as log:
                subprocess.run(
                    [*command, "--here", str(left[0]), str(left[-1] + 1)],
                    stdout=out,
                    stderr=log,
                    env=env,
                    cwd=ROOT,
                    check=False,
                )
    report(list(kept(file)))


def report(found: list[dict[str, Any]]) -> None:
    """How many of each framework, its false alarms, and how near to its bound each check came."""
    worst: dict[tuple[str, str], float] = defaultdict(float)
    for one in found:
        for name, part in one["parts"].items():
            key = one["framework"], name
            worst[key] = max(worst[key], part)
    for name in sorted({one["framework"] for one in found}):
        own = [one for one in found if one["framework"] == name]
        alarms = [f"{one['number']}: {text}" for one in own for text in one["failed"]]
        seconds = sum(one["seconds"] for one in own)
        print(f"{name}: {len(own)} examinations in {seconds:,.0f} s, {len(alarms)} alarms")
        for text in alarms:
            print(f"    {text}")
        for (framework, check), part in sorted(worst.items()):
            if framework == name:
                print(f"    {check}: at most {part:.2f} of its bound")


if __name__ == "__main__":
    main()
