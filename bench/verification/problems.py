"""What adapters are examined on: real images, networks, optimizers and their steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.choices import Device
from bench.contract import (
    Adapter,
    Conv,
    Dense,
    Draws,
    EpochBatches,
    Flatten,
    Images,
    Indices,
    Labels,
    ModelSpec,
    OptimizerSpec,
)
from bench.verification.oracle import Oracle
from bench.workload import normalisation, order, random_inputs
from bench.workload.datasets.digits import DIGITS
from bench.workload.datasets.fitting import bring

TRAINING_IMAGES = 1400  # of the 1,797 digits; the others are the evaluation set
BATCH = 32
REMAINDER = 13
STEPS = 20
PASSES = 4  # through the images with new random numbers, for each time that a batch needs all
PASS = 10_000  # from the draw of one pass to that of the next
CLEAR = 1e-6  # of a layer's largest value: what sums in float32 can be wrong by

# RMSprop's first step is 1/√(1 − α) = 10 learning rates long, with momentum up to 100: at Adam's
# rates, training explodes and takes every rounding error with it.
RATES = {"sgd": 0.05, "rmsprop": 3e-5, "adam": 1e-3, "adamw": 1e-3}


def learning_rate(spec: OptimizerSpec) -> float:
    """A rate at which the optimizer trains, and does not explode, whatever its momentum."""
    rate = RATES[spec.name] * min(1.0, 10 * (1 - spec.momentum))
    return rate / 3 if spec.name == "rmsprop" and spec.momentum else rate


@dataclass(frozen=True)
class Problem:
    """A network with its initial parameters, a training set and an evaluation set; all read-only.

    Images are float32 (N, H, W, C), labels int32 (N,); the first TRAINING_IMAGES are for training.
    """

    model: ModelSpec
    parameters: dict[str, NDArray[np.float32]]
    images: Images
    labels: Labels
    seed: int

    def start(
        self,
        adapter: Adapter,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
        loaded: int = TRAINING_IMAGES,
    ) -> None:
        """Build the network in the adapter and load the training set, repeated to `loaded` images.

        Row i of it is row i % TRAINING_IMAGES of what is there once.
        """
        adapter.build(self.model, self.parameters, optimizer, device, threads)
        images = np.resize(self.images[:TRAINING_IMAGES], (loaded, *self.images.shape[1:]))
        adapter.load(images, np.resize(self.labels[:TRAINING_IMAGES], loaded))

    @property
    def evaluation(self) -> tuple[Images, Labels]:
        """What is not trained on."""
        return self.images[TRAINING_IMAGES:], self.labels[TRAINING_IMAGES:]

    def rows(self, draw: int, count: int) -> Indices:
        """Distinct rows of the training set, int32 (count,)."""
        shuffled = order.epoch_order(self.seed, draw, TRAINING_IMAGES, count).batches
        return np.asarray(shuffled[0])

    def clear_rows(
        self, oracle: Oracle, draw: int, count: int, loaded: int = TRAINING_IMAGES
    ) -> tuple[Indices, Draws]:
        """Rows of images that float32 cannot tip over a kink at the oracle's weights, (count,).

        Where a ReLU's input is 0, or a pooling window has two maxima, but for rounding, one correct
        program takes the one gradient and another the other. With the draws that the images have
        had then, as a batch's (count, *shape). The rows are of a training set of `loaded` images,
        from all over it; an image comes a second time where no other is clear.
        """
        found: list[Indices] = []
        with_them: list[Draws] = []
        passes = PASSES * math.ceil(count / TRAINING_IMAGES) if self.model.drawn else 1
        for number, some in self._candidates(draw, passes):
            step = epoch_of([(some, ())], len(some))
            whole = random_inputs.drawn(self.model, self.seed, draw, number, step)
            own = tuple(array[0] for array in whole.draws)
            clear = oracle.margins64(some, own) > CLEAR
            found.append(some[clear])
            with_them.append(tuple(array[clear] for array in own))
            if sum(map(len, found)) >= count:
                break
        rows = np.concatenate(found)[:count]
        if len(rows) < count and (self.model.drawn or not rows.size):
            raise RuntimeError(f"fewer than {count} images are clear of kinks")
        random = np.random.default_rng((self.seed, draw, count))
        rows = np.concatenate([rows, random.choice(rows, count - len(rows))])
        # Of an image's copies one: those before the last have it all, the last may be cut short.
        copies = (loaded - 1 - rows) // TRAINING_IMAGES + 1
        rows = rows + TRAINING_IMAGES * random.integers(copies)
        draws = tuple(np.concatenate(each)[:count] for each in zip(*with_them, strict=True))
        return rows.astype(np.int32), draws

    def _candidates(self, draw: int, passes: int) -> Iterator[tuple[int, Indices]]:
        """All rows in a random order, some at a time, each with its number; so many times."""
        number = 0
        for once in range(passes):
            rows = self.rows(draw + PASS * once, TRAINING_IMAGES)
            for start in range(0, TRAINING_IMAGES, 2 * BATCH):
                yield number, rows[start : start + 2 * BATCH]
                number += 1

    def order(self, draw: int, steps: int, remainder: int = 0) -> EpochBatches:
        """`steps` full batches and a remainder, of distinct images; with draws, if any."""
        rows = self.rows(draw, steps * BATCH + remainder)
        full = steps * BATCH
        plain = EpochBatches(rows[:full].reshape(-1, BATCH), rows[full:])
        return random_inputs.drawn(self.model, self.seed, draw, 0, plain)


@dataclass(frozen=True, slots=True)
class Stage:
    """One call of `train_epoch`, and how many steps have been taken after it."""

    order: EpochBatches
    learning_rate: float
    steps_after: int


def schedule(problem: Problem, rate: float) -> list[Stage]:
    """1, then 4, then 15 steps; the learning rate falls, then rises; the last batches are partial.

    A learning rate kept inside a momentum buffer agrees until the first change and not after.
    """
    return [
        Stage(problem.order(1, 1), rate, 1),
        Stage(problem.order(2, 3, REMAINDER), rate / 10, 5),
        Stage(problem.order(3, 14, REMAINDER), rate / 2, STEPS),
    ]


def epoch_of(steps: Sequence[tuple[Indices, Draws]], batch_size: int) -> EpochBatches:
    """An epoch of these steps, all of them full batches but for the last, which can be smaller."""
    *before, (last, last_draws) = steps
    full = [*steps] if len(last) == batch_size else before
    rest, of_rest = (last[:0], ()) if len(last) == batch_size else (last, last_draws)
    return EpochBatches(
        np.array([rows for rows, _ in full], np.int32).reshape(-1, batch_size),
        rest,
        tuple(
            np.stack([own[place] for _, own in full])
            if full
            else np.empty((0, batch_size, *one.shape[1:]), one.dtype)
            for place, one in enumerate(last_draws)
        ),
        of_rest,
    )


@lru_cache(maxsize=8)
def problem(model: ModelSpec, seed: int) -> Problem:
    """The handwritten digits at the model's size, with the harness's own initial weights."""
    height, width, channels = model.input_shape
    digits = DIGITS.decode(Path())
    grey = bring(digits.train_images, (height, width), "resize")[..., 0]  # (N, H, W)
    # Channels that differ: an error in their order must show.
    images = np.stack(
        [np.roll(grey, 2 * c, axis=2) // (c + 1) for c in range(channels)], axis=-1
    ).astype(np.uint8)
    normalised = normalisation.normalise(
        images, *normalisation.statistics(images[:TRAINING_IMAGES])
    )
    labels = (digits.train_labels % model.classes).astype(np.int32)
    parameters = order.initial_parameters(seed, model)
    for array in (normalised, labels, *parameters.values()):
        array.flags.writeable = False
    return Problem(model, parameters, normalised, labels, seed)


def smooth() -> ModelSpec:
    """A network without ReLU and pooling.

    At a kink, rounding decides which way a gradient goes: a unit within 1e-7 of it, and there are
    some among the millions of a few steps, makes two correct trajectories part. A network without
    kinks keeps them together, so that what is seen is the optimizer.
    """
    layers = (
        Conv("conv1", (5, 5), 1, 4, "none"),  # (B, 12, 12, 4)
        Flatten(12, 12, 4),
        Dense("dense1", 576, 24, "none"),
        Dense("dense2", 24, 10, "none"),
    )
    return ModelSpec("smooth", (16, 16, 1), 10, layers)
