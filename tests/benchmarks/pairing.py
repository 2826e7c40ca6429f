"""Two windows in turns, A B B A, so that whatever slows the machine slows both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture


@dataclass
class Opponent:
    """Runs before even rounds and after odd ones; between, pytest-benchmark runs the other.

    `setup` and `teardown` are for `benchmark.pedantic`; `seconds` is one entry a round.
    """

    window: Callable[[], object]
    seconds: list[float] = field(default_factory=list)
    _round: int = 0

    def setup(self) -> None:
        if self._round % 2 == 0:
            self._run()

    def teardown(self) -> None:
        if self._round % 2 == 1:
            self._run()
        self._round += 1

    def _run(self) -> None:
        start = time.perf_counter()
        self.window()
        self.seconds.append(time.perf_counter() - start)


def against(
    benchmark: BenchmarkFixture,
    window: Callable[[], object],
    other: Callable[[], object],
    rounds: int,
    **about: object,
) -> tuple[float, float, float]:
    """Time both in turns; the first one's speed as a part of the other's, with its interval.

    `about` is kept with the ratio in what pytest-benchmark writes.
    """
    opponent = Opponent(other)
    benchmark.pedantic(
        window, setup=opponent.setup, teardown=lambda *_: opponent.teardown(), rounds=rounds
    )
    ratio, low, high = speed_ratio(list(benchmark.stats.stats.data), opponent.seconds)
    benchmark.extra_info.update(about, ratio=ratio, low=low, high=high)
    return ratio, low, high


def speed_ratio(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """exp(median of log(theirs / ours)) of paired seconds, and its 95 % bootstrap interval."""
    logs = np.log(theirs) - np.log(ours)
    # A round and the next are B A, A B: their mean is free of a drift that is even over both.
    pairs = logs[: len(logs) // 2 * 2].reshape(-1, 2).mean(axis=1)
    draws = np.random.default_rng(0).choice(pairs, (2000, len(pairs)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return float(np.exp(np.median(pairs))), float(np.exp(low)), float(np.exp(high))
