"""Networks made to show what a framework gathers, how precisely it multiplies, on how many CPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.choices import Device
from bench.contract import (
    Adapter,
    Conv,
    Dense,
    EpochBatches,
    Flatten,
    Indices,
    ModelSpec,
    OptimizerSpec,
    blank_epoch,
    compile_for,
)
from bench.errors import NotSupportedError
from bench.system.clocks import Clocks
from bench.verification.oracle import Oracle
from bench.workload import order

SIDE, BATCH, CLASSES, RATE = 12, 32, 10, 0.2
RECOGNISED = 1e-3  # of the change that an image makes in one step; two steps' differ by over 1e-2
NOWHERE = -1

SGD = OptimizerSpec("sgd")


class Gathered(NamedTuple):
    """What an epoch was told to gather, and what it did, by what it did to the weights.

    told, got  the hash over each step's images, which a step may take in any order
    misplaced  images not trained on in their step alone
    where      the first of them
    """

    told: str
    got: str
    misplaced: int
    where: str


def gathered(
    adapter: Adapter, oracle: Oracle, device: Device, threads: int, seed: int
) -> Iterator[Gathered]:
    """Train two epochs on images that leave a mark of their own, and read the marks.

    Image i is 0 but for its pixel i, and the network one dense layer: row i of its kernel changes
    in the steps that image i takes part in, and in no other. All images have the same label, so
    that the bias, and with it the size of the change, goes one way: the size tells the step.
    """
    pixels = SIDE * SIDE
    layers = (Flatten(SIDE, SIDE, 1), Dense("dense", pixels, CLASSES, "none"))
    model = ModelSpec("marks", (SIDE, SIDE, 1), CLASSES, layers)
    images = np.eye(pixels, dtype=np.float32).reshape(pixels, SIDE, SIDE, 1)
    labels = np.zeros(pixels, np.int32)
    zeros = {path: np.zeros(shape, np.float32) for path, shape in model.parameter_shapes().items()}
    for each in (oracle, adapter):
        each.build(model, zeros, SGD, device if each is adapter else "cpu", threads)
        each.load(images, labels)
    full, remainder = divmod(pixels, BATCH)
    with suppress(NotSupportedError):  # what is gathered does not depend on it
        compile_for(adapter, blank_epoch(model, full, BATCH, remainder))
    for epoch in range(2):
        told = order.epoch_order(seed, epoch, pixels, BATCH)
        weights = adapter.export()
        before = weights["dense/kernel"]
        oracle.follow(weights)  # what went wrong before is not to be told again
        marks = _marks(oracle, told, before)
        adapter.train_epoch(told, RATE)
        change = adapter.export()["dense/kernel"][:, 0].astype(np.float64) - before[:, 0]
        yield _compare(told, _steps_of(change, marks), epoch)


def _marks(oracle: Oracle, told: EpochBatches, kernel: NDArray[np.float32]) -> NDArray[np.float64]:
    """How much image i would change its element of the kernel in each step, (pixels, steps).

    The gradient of softmax cross-entropy at the label's logit is p − 1, a batch's mean a part of
    it; p follows from the row of the kernel and the bias before the step.
    """
    marks = np.empty((len(kernel), told.steps))
    for step, rows in enumerate(_batches(told)):
        logits = kernel.astype(np.float64) + oracle.export64()["dense/bias"]
        p = np.exp(logits[:, 0]) / np.exp(logits).sum(axis=1)
        marks[:, step] = RATE * (1 - p) / len(rows)
        oracle.train_epoch64(EpochBatches(rows[np.newaxis], np.empty(0, np.int32)), RATE)
    return marks


def _steps_of(change: NDArray[np.float64], marks: NDArray[np.float64]) -> list[tuple[int, ...]]:
    """The steps that each image took part in; NOWHERE among them for a mark that none explains."""
    found: list[tuple[int, ...]] = []
    for own, mark in zip(change, marks, strict=True):
        if abs(own) < RECOGNISED * mark.min():
            found.append(())
            continue
        once = np.abs(own - mark) < RECOGNISED * mark
        twice = np.abs(own - mark[:, None] - mark[None, :]) < RECOGNISED * mark.max()
        if once.any():
            found.append((int(once.argmax()),))
        elif twice.any():
            first, second = np.argwhere(twice)[0]
            found.append((int(first), int(second)))
        else:
            found.append((NOWHERE,))
    return found


def _compare(told: EpochBatches, found: list[tuple[int, ...]], epoch: int) -> Gathered:
    expected: list[tuple[int, ...]] = [()] * len(found)
    for step, rows in enumerate(_batches(told)):
        for row in rows:
            expected[row] = (step,)
    misplaced = [i for i, steps in enumerate(found) if steps != expected[i]]
    where = ""
    if misplaced:
        first = misplaced[0]
        steps = ", ".join("unknown" if s == NOWHERE else str(s + 1) for s in found[first])
        where = (
            f"epoch {epoch + 1}: image {first} ordered for step {expected[first][0] + 1}, "
            f"gathered in {f'step {steps}' if steps else 'none'}"
        )
    return Gathered(_sha256(expected, told), _sha256(found, told), len(misplaced), where)


def _sha256(steps_of: list[tuple[int, ...]], told: EpochBatches) -> str:
    """As the hash of an order whose batches are sorted."""
    batches: list[list[int]] = [[] for _ in range(told.steps)]
    for image, steps in enumerate(steps_of):
        for step in steps:
            if step != NOWHERE:
                batches[step].append(image)
    none = np.empty(0, np.int32)
    return order.order_sha256(EpochBatches(np.array([batch], np.int32), none) for batch in batches)


def _batches(told: EpochBatches) -> list[Indices]:
    return [*told.batches, *([told.remainder] if told.remainder.size else [])]


def single_layers() -> tuple[ModelSpec, ModelSpec]:
    """A network of one convolution and one of one dense layer, without activation."""
    conv = (Conv("conv", (5, 5), 6, 16, "none"), Flatten(4, 4, 16))
    dense = (Flatten(8, 8, 6), Dense("dense", 384, 64, "none"))
    return (
        ModelSpec("convolution", (8, 8, 6), 256, conv),
        ModelSpec("dense", (8, 8, 6), 64, dense),
    )


def busy_cpus(
    adapter: Adapter, epoch: EpochBatches, rate: float, clocks: Clocks, watch_s: float = 0.5
) -> float:
    """CPU seconds over wall seconds while the adapter trains, for at least `watch_s` seconds.

    An epoch goes before: compilers have threads of their own, and what they do is not training.
    Neither is what the calling thread does where it only dispatches (`dispatches_ahead`), which
    adapters of elsewhere may not say.
    """
    dispatches_ahead = getattr(adapter, "dispatches_ahead", False)

    def computing_s() -> float:
        return clocks.cpu() - (clocks.caller() if dispatches_ahead else 0.0)

    adapter.train_epoch(epoch, rate)
    adapter.synchronize()
    wall, cpu = clocks.wall(), computing_s()
    while (elapsed := clocks.wall() - wall) < watch_s:
        adapter.train_epoch(epoch, rate)
        adapter.synchronize()
    return (computing_s() - cpu) / elapsed
