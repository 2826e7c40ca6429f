"""From a source to a data set: out of the cache, or decoded, sized and put into it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bench.choices import Fit
from bench.workload.datasets import cache, fitting
from bench.workload.datasets.source import Dataset, Source


def deliver(source: Source, root: Path, size: tuple[int, int], fit: Fit) -> Dataset:
    """The data set with images of `size`, (height, width); only the first time hashes its files.

    Raises:
        DataError: files are missing or wrong, or the images do not go into the size.
    """
    key = cache.Key(source.name, source.inputs(root), size, fit)
    cached = cache.read(key)
    if cached is not None:
        return cached
    decoded = source.decode(root)
    test_images = decoded.test_images
    sized = dataclasses.replace(
        decoded,
        train_images=fitting.bring(decoded.train_images, size, fit),
        test_images=None if test_images is None else fitting.bring(test_images, size, fit),
    )
    return cache.write(key, sized)
