"""What do documented switches bring on this CPU? Each alone, then those that help together.

    python tests/switches.py --frameworks torch,keras,flax --data-root DATA --folder FOLDER

For an idle machine. A block has a process for each candidate and one of the plain framework, in an
order that a seed draws; every framework gets as many blocks. What was found is kept in the folder,
a line a process; a second call goes on. The end is a line a candidate: images per second over the
plain framework's, with Student's 95 % interval on the logarithms of the blocks' ratios. The
candidates leave the arithmetic alone, as far as their makers say; a winner still needs a
certificate, by `bench verify --env`.

`--class NAME` has one of CLASSES emulated for all of it.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench import frameworks  # noqa: E402
from bench.results.store import read_records  # noqa: E402
from bench.system import machine  # noqa: E402
from tests.timed_runs import timed_run  # noqa: E402

PLAIN, TOGETHER = "plain", "together"
Variables = Mapping[str, str]
ALLOCATORS = {
    "jemalloc": {"LD_PRELOAD": "libjemalloc.so.2"},
    "tcmalloc": {"LD_PRELOAD": "libtcmalloc_minimal.so.4"},
    "huge pages": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
}
# Not arithmetic of fewer digits: ONEDNN_DEFAULT_FPMATH_MODE, xla_cpu_enable_fast_math.
CANDIDATES: dict[str, dict[str, Variables]] = {
    "torch": {
        **ALLOCATORS,
        "passive waiting": {"OMP_WAIT_POLICY": "PASSIVE"},
        "pinned threads": {"OMP_PROC_BIND": "CLOSE"},
        "no cache of primitives": {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "0"},
    },
    "keras": {
        **ALLOCATORS,
        "no oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
        "oneDNN, own allocator": {"TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1"},
        "XLA's clusters": {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"},
    },
    "flax": {
        **ALLOCATORS,
        "YNNPACK": {"XLA_FLAGS": ""},
    },
}
# Flags that are tried beside the plain framework's own.
OF_XLA = {
    "oneDNN": "--xla_cpu_experimental_onednn_custom_call=true",
    "XNNPACK": "--xla_cpu_use_xnnpack=true",
    "old fusion emitters": "--xla_cpu_use_fusion_emitters=false",
    "concurrent scheduler": "--xla_cpu_enable_concurrency_optimized_scheduler=true",
    "minimum and maximum without NaN": "--xla_cpu_enable_fast_min_max=true",
}
CLASSES: dict[str, dict[str, str]] = {
    "here": {},
    "sse": {
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "ATEN_CPU_CAPABILITY": "default",
        "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
    },
    "avx2": {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    },
}


def plain(name: str) -> dict[str, str]:
    """What the plain framework's process has on this CPU."""
    return frameworks.named(name).variables("cpu", machine.instruction_sets())


def candidates(name: str, also: Sequence[str]) -> dict[str, Variables]:
    """Of a framework, by what each is called."""
    found = dict(CANDIDATES.get(name, ALLOCATORS))
    for framework, title, variable in (one.split(",", 2) for one in also):
        if framework == name:
            found[title] = dict([variable.split("=", 1)])
    own = plain(name).get("XLA_FLAGS")
    if own is not None:
        found |= {title: {"XLA_FLAGS": f"{own} {flag}"} for title, flag in OF_XLA.items()}
    return found


def emulated(name: str, variables: Variables, cpu_class: str) -> dict[str, str]:
    """The variables with those that emulate a class of CPU; flags of XLA's are joined."""
    of_class = CLASSES[cpu_class]
    joined = {**of_class, **variables}
    if "XLA_FLAGS" in of_class:
        own = variables.get("XLA_FLAGS", plain(name).get("XLA_FLAGS", ""))
        joined["XLA_FLAGS"] = f"{of_class['XLA_FLAGS']} {own}".strip()
    return joined


def measure(name: str, variables: Variables, options: argparse.Namespace) -> float | None:
    """Images per second of one process; None where it failed or others disturbed it."""
    folder = timed_run(
        options.folder,
        [name],
        options.data_root,
        *("--unverified", "--seeds", "0", "--min-repeats", "1", "--wait-for-quiet", "1m"),
        *("--threads", str(options.threads)),
        *(f"--env={key}={value}" for key, value in variables.items()),
    )
    for record in read_records([folder])[0] if folder else ():
        if record.has_clean_speed:
            return record.throughput.images_per_s
    return None


def kept(file: Path) -> list[dict[str, Any]]:
    """What is there."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def ratios(found: Sequence[dict[str, Any]], title: str) -> list[float]:
    """Of the blocks in which both that candidate and the plain framework were measured."""
    speeds = {(one["candidate"], one["block"]): one["images_per_s"] for one in found}
    pairs = [
        (speed, speeds.get((PLAIN, block)))
        for (candidate, block), speed in speeds.items()
        if candidate == title
    ]
    return [speed / of_plain for speed, of_plain in pairs if speed and of_plain]


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Their geometric mean with Student's 95 % interval on logarithms."""
    logs = [math.log(value) for value in values]
    mean = statistics.mean(logs)
    error = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else math.inf
    half = float(stats.t.ppf(0.975, len(logs) - 1)) * error if len(logs) > 1 else math.inf
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def blocks(
    name: str, tried: Mapping[str, Variables], numbers: range, options: argparse.Namespace
) -> None:
    """The blocks of these numbers of a framework, as far as they are not there yet."""
    file = options.folder / "switches.jsonl"
    done = {
        (one["candidate"], one["block"])
        for one in kept(file)
        if one["framework"] == name and one["class"] == options.cpu_class
    }
    for block in numbers:
        titles = [PLAIN, *tried]
        random.Random(f"{name} {block}").shuffle(titles)
        for title in titles:
            if (title, block) in done:
                continue
            variables = emulated(name, tried.get(title, {}), options.cpu_class)
            line = {
                "framework": name,
                "class": options.cpu_class,
                "candidate": title,
                "block": block,
                "variables": variables,
                "images_per_s": measure(name, variables, options),
            }
            with file.open("a") as out:
                out.write(json.dumps(line) + "\n")


def winners(
    name: str, tried: Mapping[str, Variables], found: Sequence[dict[str, Any]]
) -> Variables:
    """The variables of those whose whole interval is above 1, joined; of XLA's, all flags."""
    joined: dict[str, list[str]] = defaultdict(list)
    for title, variables in tried.items():
        of_it = ratios(found, title)
        if len(of_it) > 1 and interval(of_it)[1] > 1:
            for key, value in variables.items():
                joined[key] += [one for one in value.split() if one not in joined[key]]
    return {key: (" " if key == "XLA_FLAGS" else ":").join(of) for key, of in joined.items()}


def main() -> None:
    """Measure what is not there yet, then print what each candidate brings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frameworks", default="torch,keras,flax")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--blocks", type=int, default=4, help="of every framework")
    parser.add_argument("--threads", type=int, default=machine.most_threads())
    parser.add_argument("--class", dest="cpu_class", choices=CLASSES, default="here")
    parser.add_argument(
        "--also", action="append", default=[], help="a candidate: FRAMEWORK,TITLE,NAME=VALUE"
    )
    parser.add_argument("--only", default="", help="candidates, with commas; none: all")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.frameworks.split(","):
        chosen = options.only.split(",")
        tried = {
            title: of
            for title, of in candidates(name, options.also).items()
            if not options.only or title in chosen
        }
        blocks(name, tried, range(options.blocks), options)

        def found(name: str = name) -> list[dict[str, Any]]:
            return [
                one
                for one in kept(options.folder / "switches.jsonl")
                if (one["framework"], one["class"]) == (name, options.cpu_class)
            ]

        together = winners(name, tried, found())
        if together:
            blocks(name, {TOGETHER: together}, range(options.blocks, 2 * options.blocks), options)
        for title in dict.fromkeys(one["candidate"] for one in found()):
            values = ratios(found(), title)
            if title == PLAIN or not values:
                failed = "" if title == PLAIN else ": not measured"
                print(f"{name}, {title}{failed}")
                continue
            ratio, low, high = interval(values)
            print(f"{name}, {title}: {ratio:.3f} ({low:.3f} to {high:.3f}), {len(values)} pairs")


if __name__ == "__main__":
    main()
