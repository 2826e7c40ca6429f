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

    `test_images` is 0 where the data set brings no test set, `validation_images` where it brings
    none for validation. `sha256` is None where the data
    set has not been fetched yet.
    """

    train_images: int
    test_images: int
    channels: int
    classes: int
    sha256: str | None
    validation_images: int = 0


def first_of(source: AvailableImages, given: Mapping[str, Any]) -> AvailableImages:
    """The source as far as `--first` takes it: so many images, and a tenth as many for the test.

    So it is with a validation set. `--test-size` and `--val-size` take as many as they say.
    """
    first = given.get("first")
    if first is None:
        return source
    if first > source.train_images:
        raise UsageError(
            f"--first {first} is too large: {_dataset(given)} has {source.train_images} images"
        )
    tenth = max(first // 10, 1)
    test, validation = source.test_images, source.validation_images
    if test and "test_size" not in given:
        test = min(test, tenth)
    if validation and "val_size" not in given:
        validation = min(validation, tenth)
    return replace(source, train_images=first, test_images=test, validation_images=validation)


def sizes(given: Mapping[str, Any], usual: Preset, source: AvailableImages) -> tuple[int, int, int]:
    """Images for training, validation and test; what was not given takes what is left."""
    pool = source.train_images
    test_pool = source.test_images or pool
    usual_test = source.test_images or max(round(usual.test * pool), 1)
    test = default(given.get("test_size"), usual_test)
    if at_least(1, "--test-size", test) > test_pool:
        raise UsageError(
            f"--test-size {test} is too large: {_dataset(given)} has {test_pool} images for it"
        )
    val = default(
        given.get("val_size"),
        source.validation_images
        or round(usual.validation * default(given.get("train_size"), pool)),
    )
    at_least(0, "--val-size", val)
    if source.validation_images and val > source.validation_images:
        raise UsageError(
            f"--val-size {val} is too large: {_dataset(given)} has {source.validation_images} "
            "images for it"
        )
    reserved = (0 if source.validation_images else val) + (0 if source.test_images else test)
    train = default(given.get("train_size"), max(pool - reserved, 0))
    at_least(0 if "train_size" not in given else 1, "--train-size", train)
    if train == 0 or train + reserved > pool:
        of_val = "" if source.validation_images else f" + {val} to validate"
        of_test = "" if source.test_images else f" + {test} for the test"
        raise UsageError(
            f"{max(train, 1)} images to train{of_val}{of_test} are more than the "
            f"{pool} that {_dataset(given)} has: give smaller sizes"
        )
    return train, val, test


def _dataset(given: Mapping[str, Any]) -> str:
    return str(given_or_default(given, "dataset"))
