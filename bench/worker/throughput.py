"""Measures throughput: steps of full batches in windows, after warm-up, the device idle at edges.

The windows go on training from where the adapter stands, at the plan's learning rate, on batches
of further epochs; the weights that come of it are not used.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

import numpy as np

from bench.choices import Device
from bench.contract import Adapter, EpochBatches, Indices, Matrix, compile_for, factor
from bench.errors import NotSupportedError
from bench.system.clocks import Clocks
from bench.system.contention import Taken, total
from bench.workload import flops

CALIBRATION_STEPS = 4
CALIBRATION_S = 0.05  # long enough for a clock and a scheduler
MOST_STEPS = 4096
MOST_WINDOWS = 4  # times the windows that are wanted, before it is given up on a steady state
MOST_RECALIBRATIONS = 3
DRIFT = 0.02  # by which two halves may differ whatever their noise
STANDARD_ERRORS = 3.0
NO_REMAINDER = np.empty(0, np.int32)
# Sizes whose product is bound by arithmetic, and takes some hundredths of a second at most.
MATRIX_SIZES: dict[Device, int] = {"cpu": 1024, "gpu": 4096}
MATRIX_S, MATRIX_TRIES = 0.1, 5
CHECKED_PRODUCTS = 3
# As a part of three products: float32 is off by 1e-6, TF32 by 4e-4, one product too many by 1.
PRODUCT_OFF = 5e-5

Sent = Callable[[int, float], None]  # the number of a window, from 1, and its images per second
Draw = Callable[
    [int, EpochBatches], EpochBatches
]  # (how many steps were before, batches) → those with draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """What others took of the windows; the fields are those of a record."""

    measured_windows: int
    clean_windows: int | None
    disturbed: bool | None
    others_share: float | None
    stolen_share: float | None
    waited_share: float | None
    throttled_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput(Disturbance):
    """What the windows of one process showed; the fields are those of a record."""

    images_per_s: float
    windows_s: list[float]
    window_steps: int
    warm_up_windows: int
    warm_up_s: float
    compiling_windows: int | None
    steady: bool
    busy_threads: float
    energy_j: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """Wall and CPU seconds, joules before and after, what others took, whether it compiled.

    compiled  None where the adapter cannot tell
    """

    wall_s: float
    cpu_s: float
    energy_j: tuple[float | None, float | None]
    taken: Taken
    compiled: bool | None


def throughput(
    adapter: Adapter,
    orders: Iterable[EpochBatches],
    learning_rate: float,
    clocks: Clocks,
    *,
    wanted: int,
    window_s: float,
    tell: Sent,
    draw: Draw = lambda first, batches: batches,
    most_steps: int | None = None,
) -> Throughput:
    """Windows of about `window_s` seconds until the last `wanted` clean ones are steady.

    A window is clean unless others are known to have disturbed it. `orders` are those of epochs,
    one after the other, as many as are asked for; each must hold a full batch. Up to four times
    `wanted` windows are tried; where no `wanted` in a row are steady among them, the last ones
    count, and `steady` is False. It is `disturbed` where not even half of `wanted` are clean, when
    the last ones count whatever took from them, and where a little was taken all the time. A window
    has `most_steps` at most; what is random in its steps is drawn before it.
    """
    batches = _Batches(orders, draw)
    batch_size = len(next(batches.rows))
    most = min(MOST_STEPS, most_steps or MOST_STEPS)
    steps = _calibrated(adapter, batches, learning_rate, clocks, window_s, most)
    windows: list[Window] = []  # in which nothing was compiled
    short: list[Window] = []  # of too few steps
    compiling, recalibrations_left = 0, min(MOST_RECALIBRATIONS, wanted)
    tries = MOST_WINDOWS * wanted
    for number in range(1, tries + 1):
        window = timed_window(adapter, batches.take(steps), learning_rate, clocks)
        tell(number, steps * batch_size / window.wall_s)
        if window.compiled:
            compiling += 1
            continue
        windows.append(window)
        can_begin_anew = steps < most and recalibrations_left > 0 and number + wanted <= tries
        if window.wall_s < window_s / 2 and can_begin_anew:
            # Something had slowed it down when the steps were counted.
            recalibrations_left -= 1
            again = _calibrated(adapter, batches, learning_rate, clocks, window_s, most)
            if again > steps:
                steps, short, windows = again, [*short, *windows], []
        last = [windows[place].wall_s for place in _clean(windows)][-wanted:]
        if len(last) == wanted and is_steady(last):
            break
    if not windows:
        raise RuntimeError(f"something was compiled in each of {compiling} windows")
    clean = _clean(windows)
    few = len(clean) < math.ceil(wanted / 2)
    first = (range(len(windows)) if few else clean)[-wanted:][0]
    kept = windows[first:] if few else [windows[place] for place in clean if place >= first]
    before = [*short, *windows[:first]]
    return Throughput(
        images_per_s=steps * batch_size / statistics.median(one.wall_s for one in kept),
        windows_s=[one.wall_s for one in kept],
        window_steps=steps,
        warm_up_windows=len(before),
        warm_up_s=sum(one.wall_s for one in before),
        compiling_windows=None if kept[-1].compiled is None else compiling,
        steady=is_steady([one.wall_s for one in kept]),
        busy_threads=sum(one.cpu_s for one in kept) / sum(one.wall_s for one in kept),
        energy_j=_energy(kept),
        **asdict(_disturbance(windows, [windows[place] for place in clean], few=few)),
    )


def _clean(windows: Sequence[Window]) -> list[int]:
    """The places of those that nobody disturbed; where nothing is known of any, all of them."""
    told = [window.taken.is_disturbed for window in windows]
    if not _known(told):
        return list(range(len(windows)))
    return [place for place, is_disturbed in enumerate(told) if is_disturbed is False]


def _known(told: Iterable[bool | None]) -> bool:
    return any(one is not None for one in told)


def _disturbance(windows: Sequence[Window], clean: Sequence[Window], *, few: bool) -> Disturbance:
    """What others took; too much where few are clean, and where a little was taken all the time."""
    taken = total([one.taken for one in windows])
    known = _known(one.taken.is_disturbed for one in windows)
    disturbed = few or bool(total([one.taken for one in clean]).is_disturbed)
    return Disturbance(
        measured_windows=len(windows),
        clean_windows=len(clean) if known else None,
        disturbed=disturbed if known else None,
        others_share=taken.others,
        stolen_share=taken.stolen,
        waited_share=taken.waited,
        throttled_share=taken.throttled,
    )


def is_steady(seconds: Sequence[float]) -> bool:
    """Whether the halves of the windows agree: by 2 %, or by what their noise leaves open.

    Medians of the logarithms are compared. Their standard error is that of medians of a normal
    distribution, √(π/2) · s · √(1/n + 1/m), with s from the median absolute deviation about each
    half's own median: P. J. Rousseeuw, C. Croux, "Alternatives to the median absolute deviation",
    J. Am. Stat. Assoc. 88 (1993). Fewer than four windows are never steady.
    """
    if len(seconds) < 4:
        return False
    logs = np.log(seconds)
    halves = logs[: len(logs) // 2], logs[len(logs) // 2 :]
    medians = [np.median(half) for half in halves]
    residuals = np.concatenate([half - m for half, m in zip(halves, medians, strict=True)])
    spread = 1.4826 * np.median(np.abs(residuals))
    error = np.sqrt(np.pi / 2 * sum(1 / len(half) for half in halves)) * spread
    return bool(abs(medians[1] - medians[0]) <= max(DRIFT, STANDARD_ERRORS * error))


def matrix_gflop_per_s(adapter: Adapter, device: Device, clocks: Clocks, window_s: float) -> float:
    """The best rate, in 10⁹ operations a second, of the adapter's own product of matrices.

    Each of its tries takes MATRIX_S at least, or as long as a window of throughput if that is
    shorter. A call brings the matrix to the device and a product back, which calls without a
    product time by themselves.

    Raises:
        NotSupportedError: it cannot multiply, or what comes back is not the product.
    """
    least_s = min(MATRIX_S, window_s)
    size = MATRIX_SIZES[device]
    matrix = factor(size)

    def seconds(times: int) -> float:
        start = clocks.wall()
        adapter.multiply(matrix, times)
        return clocks.wall() - start

    # Compiles and wakes the threads, too.
    check_product(matrix, adapter.multiply(matrix, CHECKED_PRODUCTS), CHECKED_PRODUCTS)
    times = 1
    while (took_s := seconds(times)) < least_s and times < MOST_STEPS:
        times *= 2
    best_s = min(took_s, *(seconds(times) for _ in range(MATRIX_TRIES)))
    best_s -= min(seconds(0) for _ in range(MATRIX_TRIES))
    if best_s <= 0:
        raise NotSupportedError(f"{times} products of matrices took no longer than none")
    return times * flops.matrix_product(size) / best_s / 1e9


def check_product(matrix: Matrix, product: Matrix, times: int) -> None:
    """NotSupportedError unless it is matrix^(times + 1), (n, n), in float32.

    Both are held against each other by what they make of a vector, in float64: R. Freivalds,
    "Fast probabilistic algorithms", MFCS 1979. That is n² operations, where the product is n³.
    """
    if product.shape != matrix.shape:
        raise NotSupportedError(f"its product of matrices has the shape {product.shape}")
    vector = np.random.default_rng(1).standard_normal(len(matrix))
    expected = vector
    for _ in range(times + 1):
        expected = matrix.astype(np.float64) @ expected
    error = np.linalg.norm(product.astype(np.float64) @ vector - expected)
    off = float(error / np.linalg.norm(expected))
    if not math.isfinite(off) or off > PRODUCT_OFF:
        raise NotSupportedError(
            f"its product of matrices is off by {off:.1e} of its size, and {PRODUCT_OFF:.0e} is "
            "allowed"
        )


class _Batches:
    """The full batches of one epoch after the other, taken as many at a time as are wanted."""

    def __init__(self, orders: Iterable[EpochBatches], draw: Draw) -> None:
        self.rows: Iterator[Indices] = itertools.chain.from_iterable(o.batches for o in orders)
        self._draw = draw
        self._taken = 0

    def take(self, steps: int) -> EpochBatches:
        """The next ones, with their draws."""
        rows = np.stack(list(itertools.islice(self.rows, steps)))
        self._taken += steps
        return self._draw(self._taken - steps, EpochBatches(rows, NO_REMAINDER))


def _calibrated(
    adapter: Adapter,
    batches: _Batches,
    learning_rate: float,
    clocks: Clocks,
    window_s: float,
    most: int,
) -> int:
    """How many steps take about as long as a window shall; they are compiled for already."""
    steps = min(CALIBRATION_STEPS, most)
    while True:
        order = batches.take(steps)
        _compile(adapter, order, steps)
        took_s = timed_window(adapter, order, learning_rate, clocks).wall_s
        if took_s >= min(CALIBRATION_S, window_s) or steps >= most:
            break
        steps = min(4 * steps, most)
    steps = min(max(round(window_s * steps / max(took_s, 1e-9)), 1), most)
    _compile(adapter, order, steps)
    return steps


def _compile(adapter: Adapter, like: EpochBatches, steps: int) -> None:
    """For so many full batches of this shape; where it cannot be done, the first window pays."""
    rows = np.zeros((steps, like.batches.shape[1]), np.int32)
    draws = tuple(np.zeros((steps, *draw.shape[1:]), draw.dtype) for draw in like.draws)
    with suppress(NotSupportedError):
        compile_for(adapter, EpochBatches(rows, NO_REMAINDER, draws))


def _compiled_since(adapter: Adapter) -> bool | None:
    """Whether anything was compiled since this was asked last; None where nobody can tell."""
    try:
        return adapter.compiled_since()
    except NotSupportedError:
        return None


def timed_window(
    adapter: Adapter, order: EpochBatches, learning_rate: float, clocks: Clocks
) -> Window:
    """The steps of `order`, from an idle device to an idle device."""
    _compiled_since(adapter)
    adapter.synchronize()
    taken = clocks.watch()
    energy_j, cpu_s, wall_s = clocks.energy(), clocks.cpu(), clocks.wall()
    adapter.train_epoch(order, learning_rate)
    adapter.synchronize()
    wall_s, cpu_s = clocks.wall() - wall_s, clocks.cpu() - cpu_s
    return Window(
        wall_s,
        cpu_s,
        (energy_j, clocks.energy()),
        taken(),
        compiled=_compiled_since(adapter),
    )


def _energy(windows: Sequence[Window]) -> float | None:
    """Joules of all windows together, the moments between them left out; None if any is unknown."""
    total = 0.0
    for before, after in (window.energy_j for window in windows):
        if before is None or after is None:
            return None
        total += after - before
    return total
