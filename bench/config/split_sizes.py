"""How many images there are for training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.config.checks import at_least, default
from bench.config.defaults import Preset
from bench.config.settings import given_or_default
from bench.errors import UsageError


@dataclass(frozen=True, slots=True)
class AvailableImages:
    """What a plan must know of a data set; counts are of images.

    `test_images` is 0 where the data set brings no test set. `sha256` is None where the data
    set has not been fetched yet.
    """

    train_images: int
    test_images: int
    channels: int
    classes: int
    sha256: str | None


def first_of(source: AvailableImages, given: Mapping[str, Any]) -> AvailableImages:
    """The source as far as `--first` takes it: so many images, and a tenth as many for the test.

    A `--test-size` takes as many of the test set as it says.
    """
    first = given.get("first")
    if first is None:
        return source
    if first > source.train_images:
        raise UsageError(
            f"--first {first} is too large: {_dataset(given)} has {source.train_images} images"
        )
    test = source.test_images
    if test and "test_size" not in given:
        test = min(test, max(first // 10, 1))
    return replace(source, train_images=first, test_images=test)


def sizes(given: Mapping[str, Any], usual: Preset, source: AvailableImages) -> tuple[int, int, int]:
    """Images for training, validation and test; what was not given takes what is left."""
    pool = source.train_images
    test_pool = source.test_images or pool
    test = default(given.get("test_size"), source.test_images or round(usual.test * pool))
    if at_least(1, "--test-size", test) > test_pool:
        raise UsageError(
            f"--test-size {test} is too large: {_dataset(given)} has {test_pool} images for it"
        )
    val = default(
        given.get("val_size"), round(usual.validation * default(given.get("train_size"), pool))
    )
    at_least(0, "--val-size", val)
    reserved = val if source.test_images else val + test
    train = default(given.get("train_size"), max(pool - reserved, 0))
    at_least(0 if "train_size" not in given else 1, "--train-size", train)
    if train == 0 or train + reserved > pool:
        of_test = "" if source.test_images else f" + {test} for the test"
        raise UsageError(
            f"{max(train, 1)} images to train + {val} to validate{of_test} are more than the "
            f"{pool} that {_dataset(given)} has: give smaller sizes"
        )
    return train, val, test


def _dataset(given: Mapping[str, Any]) -> str:
    return str(given_or_default(given, "dataset"))
