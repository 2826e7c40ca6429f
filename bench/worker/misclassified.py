"""What a network mistook on the test set: counts by class, and the first images of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contract import Labels
from bench.results.record import Misclassified
from bench.worker.prepared_data import Prepared

MOST_LISTED = 40
MOST_PICTURES = 16


def examined(logits: NDArray[np.float32], data: Prepared, *, with_pictures: bool) -> dict[str, Any]:
    """What logits (n, classes) of the test images get wrong, as record fields."""

    def picture(image: int) -> NDArray[np.uint8]:
        return pixels(data.test.images[image], data.test_mean, data.test_std)

    found, within = first(logits, data.test.labels, picture if with_pictures else None)
    return {
        "class_names": data.classes,
        "confusion": confusion(logits, data.test.labels),
        "misclassified": [asdict(one) for one in found],
        "misclassified_among": within,
    }


def confusion(logits: NDArray[np.floating], labels: Labels) -> list[tuple[int, int, int]]:
    """Label, predicted class and how many images, for the pairs that have some, in their order.

    logits is (n, classes); of equal logits the first counts, as in `metrics.accuracy`. At most n
    pairs, however many classes there are.
    """
    pairs = np.stack([labels, logits.argmax(axis=1)], axis=1)
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    return [
        (int(label), int(predicted), int(images))
        for (label, predicted), images in zip(found, counts, strict=True)
    ]


def first(
    logits: NDArray[np.floating],
    labels: Labels,
    picture: Callable[[int], NDArray[np.uint8]] | None = None,
) -> tuple[list[Misclassified], int]:
    """The first mistakes, at most `MOST_LISTED`, and how many images were looked at for them.

    picture gives the pixels (H, W, C) of an image by its number, for the first `MOST_PICTURES`.
    """
    predicted = logits.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    listed = [int(image) for image in wrong[:MOST_LISTED]]
    found = [
        Misclassified(
            image=image,
            label=int(labels[image]),
            predicted=int(predicted[image]),
            png=_png(picture(image)) if picture and place < MOST_PICTURES else None,
        )
        for place, image in enumerate(listed)
    ]
    return found, listed[-1] + 1 if len(wrong) > MOST_LISTED else len(labels)


def pixels(
    image: NDArray[np.float32], mean: Sequence[float], std: Sequence[float]
) -> NDArray[np.uint8]:
    """The pixels (H, W, C) that a normalised image was made of; see `workload.normalisation`."""
    scale = np.where(np.asarray(std) == 0, 1.0, std)
    levels = np.rint((image * scale + np.asarray(mean)) * 255)
    return np.asarray(levels.clip(0, 255), np.uint8)


def _png(pixels: NDArray[np.uint8]) -> str:
    """An image (H, W, C), grey or in colour, as a PNG file in base64."""
    from PIL import Image

    file = io.BytesIO()
    grey = pixels.shape[-1] == 1
    Image.fromarray(pixels[..., 0] if grey else pixels).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
