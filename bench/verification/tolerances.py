"""How large each error may be, and why.

Bounds follow from float32, whose rounding is 6e-8 of a value, and from how many roundings add up.
Each is at most ten times the worst that was seen of healthy frameworks over many seeds: what no
framework could meet would be no check, and neither would be what a fault can meet.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from bench.contract import ModelSpec, Pool


class Bound(NamedTuple):
    """The largest allowed error, and what it is relative to."""

    value: float
    reason: str


EXACT = Bound(0.0, "elements that differ in a bit: copies are exact")
SHAPES = Bound(0.0, "numbers more or fewer than the model has")
LOGITS = Bound(
    2e-6, "of the largest logit: sums of some hundred terms in any order, layer upon layer"
)
LOSS = Bound(1e-6, "of the loss: a mean over a batch's logarithms")
GRADIENTS = Bound(
    5e-5,
    "of each gradient's largest element: a kernel's sums over batch and image, thousands of terms "
    "of both signs that cancel",
)
STEP_GRADIENTS = Bound(
    5e-5,
    "of each gradient's largest element, which is a difference of weights that are rounded",
)
LONG_SUM = 700  # images in a batch to which the bounds above hold


def over_batch(bound: Bound, images: int) -> Bound:
    """The bound of a gradient that is summed over so many images.

    Roundings of either sign add up as a random walk does: with √n of their number where a framework
    adds one after the other, as PyTorch and TensorFlow do on a CPU, and hardly where it adds sums
    of parts, as XLA does. Seen of healthy ones at 60,000 images: half of the bound.
    """
    if images <= LONG_SUM:
        return bound
    grown = bound.value * math.sqrt(images / LONG_SUM)
    reason = f"{bound.reason}; more by √(n / {LONG_SUM}) for the roundings of longer sums"
    return Bound(grown, reason)


AVERAGED = 4.0


def over_pooling(bound: Bound, model: ModelSpec) -> Bound:
    """The bound of a gradient of this network.

    Average pooling passes a gradient to all places of a window alike, so that the sums of the
    layers before it cancel further, now and then to a hundredth: their roundings are then a larger
    part of them. Seen of healthy ones: 6.3e-5, where maximum pooling had 2.9e-5 at most.
    """
    if not any(isinstance(layer, Pool) and layer.kind == "average" for layer in model.layers):
        return bound
    reason = f"{bound.reason}; {AVERAGED:.0f} times as much where average pooling lets sums cancel"
    return Bound(AVERAGED * bound.value, reason)


OPTIMIZER = Bound(
    1e-3,
    "of the way gone, in the Euclidean norm: RMSprop and Adam divide gradients by their own size, "
    "so that rounding shows where they are small",
)
OPTIMIZER_LOSSES = Bound(
    1e-5, "of the largest loss: it follows the weights, whose errors it hardly feels"
)
WEIGHTS = Bound(
    5e-4,
    "of the way gone; the oracle takes each step from the framework's own weights, on images that "
    "are clear of the kinks of ReLU and pooling, where rounding decides what the gradient is",
)
# RMSprop and Adam divide a gradient by its own size. Where it is nothing but rounding, a weight
# goes any part of a step, in either direction: some single ones among thousands.
SET_ASIDE = 1e-3  # of a tensor's elements, at least one: those that are farthest off
EVALUATION_LOSS = Bound(
    4e-7,
    "of the loss: over the whole evaluation set, the errors of the logits average out; healthy "
    "networks have had up to 8.4e-8, after training with SELU",
)


def over_images(bound: Bound, images: int, whole: int) -> Bound:
    """The bound of a mean over so many images, for one that holds for the whole evaluation set.

    Errors of either sign average out with √n. Seen of a single image: 4e-7.
    """
    if images >= whole:
        return bound
    reason = f"{bound.reason}; more by √({whole} / n) for the mean of fewer"
    return Bound(bound.value * math.sqrt(whole / images), reason)


CLASSES = Bound(0.0, "images of another class whose two largest logits are not within rounding")
BATCHES = Bound(0.0, "images not gathered in the step that they were ordered for, or elsewhere too")
PRECISION = Bound(
    5e-6,
    "of the largest element, in a network of one layer: float32 gives some 1e-7, "
    "TF32 1e-4, bfloat16 1e-3",
)
THREADS_OVER = 0.1
THREADS = (
    "CPU seconds over wall seconds while training, of the threads that compute; the number of "
    "threads and 0.1"
)
