"""The random numbers of every training step, drawn once for all frameworks.

Each random layer has a stream of PCG64's raw bits for every epoch of a seed, see
`bench.workload.order`, and each step its own place in it. So a step's numbers depend on seed,
epoch, place of the layer, batch size and step, and not on where an epoch is cut, begins or goes on.

    mask   32 bits an element: kept where they are at least rate · 2³²
    slope  16 bits: the middles of 65,536 equal parts of the interval; their mean is 11/48
    noise  16 bits: the quantiles of the normal distribution at such middles, up to 4.3 standard
           deviations away, scaled to a variance of exactly `level`²

16 bits are a choice of speed: with 32, drawing would take twice as long, and the distributions are
so near the continuous ones that no training could tell.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contract import RRELU_HIGHEST, RRELU_LOWEST, Drawn, EpochBatches, ModelSpec
from bench.workload import order

MOST_BYTES = 64 * 2**20  # of the draws that are held at a time
LEVELS = 2**16


def drawn(
    model: ModelSpec, seed: int, epoch: int, first: int, batches: EpochBatches
) -> EpochBatches:
    """The order, a stretch of an epoch that begins at step `first`, with its draws.

    Steps and epochs count from 0. As it is where nothing in the network is random.
    """
    if not model.drawn:
        return batches
    steps, batch_size = batches.batches.shape
    full: list[NDArray[Any]] = []
    rest: list[NDArray[Any]] = []
    for place, one in enumerate(model.drawn):
        words = -(-batch_size * math.prod(one.shape) * _bits(one) // 64)  # of a full batch
        stream = order.stream(seed, "draws", epoch, place)
        stream.advance(first * words)
        raw = stream.random_raw(steps * words).reshape(steps, words)
        full.append(_values(one, raw, batch_size))
        if batches.remainder.size:
            rest.append(_values(one, stream.random_raw((1, words)), batches.remainder.size)[0])
    return EpochBatches(batches.batches, batches.remainder, tuple(full), tuple(rest))


def most_steps(model: ModelSpec, batch_size: int, most_bytes: int = MOST_BYTES) -> int | None:
    """How many steps' draws are held at a time, at least one; None where there are none."""
    of_image = sum(math.prod(one.shape) * np.dtype(one.dtype).itemsize for one in model.drawn)
    return max(1, most_bytes // (of_image * batch_size)) if of_image else None


def first_steps_sha256(model: ModelSpec, seed: int, orders: Iterable[EpochBatches]) -> str | None:
    """Hash of the draws of the first step of every epoch; None where nothing is random."""
    if not model.drawn:
        return None
    digest = hashlib.sha256()
    for epoch, whole in enumerate(orders):
        opening = EpochBatches(whole.batches[:1], whole.remainder[:0])
        for draw in drawn(model, seed, epoch, 0, opening).draws:
            digest.update(repr(draw.shape).encode())
            digest.update(np.ascontiguousarray(draw, draw.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _bits(one: Drawn) -> int:
    """Random bits for each element."""
    return 32 if one.kind == "mask" else 16


def _values(one: Drawn, raw: NDArray[np.uint64], images: int) -> NDArray[Any]:
    """Raw bits (steps, words) → (steps, images, *shape); the last bits of a row may be left."""
    count = images * math.prod(one.shape)
    bits = raw.astype("<u8", copy=False).view(f"<u{_bits(one) // 8}")[:, :count]
    shape = (len(raw), images, *one.shape)
    if one.kind == "mask":
        threshold = min(round(one.level * 2**32), 2**32 - 1)
        return np.asarray(bits >= np.uint32(threshold)).reshape(shape)
    table = _slopes() if one.kind == "slope" else _noise(one.level)
    return np.asarray(table[bits]).reshape(shape)


@lru_cache(maxsize=1)
def _slopes() -> NDArray[np.float32]:
    middles = (np.arange(LEVELS) + 0.5) / LEVELS
    return np.asarray(RRELU_LOWEST + (RRELU_HIGHEST - RRELU_LOWEST) * middles, np.float32)


@lru_cache(maxsize=4)
def _noise(std: float) -> NDArray[np.float32]:
    from scipy.special import ndtri  # not at the top: most cells need no SciPy in their memory

    quantiles = ndtri((np.arange(LEVELS) + 0.5) / LEVELS)
    return np.asarray(std * quantiles / quantiles.std(), np.float32)
