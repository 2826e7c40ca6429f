"""Images to the size a model expects: padded with zeros or resized."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.choices import Fit
from bench.errors import DataError


def bring(images: NDArray[np.uint8], size: tuple[int, int], fit: Fit) -> NDArray[np.uint8]:
    """Bring (N, h, w, C) to (N, *size, C); images that have the size come back untouched.

    pad     zeros around the image, which stays in the centre; where the margins are odd, the
            larger one is below and to the right
    resize  bilinear with half-pixel centres, rounded to uint8 (Pillow's BILINEAR, which averages
            over all covered pixels where it shrinks an image)

    Raises:
        DataError: `pad` was asked for and the images are larger than `size`.
    """
    if images.shape[1:3] == size:
        return images
    return _padded(images, size) if fit == "pad" else _resized(images, size)


def _padded(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    n, height, width, channels = images.shape
    if height > size[0] or width > size[1]:
        raise DataError(
            f"images of {height}×{width} cannot be padded to {size[0]}×{size[1]}, "
            "which is smaller: give --fit resize"
        )
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    padded = np.zeros((n, *size, channels), dtype=np.uint8)
    padded[:, top : top + height, left : left + width] = images
    return padded


def _resized(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    n, _, _, channels = images.shape
    resized = np.empty((n, *size, channels), dtype=np.uint8)
    grey = channels == 1
    for source, target in zip(images, resized, strict=True):
        image = Image.fromarray(source[..., 0] if grey else source)
        pixels = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR))
        target[...] = pixels[..., np.newaxis] if grey else pixels
    return resized
