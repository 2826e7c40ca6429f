"""Every statistic on a grid of samples, to six digits: what it gives is not changed by accident.

Whether these figures are right is for the other tests; here they stay the same.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np

from bench import stats
from bench.stats import censored, effects, intervals, ranking, signed_rank, two_samples
from tests.golden_texts import assert_golden

GOLDEN = Path(__file__).parent / "golden" / "statistics.txt"
SAMPLES: dict[str, list[float]] = {
    "one": [3.0],
    "two": [1.0, 4.0],
    "three": [2.0, 2.5, 8.0],
    "alike": [5.0] * 7,
    "ties": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 9.0],
    "six": [1.1, 0.7, 1.9, 1.3, 0.2, 2.4],
    "twelve": [round(1 + 0.3 * math.sin(3 * n), 3) for n in range(12)],
    "outlier": [1.0, 1.01, 0.99, 1.02, 0.98, 1.0, 7.0],
    "forty": [round(2 + math.cos(5 * n) + n / 50, 3) for n in range(40)],
    "sixty": [round(3 + math.sin(7 * n) - n / 99, 3) for n in range(60)],
}
LEVELS = (0.5, 0.95, 0.99)


def told(call: Any, *given: Any, **named: Any) -> str:
    try:
        return written(call(*given, **named))
    except (ValueError, ZeroDivisionError) as error:
        return f"{type(error).__name__}: {error}"


def written(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        more = {}
        if isinstance(value, intervals.Interval):
            more = {"relative_half_width": value.relative_half_width}
        fields = {**asdict(value), **more}
        return " ".join(f"{name}={written(one)}" for name, one in fields.items())
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}".replace("-0", "0") if value == 0 else f"{float(value):.6g}"
    if isinstance(value, dict):
        return written(list(value.values()))
    if isinstance(value, list | tuple | np.ndarray):
        return f"({', '.join(map(written, value))})"
    return str(value)


def of_one_sample() -> Iterator[str]:
    singles = (
        *("median_interval", "centre_interval", "prediction_interval", "hodges_lehmann"),
        *("coefficient_of_variation", "outliers", "hodges_lehmann_p", "signed_rank_p"),
    )
    for name, (of, sample) in product(singles, SAMPLES.items()):
        call = getattr(intervals, name, None) or getattr(signed_rank, name)
        differing = [value - 2 for value in sample]  # of both signs, some of them 0
        for level in LEVELS if "level" in inspect.signature(call).parameters else (None,):
            named = {} if level is None else {"level": level}
            for what, values in ((of, sample), (f"{of} - 2", differing)):
                yield f"{name} {what} {level or ''}: {told(call, values, **named)}"


def of_two_samples() -> Iterator[str]:
    pairs = ("paired_ratio", "paired_difference", "unpaired_ratio", "unpaired_difference")
    for name, (one, a), (other, b) in product(pairs, SAMPLES.items(), SAMPLES.items()):
        if "unpaired" not in name and len(a) != len(b):
            continue
        b = b if one != other else [value * 1.1 for value in reversed(b)]
        for comparisons in (1, 6):
            found = told(getattr(effects, name), a, b, comparisons=comparisons)
            yield f"{name} {one} {other} {comparisons}: {found}"
    for first, second, comparisons in product((1, 3, 5, 8), (1, 3, 4, 9), (1, 10)):
        given = f"{first} {second} {comparisons}"
        can = two_samples.can_tell(first, second, comparisons=comparisons)
        yield f"can_tell {given}: {can}"


def of_counts() -> Iterator[str]:
    for comparisons, level in product((1, 2, 3, 6, 10, 45), LEVELS):
        pairs_needed = signed_rank.decisive_pairs(comparisons, level=level)
        yield f"decisive_pairs {comparisons} {level}: {pairs_needed}"
    for successes, trials, level in product((0, 1, 5, 30), (1, 5, 30), LEVELS):
        found = told(intervals.wilson_interval, successes, trials, level=level)
        yield f"wilson_interval {successes} {trials} {level}: {found}"
    for half in ((0.0, 0.0, 0.0), (0.0, -1.0, 1.0), (2.0, 1.5, 2.5)):
        width = intervals.Interval(*half, 0.95, "t").relative_half_width
        yield f"relative_half_width {half}: {written(width)}"


def of_several() -> Iterator[str]:
    several = ([0.01], [0.01, 0.04, 0.03], [0.05, 0.05], [1.0, 0.2, 0.001, 0.001])
    for p_values in several:
        yield f"holm {p_values}: {written(ranking.holm(p_values))}"
        yield f"holm_divisors {p_values}: {written(ranking.holm_divisors(p_values))}"
    for reached, missed in product(([], [2.0], [2.0, 5.0, 3.0]), ([], [4.0], [4.0, 1.0])):
        for call in (censored.censored_median, censored.restricted_mean):
            yield f"{call.__name__} {reached} {missed}: {told(call, reached, missed)}"


def test_every_statistic() -> None:
    assert set(stats.__dict__) >= {"median_interval", "paired_ratio", "holm"}
    lines = chain(of_one_sample(), of_two_samples(), of_counts(), of_several())
    assert_golden(GOLDEN, "".join(f"{line}\n" for line in lines))
