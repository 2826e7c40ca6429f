"""One seed → the split, the order of every epoch and the initial weights, the same for all.

Randomness is taken from the raw 64-bit stream of PCG64, which NumPy promises never to change
(NEP 19), and not from `Generator`'s methods, which may change between versions: a seed gives the
same hashes on every machine and in every year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.contract import FIRST_SLOPE, EpochBatches, ModelSpec, Parameters, parts
from bench.workload import initialisers

Purpose = Literal["split", "epoch", "weights", "draws"]
_STREAMS: dict[Purpose, int] = {"split": 1, "epoch": 2, "weights": 3, "draws": 4}


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of a pool of images, each int64 and disjoint: training, validation, test.

    `test` is empty where the data set brings its own test images, and so is `validation`.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def stream(seed: int, purpose: Purpose, *key: int) -> np.random.PCG64:
    """Raw bits of their own for every purpose and key; see the module."""
    return np.random.PCG64(np.random.SeedSequence([seed, _STREAMS[purpose], *key]))


def _permutation(bits: np.random.PCG64, n: int) -> NDArray[np.int64]:
    return np.argsort(bits.random_raw(n), kind="stable")


def _uniform(bits: np.random.PCG64, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Uniform on [0, 1) from the upper 53 bits, the canonical conversion to doubles."""
    raw = bits.random_raw(int(np.prod(shape)))
    return np.asarray((raw >> np.uint64(11)) * 2.0**-53, dtype=np.float64).reshape(shape)


def split(
    seed: int,
    pool: int,
    train: int,
    validation: int,
    test: int,
    *,
    last: bool = False,
    in_file_order: bool = False,
) -> Split:
    """Draw disjoint rows out of `pool` images; the sizes may leave some unused.

    `last` draws nothing: training images are the first of the file, then what is unused, then those
    for validation, then those for the test. `in_file_order` sorts the training images.
    """
    if train + validation + test > pool:
        raise ValueError(f"{train} + {validation} + {test} images out of {pool}")
    if last:
        rows = np.arange(pool)
        ends = np.array([train, pool - test - validation, pool - test])
        first, _, *others = np.split(rows, ends)
        return Split(first, *others)
    rows = _permutation(stream(seed, "split"), pool)
    ends = np.cumsum([train, validation, test])
    parts = np.split(rows[: ends[-1]], ends[:-1])
    return Split(np.sort(parts[0]) if in_file_order else parts[0], *parts[1:])


def epoch_order(
    seed: int,
    epoch: int,
    images: int,
    batch_size: int,
    *,
    shuffled: bool = True,
    drop_last: bool = False,
) -> EpochBatches:
    """The order of one epoch (counted from 0) over all `images` rows of the training split.

    Not `shuffled`: the order of the rows, the same in every epoch. `drop_last` leaves out a last
    batch that is not full.
    """
    rows = np.arange(images, dtype=np.int32)
    if shuffled:
        rows = _permutation(stream(seed, "epoch", epoch), images).astype(np.int32)
    full = images - images % batch_size
    return EpochBatches(
        rows[:full].reshape(-1, batch_size), rows[full : full if drop_last else images]
    )


def pieces(whole: EpochBatches, steps: int | None) -> list[EpochBatches]:
    """An epoch cut after every so many steps; None: as it is.

    The last, smaller batch stays with the full ones before it, so that no piece is without any.
    """
    if steps is None or len(whole.batches) <= steps:
        return [whole]
    cut = np.split(whole.batches, range(steps, len(whole.batches), steps))
    empty = whole.remainder[:0]
    return [
        *(EpochBatches(part, empty) for part in cut[:-1]),
        EpochBatches(cut[-1], whole.remainder),
    ]


def initial_parameters(
    seed: int,
    model: ModelSpec,
    kernel: str = initialisers.PYTORCH,
    bias: str = initialisers.PYTORCH,
) -> dict[str, NDArray[np.float32]]:
    """Initial weights, by names of `initialisers`; by default PyTorch's distributions.

    Whatever the names, the same uniform numbers are drawn in the same order: another bias leaves
    every kernel as it was, bit for bit. So does another activation: slopes are not drawn.
    """
    bits = stream(seed, "weights")
    parameters: dict[str, NDArray[np.float32]] = {}
    for layer in model.weighted_layers:
        drawn = _uniform(bits, layer.kernel_shape)
        parameters[f"{layer.name}/kernel"] = initialisers.kernel(kernel, layer, drawn)
        drawn = _uniform(bits, layer.bias_shape)
        parameters[f"{layer.name}/bias"] = initialisers.bias(bias, layer, drawn)
        if "slope" in (shapes := parts(layer)):
            parameters[f"{layer.name}/slope"] = np.full(shapes["slope"], FIRST_SLOPE, np.float32)
    return parameters


def split_sha256(parts: Split) -> str:
    """Hash of which image is in which part, and in which place."""
    return _sha256((parts.train, parts.validation, parts.test), "<i8")


def order_sha256(orders: Iterable[EpochBatches]) -> str:
    """Hash of every batch of every epoch."""
    return _sha256((part for order in orders for part in (order.batches, order.remainder)), "<i4")


def parameters_sha256(parameters: Parameters) -> str:
    """Hash of the canonical parameters, in order."""
    return _sha256(parameters.values(), "<f4")


def _sha256(arrays: Iterable[NDArray[np.generic]], dtype: str) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=dtype).tobytes())
    return digest.hexdigest()
