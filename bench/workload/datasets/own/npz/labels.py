"""Labels in the forms that people have them in → int32 (N,), where there is no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.workload.datasets.own.dataset import UnfitError
from bench.workload.datasets.own.npz.archive import Archive, Header

# More than any image data set has: a label beyond it is no class number.
_MOST_CLASSES = 100_000
# Where fewer have images, labels are no numbers of classes but, say, levels of grey.
_LEAST_USED = 0.5
_MOST_LISTED = 3  # labels in an error


@dataclass(frozen=True, slots=True, eq=False)
class LabelsRead:
    """Class numbers int32 (N,); `note` says what was done to have them, None where nothing was."""

    header: Header
    numbers: NDArray[np.int32]
    note: str | None

    @property
    def typed(self) -> str:
        """The numbers as a person would write them in NumPy."""
        key, shape = self.header.key, self.header.shape
        return f"{key}.argmax(axis=1)" if len(shape) == 2 and shape[1] > 1 else key


def read(archive: Archive, key: str, size: int, renumber: str) -> LabelsRead:
    """The labels of `size` images: integers (N,) or (N, 1), or rows with a 1 in one of C places.

    `renumber` is the line of NumPy that numbers the classes of training and test from 0.

    Raises:
        UnfitError: they are something else, as many as there are no images, or no class numbers.
    """
    header = archive.header(key)
    if header.dtype.kind not in "iufb" or len(header.shape) not in (1, 2):
        raise _unfit(header, size, _advice_of_type(header, renumber))
    if header.shape[0] != size:
        raise _unfit(header, size, f"there are {size:,} images: give as many labels")
    array = archive.array(header)
    note = None
    if len(header.shape) == 2 and header.shape[1] > 1:
        array, note = _of_one_hot(header, array, size), "one-hot, as class numbers"
    elif header.dtype.kind not in "iu":
        whole = header.dtype.kind == "b" or bool((array == np.rint(array)).all())
        advice = f"`{key} = {key}.astype('int64')` keeps whole numbers"
        raise _unfit(header, size, advice if whole else f"give whole ones, such as by `{renumber}`")
    elif len(header.shape) == 2:
        if header.shape[1] != 1:
            raise _unfit(header, size, "it has no column")
        array, note = array[:, 0], "one column"
    if array.min() < 0 or array.max() >= _MOST_CLASSES:
        raise UnfitError(
            f"{key} has labels from {array.min()} to {array.max()}: number the classes from 0, "
            f"`{renumber}`"
        )
    return LabelsRead(header, np.asarray(array, dtype=np.int32), note)


def classes(train: LabelsRead, *others: LabelsRead) -> tuple[str, ...]:
    """The names of the classes, which are their numbers: up to the highest of training.

    A few of many may have no image for training.

    Raises:
        UnfitError: there is one class only, or one that is tested and not trained on; or the
            numbers have gaps or do not begin with 0, which would be outputs that nothing trains.
    """
    key, count = train.header.key, int(train.numbers.max()) + 1
    if count < 2:
        raise UnfitError(f"{key} has the label 0 alone, where at least two classes belong")
    used = np.unique(train.numbers)
    from_0 = used[0] == 0 or any(other.numbers.min() == 0 for other in others)
    if len(used) < _LEAST_USED * count or not from_0:
        few = (
            f"{', '.join(map(str, used[:_MOST_LISTED]))}{', …' if len(used) > _MOST_LISTED else ''}"
        )
        every = (train, *others)
        line = renumbering(*(own.header.key for own in every), typed=[own.typed for own in every])
        raise UnfitError(
            f"{key}: labels use {len(used):,} of {count:,} classes ({few}): number them from 0 "
            f"without gaps, `{line}`"
        )
    for other in others:
        if (highest := other.numbers.max()) >= count:
            raise UnfitError(
                f"{other.header.key} has labels up to {highest}, but {key} only up to "
                f"{count - 1}: no image of that class can be trained on"
            )
    return tuple(str(number) for number in range(count))


def renumbering(*keys: str, typed: Sequence[str] | None = None) -> str:
    """The line of NumPy that numbers the classes of all arrays from 0, alike and without gaps.

    `typed` is how their class numbers are written, where it is not by the names alone.
    """
    # Without an axis, so that labels in a column become plain ones.
    every = f"np.concatenate([{', '.join(typed or keys)}], axis=None)"
    first = f"len({keys[0]})"
    ends = [first, *(f"{first} + len({key})" for key in keys[1:-1])]
    cut = ", ".join(ends)
    return f"{', '.join(keys)} = np.split(np.unique({every}, return_inverse=True)[1], [{cut}])"


def _of_one_hot(header: Header, array: NDArray[Any], size: int) -> NDArray[Any]:
    key = header.key
    if not ((array == 0) | (array == 1)).all() or (array.sum(axis=1) != 1).any():
        raise _unfit(
            header,
            size,
            "nor is it one-hot, since not every row has a single 1 beside 0: where the largest "
            f"number of a row is that of its class `{key} = {key}.argmax(axis=1)`",
        )
    return np.asarray(array.argmax(axis=1))


def _advice_of_type(header: Header, renumber: str) -> str:
    key = header.key
    if header.dtype.hasobject:
        return f"objects are never unpickled: `{key} = np.array(list({key}))`"
    if header.dtype.kind in "US":
        return f"for names of classes `{renumber}`"
    return "give the number of its class for each image"


def _unfit(header: Header, size: int, advice: str) -> UnfitError:
    return UnfitError(f"{header}, where integers ({size},) belong, one for each image: {advice}")
