"""Parts of a training step that an adapter does alone, to find where a step's time goes.

The harness builds an adapter of its own for each part: of one layer, as a network of that layer, or
of the whole network. What is loaded then is one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.contract.adapter import Parameters
from bench.contract.batches import Indices

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Gather:
    """Images and labels of these rows, (B,), of what is loaded. Results: `images`, `labels`."""

    rows: Indices


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """The network on all loaded images as in training, and gradients from one at its output.

    above       that gradient, (B, *shape of the output), as if it came from the layers above
    inputs      whether the gradient at the images is computed
    parameters  whether those of the parameters are

    Results: `output`, (B, *shape), then as wanted `inputs`, (B, H, W, C), and by canonical paths.
    """

    above: Array
    inputs: bool
    parameters: bool


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """The loss of these logits, (B, classes), with all loaded labels, and its gradient there.

    Results: `loss`, (), and `logits`, (B, classes).
    """

    logits: Array


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """A step of the optimizer with these gradients. Results: the parameters, by their paths."""

    gradients: Parameters
    learning_rate: float


StepPart = Gather | Layers | Loss | Update


@dataclass(frozen=True, slots=True)
class StepWork:
    """A part of a step, ready to be done; whatever it needs is compiled and on the device.

    run      does it so many times, at least once, one after the other, and returns when all is done
    results  what it gave the last time, canonical
    """

    run: Callable[[int], None]
    results: Callable[[], dict[str, NDArray[np.float32]]]
