"""What the adapters are tried on: images, networks, optimizers and a schedule of steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

from bench.contract import Adapter, Images, Labels, ModelSpec, OptimizerSpec, Order
from bench.models import lenet5
from bench.order import initial_parameters
from .selection import device

IMAGES = 300
CLASSES = 10
THREADS = 2
BATCH = 32
REMAINDER = 13

# A size whose sides differ tells height from width, 3 channels tell H, W, C from C, H, W;
# neither error shows on a square image of one channel.
SHAPES = {"32x32x1": (32, 32, 1), "32x32x3": (32, 32, 3), "20x28x2": (20, 28, 2)}


@dataclass(frozen=True)
class Problem:
    """A network with its initial parameters, and a training set (N, H, W, C), all read-only."""

    model: ModelSpec
    parameters: dict[str, np.ndarray]
    images: Images
    labels: Labels

    def start(self, adapter: Adapter, optimizer: OptimizerSpec | None = None) -> None:
        """Build the network in the adapter and load the images; plain SGD if nothing is said."""
        spec = optimizer or OptimizerSpec("sgd")
        adapter.build(self.model, self.parameters, spec, device(), THREADS)
        adapter.load(self.images, self.labels)


@cache
def problem(shape: str) -> Problem:
    """Handwritten digits enlarged to one of SHAPES, with the harness's own initial weights."""
    height, width, channels = SHAPES[shape]
    digits = load_digits()
    grey = zoom(digits.images[:IMAGES] / 16, (1, height / 8, width / 8), order=1)
    # Channels that differ: an error in their order must show.
    images = np.stack([np.roll(grey, 2 * c, axis=2) * 0.8**c for c in range(channels)], axis=-1)
    images = ((images - images.mean()) / images.std()).astype(np.float32)
    labels = digits.target[:IMAGES].astype(np.int32)
    model = lenet5(SHAPES[shape], CLASSES)
    parameters = initial_parameters(7, model)
    for array in (images, labels, *parameters.values()):
        array.flags.writeable = False
    return Problem(model, parameters, images, labels)


def rows(seed: int, count: int) -> np.ndarray:
    """int32 (count,): distinct rows of the training set."""
    return np.random.default_rng(seed).permutation(IMAGES)[:count].astype(np.int32)


def order(seed: int, steps: int, remainder: int = 0) -> Order:
    """`steps` full batches of BATCH images, drawn anew for each, and a remainder."""
    batches = np.stack([rows(seed * 1000 + step, BATCH) for step in range(steps)])
    return Order(batches, rows(seed * 1000 + steps, remainder))


@dataclass(frozen=True)
class Stage:
    """One call of `train_epoch`, and how many steps have been taken after it."""

    order: Order
    learning_rate: float
    steps_after: int


def schedule(rate: float) -> list[Stage]:
    """1, then 4, then 15 steps; the learning rate falls, then rises; the last batches are partial.

    A learning rate kept inside a momentum buffer agrees until the first change and not after.
    """
    return [
        Stage(order(1, 1), rate, 1),
        Stage(order(2, 3, REMAINDER), rate / 10, 5),
        Stage(order(3, 14, REMAINDER), rate / 2, 20),
    ]
