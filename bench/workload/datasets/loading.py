"""From a source to a data set: out of the cache, or decoded, sized and put into it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.choices import Fit
from bench.workload.datasets import cache, fitting
from bench.workload.datasets.source import Dataset, Decoded, FittingSource, Source


def deliver(source: Source, root: Path, size: tuple[int, int], fit: Fit) -> Dataset:
    """The data set with images of `size`, (height, width); only the first time hashes its files.

    Raises:
        DataError: files are missing or wrong, or the images do not go into the size.
    """
    key = cache.Key(source.name, source.inputs(root), size, fit)
    cached = cache.read(key)
    if cached is not None:
        return cached
    if isinstance(source, FittingSource):
        return cache.write(key, source.decode_to(root, size, fit))
    return cache.write(key, _sized(source.decode(root), size, fit))


def _sized(decoded: Decoded, size: tuple[int, int], fit: Fit) -> Decoded:
    def bring(images: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        return None if images is None else fitting.bring(images, size, fit)

    return dataclasses.replace(
        decoded,
        train_images=fitting.bring(decoded.train_images, size, fit),
        test_images=bring(decoded.test_images),
        validation_images=bring(decoded.validation_images),
    )
