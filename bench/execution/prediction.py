"""Logits of a checkpoint in any framework, each in a process of its own, and how they agree."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.choices import Device
from bench.contract import Images
from bench.errors import BenchError, DataError, UnavailableError
from bench.execution import Executor
from bench.results.checkpoint import Checkpoint, Header
from bench.system import machine
from bench.worker.messages import Predict
from bench.worker.prepared_data import Examples, examples
from bench.workload import datasets, order

TIMEOUT_S = 1800.0
BATCH_SIZE = 500  # as the published prediction has it, see bench/config/recipes

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tested:
    """Images to test on, with what was subtracted from their pixels and what they were divided by.

    `what` they are, in words.
    """

    examples: Examples
    what: str
    mean: Sequence[float]
    std: Sequence[float]


@dataclass(frozen=True, slots=True)
class Difference:
    """An image that two frameworks see in different classes.

    `closest` are, for each of the two, its two highest (class, logit), the higher one first.
    """

    image: int
    closest: tuple[tuple[tuple[int, float], tuple[int, float]], ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two frameworks on the same images; `largest` is the largest difference of two logits."""

    first: str
    second: str
    images: int
    largest: float
    differing: tuple[Difference, ...]


class Predictor:
    """One checkpoint and one set of images, asked of framework after framework."""

    def __init__(
        self,
        folder: Path,
        path: Path,
        found: Checkpoint,
        images: Images,
        batch_size: int,
        executor: Executor,
    ) -> None:
        self._folder, self._path, self._found = folder, path.absolute(), found
        self._batch_size, self._executor = batch_size, executor
        np.save(folder / "images.npy", images, allow_pickle=False)

    def logits(self, name: str, device: Device, threads: int | None) -> Logits:
        """(n, classes), computed by the named framework in a worker.

        UnavailableError where it is not here; BenchError where its worker failed.
        """
        threads = threads or machine.most_threads()
        task = Predict(
            framework=name,
            device=device,
            threads=threads,
            checkpoint=self._path,
            sha256=self._found.sha256,
            images=self._folder / "images.npy",
            logits=self._folder / f"{name}.npy",
            batch_size=self._batch_size,
        )
        log = self._folder / f"{name}.log"
        end = self._executor.call(task, log=log, timeout_s=TIMEOUT_S).end
        if end.outcome != "ok":
            kind = UnavailableError if end.outcome == "unavailable" else BenchError
            raise kind(f"{name} cannot predict: {end.reason}")
        return np.asarray(np.load(task.logits, allow_pickle=False))


@contextmanager
def predictor(
    path: Path,
    found: Checkpoint,
    images: Images,
    executor: Executor,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Predictor]:
    """A predictor with a temporary folder for what goes to the workers and comes back.

    Frameworks are given `batch_size` images at a time.
    """
    with tempfile.TemporaryDirectory(prefix="lenet-bench-") as folder:
        yield Predictor(Path(folder), path, found, images, batch_size, executor)


def examples_of(header: Header, dataset: str, root: Path) -> Tested:
    """Images to test on, normalised as in the training.

    Of the checkpoint's own data the test part of its split; of others the official test part, or
    all images where there is none: nothing of them was trained on.
    """
    data = datasets.load(dataset, root, header.model.input_shape[:2], header.settings.fit)
    channels, classes = data.train_images.shape[-1], len(data.classes)
    if (channels, classes) != (header.model.input_shape[-1], header.model.classes):
        raise DataError(
            f"{dataset} has {channels} channel(s) and {classes} classes, the checkpoint's "
            f"{header.model.name} takes {header.model.input_shape[-1]} and tells "
            f"{header.model.classes} apart: choose a data set like {header.settings.dataset}"
        )
    pool = header.settings.first or len(data.train_images)
    own = data.sha256 == header.data_sha256 and pool == header.pool_images
    if dataset == header.settings.dataset and not own:
        raise DataError(
            f"{dataset} is not what the checkpoint was trained on: its content has the hash "
            f"{data.sha256}, that of the checkpoint {header.data_sha256}"
        )
    mean, std = header.mean, header.std
    if own:
        mean, std = header.settings.test_mean or mean, header.settings.test_std or std
    if data.test_images is not None and data.test_labels is not None:
        count = header.settings.test_size if own else len(data.test_images)
        images, labels, part = data.test_images[:count], data.test_labels[:count], "test images"
    elif own:
        sizes = (header.settings.train_size, header.settings.val_size, header.settings.test_size)
        last = header.settings.split == "last"
        rows = order.split(header.seed, pool, *sizes, last=last).test
        images, labels = data.train_images[rows], data.train_labels[rows]
        part = f"test images of the split of seed {header.seed}"
    else:
        images, labels, part = data.train_images, data.train_labels, "images"
    found = examples(np.asarray(images), labels, mean, std)
    return Tested(found, f"{len(labels):,} {part} of {dataset}", mean, std)


def agreements(logits: dict[str, Logits]) -> list[Agreement]:
    """The first framework against each of the others."""
    first, *others = logits
    return [_agreement(first, logits[first], name, logits[name]) for name in others]


def _agreement(first: str, a: Logits, second: str, b: Logits) -> Agreement:
    images = np.flatnonzero(a.argmax(axis=1) != b.argmax(axis=1))
    differing = tuple(Difference(int(i), (two_closest(a[i]), two_closest(b[i]))) for i in images)
    largest = float(np.abs(a.astype(np.float64) - b).max(initial=0.0))
    return Agreement(first, second, len(a), largest, differing)


def two_closest(row: Sequence[float] | Logits) -> tuple[tuple[int, float], tuple[int, float]]:
    """The classes of the two highest logits of an image, (classes,), each with its logit."""
    values = np.asarray(row)
    best = np.argsort(-values, kind="stable")[:2]
    return (int(best[0]), float(values[best[0]])), (int(best[-1]), float(values[best[-1]]))
