"""What was mistaken, counted and listed."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from bench.worker import misclassified
from bench.workload import metrics
from bench.workload.normalisation import normalise


def logits_saying(classes: list[int], count: int = 3) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[classes]


def test_confusion_has_the_pairs_of_label_and_answer_that_occur():
    labels = np.array([0, 0, 1, 2, 2, 2], np.int32)
    logits = logits_saying([0, 1, 1, 0, 2, 0])
    assert misclassified.confusion(logits, labels) == [
        *((0, 0, 1), (0, 1, 1), (1, 1, 1), (2, 0, 2), (2, 2, 1)),
    ]


def test_confusion_is_no_larger_than_the_images_are_many():
    """Sets of Chinese characters have 7,354 classes, a table of which has 54 million cells."""
    labels = np.arange(5, dtype=np.int32) * 1_000
    found = misclassified.confusion(logits_saying([0, 1_000, 2_000, 3_000, 7_353], 7_354), labels)
    assert found == [(n, n, 1) for n in (0, 1_000, 2_000, 3_000)] + [(4_000, 7_353, 1)]


def test_of_equal_logits_the_first_counts_as_in_the_accuracy():
    logits, labels = np.zeros((4, 3), np.float32), np.array([0, 1, 2, 0], np.int32)
    counts = misclassified.confusion(logits, labels)
    assert counts == [(0, 0, 2), (1, 0, 1), (2, 0, 1)]
    assert metrics.accuracy(logits, labels) == 2 / 4


def test_the_first_mistakes_with_their_numbers():
    labels = np.array([0, 1, 2, 0], np.int32)
    found, within = misclassified.first(logits_saying([0, 2, 2, 1]), labels)
    assert [(one.image, one.label, one.predicted, one.png) for one in found] == [
        (1, 1, 2, None),
        (3, 0, 1, None),
    ]
    assert within == 4  # all were looked at: no image that is not listed was mistaken


def test_a_list_that_is_full_says_how_far_it_goes():
    labels = np.zeros(500, np.int32)
    said = [1 if image % 5 == 0 else 0 for image in range(500)]  # 100 mistakes
    found, within = misclassified.first(logits_saying(said), labels)
    assert len(found) == misclassified.MOST_LISTED
    assert within == found[-1].image + 1 == 5 * (misclassified.MOST_LISTED - 1) + 1
    exactly, within = misclassified.first(
        logits_saying(said[: 5 * misclassified.MOST_LISTED]), labels[:200]
    )
    assert (len(exactly), within) == (misclassified.MOST_LISTED, 200)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_the_pixels_that_were_trained_on(channels):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (20, 32, 32, channels), dtype=np.uint8)
    pixels[0, :16, :16, 0] = np.arange(256).reshape(16, 16)  # every value
    mean, std = (0.1307, 0.5, 0.9)[:channels], (0.3081, 0.01, 2.0)[:channels]
    images = normalise(pixels, mean, std)
    found, _ = misclassified.first(
        logits_saying([1] * 20),
        np.zeros(20, np.int32),
        lambda image: misclassified.pixels(images[image], mean, std),
    )
    assert sum(one.png is not None for one in found) == misclassified.MOST_PICTURES
    for one in found[: misclassified.MOST_PICTURES]:
        opened = np.asarray(Image.open(io.BytesIO(base64.b64decode(one.png or ""))))
        assert (opened.reshape(32, 32, channels) == pixels[one.image]).all()


def test_a_channel_without_variation_keeps_its_pixels():
    pixels = np.full((1, 4, 4, 1), 77, np.uint8)
    images = normalise(pixels, (77 / 255,), (0.0,))
    assert (misclassified.pixels(images[0], (77 / 255,), (0.0,)) == 77).all()
