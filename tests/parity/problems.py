"""What the adapters are tried on: images, networks, optimizers and a schedule of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from weakref import WeakKeyDictionary

import numpy as np
from scipy.ndimage import zoom

from bench.contract import (
    Adapter,
    Conv,
    Dense,
    Dropout,
    EpochBatches,
    Flatten,
    Images,
    Labels,
    ModelOptions,
    ModelSpec,
    Noise,
    OptimizerSpec,
    Pool,
    blank_epoch,
    compile_for,
)
from bench.verification.problems import Stage, smooth
from bench.workload import random_inputs
from bench.workload.datasets import digits
from bench.workload.models import ACTIVATIONS, build
from bench.workload.order import initial_parameters

from .selection import device

IMAGES = 300
CLASSES = 10
THREADS = 2
BATCH = 16
REMAINDER = 7

# An error in the layout does not show on a square image of one channel. Sides that differ tell
# height from width; several channels tell H, W, C from C, H, W.
LENETS = {"32x32x1": (32, 32, 1), "32x32x3": (32, 32, 3), "20x28x2": (20, 28, 2)}
TASKS = (*LENETS, "uneven")


def uneven() -> ModelSpec:
    """Kernels and pooling windows whose sides differ, and a pooling that drops an edge."""
    layers = (
        Conv("conv1", (3, 5), 2, 4, "relu"),  # (B, 11, 14, 4)
        Pool((2, 3)),  # (B, 5, 4, 4): a row and two columns are left over
        Flatten(5, 4, 4),
        Dense("dense1", 80, 12, "relu"),
        Dense("dense2", 12, CLASSES, "none"),
    )
    return ModelSpec("uneven", (13, 18, 2), CLASSES, layers)


def padded() -> ModelSpec:
    """Frames of zeros that keep the size, that do not, and that have unequal sides."""
    layers = (
        Conv("conv1", (3, 5), 2, 4, "prelu", padding=(1, 2)),  # (B, 13, 18, 4)
        Pool((2, 3), "average"),  # (B, 6, 6, 4): a row is left over
        Conv("conv2", (3, 3), 4, 5, "tanh", padding=(2, 0)),  # (B, 8, 4, 5)
        Pool((2, 2)),
        Flatten(4, 2, 5),
        Dense("dense1", 40, 12, "prelu"),
        Dense("dense2", 12, CLASSES, "none"),
    )
    return ModelSpec("padded", (13, 18, 2), CLASSES, layers)


def activations() -> ModelSpec:
    """Every activation but ReLU, which most networks have, and what is random."""
    layers = (
        Conv("conv1", (3, 5), 2, 4, "leakyrelu"),  # (B, 11, 14, 4)
        Pool((2, 3)),  # (B, 5, 4, 4)
        Conv("conv2", (2, 2), 4, 5, "elu"),  # (B, 4, 3, 5)
        Flatten(4, 3, 5),
        Dense("dense1", 60, 14, "selu"),
        Dense("dense2", 14, 12, "tanh"),
        Dense("dense3", 12, 12, "prelu"),
        Dense("dense4", 12, CLASSES, "none"),
    )
    return ModelSpec("activations", (13, 18, 2), CLASSES, layers)


def all_random_small() -> ModelSpec:
    """Every kind of random layer, in few operations."""
    layers = (
        Noise(0.1),
        Conv("conv1", (3, 5), 2, 4, "rrelu"),  # (B, 11, 14, 4)
        Pool((2, 3), "average"),  # (B, 5, 4, 4)
        Flatten(5, 4, 4),
        Dense("dense1", 80, 12, "rrelu"),
        Dropout("dropout1", 12, 0.3),
        Dense("dense2", 12, CLASSES, "none"),
    )
    return ModelSpec("all-random-small", (13, 18, 2), CLASSES, layers)


# Each activation and pooling, in a network that has it in every place.
CHOICES: dict[str, ModelOptions] = {
    **{
        name: ModelOptions(activation=name) for name in ACTIVATIONS if name not in ("relu", "rrelu")
    },
    "average": ModelOptions(pooling="average"),
    "prelu-average": ModelOptions("prelu", "average"),
}
# What is random, alone and all together; in networks with sides that differ and two channels.
RANDOM: dict[str, ModelOptions] = {
    "rrelu": ModelOptions("rrelu"),
    "dropout": ModelOptions(dropout=0.5),
    "noise": ModelOptions(noise=0.2),
    "all-random": ModelOptions("rrelu", "average", dropout=0.3, noise=0.1),
}
OTHERS = {"lenet5-c5conv": (32, 32, 1), "lenet5-wide": (32, 32, 3), "convnet": (28, 28, 1)}

MODELS: dict[str, Callable[[], ModelSpec]] = {
    **{name: partial(build, "lenet5", shape, CLASSES) for name, shape in LENETS.items()},
    **{
        name: partial(build, "lenet5", (20, 28, 2), CLASSES, of)
        for name, of in (CHOICES | RANDOM).items()
    },
    "noisy-convnet": partial(build, "convnet", (28, 28, 1), CLASSES, ModelOptions(noise=0.1)),
    **{name: partial(build, name, shape, CLASSES) for name, shape in OTHERS.items()},
    "uneven": uneven,
    "padded": padded,
    "activations": activations,
    "smooth": smooth,
    "all-random-small": all_random_small,
}


@dataclass(frozen=True)
class Problem:
    """A network with its initial parameters, and a training set (N, H, W, C), all read-only."""

    model: ModelSpec
    parameters: dict[str, np.ndarray]
    images: Images
    labels: Labels

    def start(self, adapter: Adapter, optimizer: OptimizerSpec | None = None) -> None:
        """Build the network in the adapter and load the images; plain SGD if nothing is said."""
        _at_rest.pop(adapter, None)
        spec = optimizer or OptimizerSpec("sgd")
        adapter.build(self.model, self.parameters, spec, device(), THREADS)
        adapter.load(self.images, self.labels)

    def compile(
        self, adapter: Adapter, steps: int, remainder: int = 0, batch_size: int = BATCH
    ) -> None:
        """Have it compile as the harness does."""
        compile_for(adapter, blank_epoch(self.model, steps, batch_size, remainder))

    def rest(self, adapter: Adapter) -> None:
        """As `start` with plain SGD, once: for adapters that are `resting`, which no test trains.

        A compilation takes most of a test's time, and what only looks can share it.
        """
        if _at_rest.get(adapter) is not self:
            self.start(adapter)
            _at_rest[adapter] = self


# What an adapter was built with last, where nothing has trained it since.
_at_rest: WeakKeyDictionary[Adapter, Problem] = WeakKeyDictionary()


@cache
def problem(name: str) -> Problem:
    """Handwritten digits enlarged for one of MODELS, with the harness's own initial weights."""
    model = MODELS[name]()
    height, width, channels = model.input_shape
    with np.load(digits.FILE) as stored:
        values, classes = stored["images"], stored["labels"]
    grey = zoom(values[:IMAGES] / 16, (1, height / 8, width / 8), order=1)
    # Channels that differ: an error in their order must show.
    images = np.stack([np.roll(grey, 2 * c, axis=2) * 0.8**c for c in range(channels)], axis=-1)
    images = ((images - images.mean()) / images.std()).astype(np.float32)
    labels = classes[:IMAGES].astype(np.int32)
    parameters = initial_parameters(7, model)
    for array in (images, labels, *parameters.values()):
        array.flags.writeable = False
    return Problem(model, parameters, images, labels)


def rows(seed: int, count: int) -> np.ndarray:
    """int32 (count,): distinct rows of the training set."""
    return np.random.default_rng(seed).permutation(IMAGES)[:count].astype(np.int32)


def order(seed: int, steps: int, remainder: int = 0) -> EpochBatches:
    """`steps` full batches of BATCH images, drawn anew for each, and a remainder."""
    batches = np.stack([rows(seed * 1000 + step, BATCH) for step in range(steps)])
    return EpochBatches(batches, rows(seed * 1000 + steps, remainder))


def random_order(model: ModelSpec, seed: int, steps: int, remainder: int = 0) -> EpochBatches:
    """As `order`, with the harness's draws of an epoch of that number."""
    return random_inputs.drawn(model, 7, seed, 0, order(seed, steps, remainder))


def schedule(rate: float) -> list[Stage]:
    """1, then 4, then 15 steps; the learning rate falls, then rises; the last batches are partial.

    A learning rate kept inside a momentum buffer agrees until the first change and not after.
    """
    return [
        Stage(order(1, 1), rate, 1),
        Stage(order(2, 3, REMAINDER), rate / 10, 5),
        Stage(order(3, 14, REMAINDER), rate / 2, 20),
    ]
