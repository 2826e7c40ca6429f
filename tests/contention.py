"""Do printed ratios hold on a machine that others use? Runs beside a load that a seed draws.

    python tests/contention.py --data-root DATA --folder FOLDER --quiet 6     # on an idle machine
    python tests/contention.py --data-root DATA --folder FOLDER --number 60

Each run compares two to four frameworks on MNIST, speed alone, while one of LOADS computes beside
it. What was found is kept in the folder, a line a run; a second call goes on. The end holds what
was printed against the ratios of the quiet runs: with what others disturbed left out, as `bench
run` does, and with all of it counted, as it would be without the rule.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.results.store import read_records  # noqa: E402
from report.analysis import contrasts  # noqa: E402
from report.analysis.comparison import compare  # noqa: E402
from report.analysis.throughput import accepting_disturbed  # noqa: E402
from tests.timed_runs import timed_run  # noqa: E402

ALL = ("torch", "keras", "flax", "equinox")
EACH = (*ALL, "reference")
# Equinox and Flax are about equally fast; the reference, on NumPy, starts soonest.
PAIRS: tuple[tuple[str, ...], ...] = (
    ("torch", "reference"),
    ("torch", "flax"),
    ("torch", "reference"),
    ("flax", "reference"),
    ("torch", "keras"),
    ("torch", "reference"),
    ("flax", "equinox"),
)
TRIPLE = ("torch", "keras", "flax")
MORE = {2: TRIPLE, 5: ALL, 8: TRIPLE}  # by the last digit of the runs' numbers below 20
LOADS = ("busy", "bursts", "two", "memory", "niced", "none")
STREAMED_BYTES = 256 * 2**20  # far more than any cache holds
REPEATS, QUIET_REPEATS = 3, 4


def burn(seconds: float) -> None:
    """Computes on one CPU for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(500))


def busy(draw: random.Random) -> None:
    """One CPU, all the time."""
    burn(0.5)


def bursts(draw: random.Random) -> None:
    """One CPU for 1 to 20 s, then idle for as long."""
    burn(draw.uniform(1, 20))
    time.sleep(draw.uniform(1, 20))


def memory() -> Callable[[random.Random], None]:
    """The way to memory rather than the CPU, which it has, too."""
    source = np.ones(STREAMED_BYTES, np.uint8)
    target = np.empty_like(source)
    return lambda draw: np.copyto(target, source)


def make_load(kind: str, seed: int) -> None:
    """Runs until its parent has ended."""
    step = {"busy": busy, "bursts": bursts, "two": busy, "niced": busy}.get(kind) or memory()
    if kind == "niced":
        psutil.Process().nice(19)
    draw, parent = random.Random(seed), psutil.Process().parent()
    while parent is not None and parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
        step(draw)


@contextmanager
def load(kind: str, seed: int) -> Iterator[None]:
    """The programs of that kind, from now on."""
    count = {"none": 0, "two": 2, "niced": 2}.get(kind, 1)
    programs = [
        subprocess.Popen([sys.executable, __file__, "--load", kind, str(seed + number)])
        for number in range(count)
    ]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def run(names: Sequence[str], repeats: int, options: argparse.Namespace) -> Path:
    """A run's folder."""
    folder = timed_run(
        options.folder,
        names,
        options.data_root,
        *("--min-repeats", str(repeats), "--windows", str(options.windows)),
        *("--window", str(options.window), "--wait-for-quiet", options.wait),
    )
    if folder is None:
        raise SystemExit(f"a run has made no folder: see {options.folder / 'log.txt'}")
    return folder


def printed(folder: Path, names: Sequence[str], *, accept: bool) -> dict[str, Any]:
    """Each pair's ratio with its interval and verdict; None where the run tells none."""
    records, _ = read_records([folder])
    (comparison,) = compare(accepting_disturbed(records) if accept else records)
    family = contrasts.family(comparison, "images_per_s")
    places = {sample.framework: place for place, sample in enumerate(family.samples)}
    found: dict[str, Any] = {}
    for one, other in combinations(sorted(names), 2):
        compared = {one, other} <= places.keys()
        contrast = family.contrast(places[one], places[other]) if compared else None
        found[f"{one}/{other}"] = contrast and {
            "ratio": contrast.effect.estimate,
            "interval": contrast.effect.interval
            and [contrast.effect.interval.low, contrast.effect.interval.high],
            "verdict": contrast.verdict,
        }
    return found


def speeds(folder: Path) -> dict[str, list[float]]:
    """Of the processes whose windows were clean."""
    found: dict[str, list[float]] = defaultdict(list)
    for record in read_records([folder])[0]:
        speed = record.throughput.images_per_s
        if speed is not None and record.has_clean_speed:
            found[record.identity.framework].append(speed)
    return found


def measure(number: int, options: argparse.Namespace, *, quiet: bool) -> dict[str, Any]:
    """One run, and what it would have printed."""
    pair = PAIRS[number % len(PAIRS)]
    more = MORE.get(number % 10, pair) if number < 20 else pair
    names = EACH if quiet else more
    # Kinds and sets go round in unlike circles, so that each meets each.
    kind = "none" if quiet else LOADS[(number + number // len(LOADS)) % (len(LOADS) - 1)]
    begun = time.monotonic()
    with load(kind, number):
        folder = run(names, QUIET_REPEATS if quiet else REPEATS, options)
    return {
        "number": number,
        "quiet": quiet,
        "load": kind,
        "frameworks": names,
        "seconds": round(time.monotonic() - begun, 1),
        "folder": folder.name,
        "speeds": speeds(folder),
        "printed": printed(folder, names, accept=False),
        "all counted": printed(folder, names, accept=True),
    }


def kept(file: Path) -> list[dict[str, Any]]:
    """What is there."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def quiet_ratios(found: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The median over all processes of the quiet runs, by pair."""
    values: dict[str, list[float]] = defaultdict(list)
    for one in found:
        for name, its in one["speeds"].items():
            values[name] += its
    medians = {name: statistics.median(its) for name, its in values.items()}
    for name, its in sorted(values.items()):
        cv = statistics.stdev(its) / statistics.mean(its)
        print(f"quiet: {name} {medians[name]:,.0f} images/s, CV {cv:.1%} of {len(its)} processes")
    return {
        f"{one}/{other}": medians[one] / medians[other]
        for one, other in combinations(sorted(medians), 2)
    }


def report(found: Sequence[dict[str, Any]], which: str, true: dict[str, float]) -> None:
    """How many intervals leave out the quiet ratio, how many verdicts are wrong, by load."""
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    off: list[str] = []
    for one in found:
        for kind in (one["load"], "all"):
            tally[kind]["runs"] += 1
            tally[kind]["seconds"] += one["seconds"]
            tally[kind]["told"] += any(
                its and its["verdict"] != contrasts.UNTOLD for its in one[which].values()
            )
        for pair, its in one[which].items():
            interval = its and its["interval"]
            for count in (tally[one["load"]], tally["all"]):
                count["pairs"] += 1
                if not interval:
                    continue
                low, high = interval
                count["intervals"] += 1
                count["widths"] += math.log(high / low)
                is_off = not low <= true[pair] <= high
                count["off"] += is_off
                is_wrong = low > 1 > true[pair] or high < 1 < true[pair]
                count["wrong sign"] += is_wrong
            if interval and is_off:
                off.append(
                    f"{one['number']} {one['load']}: {pair} {its['ratio']:.3f} "
                    f"({low:.3f} to {high:.3f}), quiet {true[pair]:.3f}{' WRONG' * is_wrong}"
                )
    print(f"\n{which}:")
    for kind, of in tally.items():
        print(
            f"  {kind}: {of['runs']} runs of {of['seconds'] / of['runs']:.0f} s, a verdict in "
            f"{of['told']}; {of['intervals']} intervals of {of['pairs']} pairs, "
            f"{of['off']} without the quiet ratio, {of['wrong sign']} of wrong sign, "
            f"± {math.expm1(of['widths'] / 2 / max(1, of['intervals'])):.1%} on average"
        )
    for line in off:
        print(f"    {line}")


def main() -> None:
    """Make the runs that are not there yet, then print what they showed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--number", type=int, default=0, help="runs beside a load")
    parser.add_argument("--quiet", type=int, default=0, help="runs without one")
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--window", type=float, default=0.25, help="seconds")
    parser.add_argument("--wait", default="1m", help="--wait-for-quiet of each run")
    parser.add_argument("--until-s", type=float, default=math.inf, help="begin none after so long")
    parser.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        make_load(options.load[0], int(options.load[1]))
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    file, begun = options.folder / "runs.jsonl", time.monotonic()
    done = {(one["quiet"], one["number"]) for one in kept(file)}
    wanted = [(True, n) for n in range(options.quiet)] + [(False, n) for n in range(options.number)]
    for quiet, number in wanted:
        if (quiet, number) in done or time.monotonic() - begun > options.until_s:
            continue
        line = json.dumps(measure(number, options, quiet=quiet))
        with file.open("a") as out:
            out.write(line + "\n")
    found = kept(file)
    true = quiet_ratios([one for one in found if one["quiet"]])
    print("; ".join(f"{pair} {ratio:.3f}" for pair, ratio in true.items()))
    for which in ("printed", "all counted"):
        report([one for one in found if not one["quiet"]], which, true)


if __name__ == "__main__":
    main()
