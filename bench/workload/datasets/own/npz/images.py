"""Images in the forms that people have them in → uint8 (N, H, W, C), where there is no doubt.

A form that could mean two things is refused, with the line of NumPy that says which it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.workload.datasets.own.dataset import UnfitError
from bench.workload.datasets.own.npz.archive import Archive, Header
from bench.workload.datasets.source import Shape

ALLOWED = "uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3)"
_GREY_OR_COLOUR = (1, 3)
_WHITE = 255
_WHITE_OF_16_BITS = 65_535
_SMALLEST_SIDE = 2  # of images in rows: one number a row is no image
_SLAB = 4096  # images that are converted at once, so that floats take no second copy of the whole
# How far 255 times a float may be from a whole number. float32 rounds k/255 to within 2e-5 of that,
# float16 to within 0.07.
_ROUNDING, _ROUNDING_OF_16_BITS = 1e-3, 0.1


@dataclass(frozen=True, slots=True)
class Form:
    """How an array holds its images, known from its type and shape alone.

    shape    of an image as it is delivered, (H, W, C)
    note     what is done to bring it there; None where it is as it should be
    arrange  (n, …) → (n, H, W, C); with alpha (n, H, W, 4)
    """

    header: Header
    shape: Shape
    note: str | None
    arrange: Callable[[NDArray[Any]], NDArray[Any]]

    @property
    def size(self) -> int:
        """The number of images."""
        return self.header.shape[0]


def form(archive: Archive, key: str) -> Form:
    """The form of an array of images, from its header.

    Raises:
        UnfitError: it is none of images, or one that could mean several things.
    """
    header = archive.header(key)
    if header.dtype != np.uint8 and header.dtype.kind not in "bf":
        raise _unfit(header, _advice_of_type(archive, header))
    if 0 in header.shape:
        raise UnfitError(f"{key} is empty: its shape is {header.shape}")
    shape, arranged, arrange = _layout(header)
    scaled = {"b": "False as 0 and True as 255", "f": "times 255"}.get(header.dtype.kind)
    notes = [note for note in (arranged, scaled) if note]
    return Form(header, shape, ", ".join(notes) or None, arrange)


def pixels(archive: Archive, found: Form) -> NDArray[np.uint8]:
    """The images, uint8 (N, H, W, C).

    Raises:
        UnfitError: floats are not what 255 levels are divided by 255, or alpha is not 255.
    """
    array = archive.array(found.header)
    images = np.empty((found.size, *found.shape), np.uint8)
    for start in range(0, found.size, _SLAB):
        part = slice(start, start + _SLAB)
        levels = found.arrange(_levels(found.header, array, part))
        if levels.shape[3] != found.shape[2]:
            if levels[..., 3].min() != _WHITE:
                raise _translucent(found.header)
            levels = levels[..., :3]
        images[part] = levels
    return images


def _layout(header: Header) -> tuple[Shape, str | None, Callable[[NDArray[Any]], NDArray[Any]]]:
    """Shape of an image, what is done to the array and the function that does it."""
    key, shape = header.key, header.shape
    if len(shape) == 3:
        return (*shape[1:], 1), None, lambda part: part[..., np.newaxis]
    if len(shape) == 2:
        return _in_rows(header)
    if len(shape) != 4:
        raise _unfit(header, f"give it these axes: `{key} = {key}.reshape(-1, HEIGHT, WIDTH)`")
    if shape[3] in _GREY_OR_COLOUR:
        return shape[1:], None, lambda part: part
    if shape[1] in _GREY_OR_COLOUR and shape[3] != 4:
        first = (shape[2], shape[3], shape[1])
        return first, "channels first", lambda part: part.transpose(0, 2, 3, 1)
    if shape[1] in _GREY_OR_COLOUR:
        raise _unfit(
            header,
            "channels may come first, or an alpha last: for the first "
            f"`{key} = {key}.transpose(0, 2, 3, 1)`, for the second `{key} = {key}[..., :3]`",
        )
    if shape[3] == 4:
        return (*shape[1:3], 3), "without its alpha of 255", lambda part: part
    raise _unfit(header, _advice_of_channels(header))


def _advice_of_channels(header: Header) -> str:
    key, shape = header.key, header.shape
    if shape[1] == 4:
        return f"for colours first and then an alpha `{key} = {key}[:, :3].transpose(0, 2, 3, 1)`"
    if shape[3] == 2:
        return f"for grey and an alpha `{key} = {key}[..., :1]`"
    if shape[1] == 2:
        return f"for grey and an alpha `{key} = {key}[:, 0]`"
    return f"choose the channels to keep, as in `{key} = {key}[..., [0, 1, 2]]`"


def _in_rows(header: Header) -> tuple[Shape, str, Callable[[NDArray[Any]], NDArray[Any]]]:
    """Grey squares; of colours nobody can know whether they come pixel by pixel."""
    key, length = header.key, header.shape[1]
    side = math.isqrt(length)
    if side * side == length and side >= _SMALLEST_SIDE:
        return (side, side, 1), "rows as squares", lambda part: part.reshape(-1, side, side, 1)
    side = math.isqrt(length // 3)
    if 3 * side * side == length and side >= _SMALLEST_SIDE:
        raise _unfit(
            header,
            f"rows of {length:,} numbers are colours of {side}×{side} in one of two orders: where "
            f"all red comes first `{key} = {key}.reshape(-1, 3, {side}, {side})`, where each "
            f"pixel has its three together `{key} = {key}.reshape(-1, {side}, {side}, 3)`",
        )
    raise _unfit(
        header,
        f"rows of {length:,} numbers are no square: say the height and the width, "
        f"`{key} = {key}.reshape(-1, HEIGHT, WIDTH)`",
    )


def _levels(header: Header, array: NDArray[Any], part: slice) -> NDArray[Any]:
    """Some of the images as whole numbers from 0 to 255."""
    given = array[part]
    if header.dtype.kind == "b":
        return np.where(given, np.uint8(_WHITE), np.uint8(0))
    if header.dtype.kind != "f":
        return given
    if not np.isfinite(given).all():
        raise _unfit(
            header,
            f"some values are NaN or infinite; `np.argwhere(~np.isfinite({header.key}))` finds "
            "them",
        )
    if given.min() < -_ROUNDING or given.max() > 1 + _ROUNDING:
        raise _unfit(header, _advice_of_floats(header.key, array))
    half = header.dtype.itemsize < np.dtype(np.float32).itemsize
    scaled = given.astype(np.float32 if half else header.dtype) * _WHITE
    levels: NDArray[Any] = np.rint(scaled)
    if np.abs(scaled - levels).max() > (_ROUNDING_OF_16_BITS if half else _ROUNDING):
        raise _unfit(header, _advice_of_floats(header.key, array))
    return levels


def _advice_of_floats(key: str, array: NDArray[Any]) -> str:
    low, high = float(array.min()), float(array.max())
    reach = f"its values go from {low:.6g} to {high:.6g}"
    if low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return (
            f"{reach}, and not all are one of 0/255, 1/255, … 255/255: to have them rounded "
            f"`{key} = np.rint({key} * 255).astype('uint8')`"
        )
    if low >= 0 and high <= _WHITE:
        whole = bool((array == np.rint(array)).all())
        line = f"{key}.astype('uint8')" if whole else f"np.rint({key}).astype('uint8')"
        return f"{reach}: `{key} = {line}`"
    if low >= -1 and high <= 1:
        return f"{reach}: where -1 is black `{key} = np.rint(({key} + 1) * 127.5).astype('uint8')`"
    return (
        f"{reach}: undo what it was scaled by, as in "
        f"`{key} = np.rint(({key} * STD + MEAN) * 255).clip(0, 255).astype('uint8')`"
    )


def _advice_of_type(archive: Archive, header: Header) -> str:
    """What to do with an array that holds neither uint8 nor bool nor floats."""
    key = header.key
    if header.dtype.hasobject:
        return (
            "objects are never unpickled: where all images have one size "
            f"`{key} = np.stack(list({key})).astype('uint8')`"
        )
    if header.dtype.kind not in "iu" or 0 in header.shape:
        return "give numbers from 0 to 255"
    array = archive.array(header)
    low, high = int(array.min()), int(array.max())
    reach = f"its values go from {low} to {high}"
    if low >= 0 and high <= _WHITE:
        return f"{reach}: `{key} = {key}.astype('uint8')`"
    if low >= 0 and high <= _WHITE_OF_16_BITS:
        return f"{reach}: where 65535 is white `{key} = ({key} // 257).astype('uint8')`"
    line = f"{key} = np.rint(({key} - {low}) * (255 / {(high - low) or 1})).astype('uint8')"
    return f"{reach}: where these are black and white `{line}`, alike for training and test"


def _translucent(header: Header) -> UnfitError:
    key = header.key
    return _unfit(
        header,
        f"not all of its alpha is 255: to leave it out `{key} = {key}[..., :3]`, or to lay the "
        f"images on white `{key} = np.rint(255 - {key}[..., 3:] / 255 * (255.0 - "
        f"{key}[..., :3])).astype('uint8')`",
    )


def _unfit(header: Header, advice: str) -> UnfitError:
    return UnfitError(f"{header}, where {ALLOWED} belongs: {advice}")
