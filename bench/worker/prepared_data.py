"""A data set and a seed → the arrays that every framework is given, the same to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.config.plan import Cell, Plan
from bench.config.split_sizes import AvailableImages
from bench.contract import EpochBatches, Images, Labels
from bench.errors import DataError
from bench.workload import datasets, order
from bench.workload.normalisation import normalise, statistics


@dataclass(frozen=True, slots=True)
class Examples:
    """Normalised images float32 (N, H, W, C) and labels int32 (N,)."""

    images: Images
    labels: Labels


@dataclass(frozen=True, slots=True)
class Prepared:
    """The three parts of a data set for one seed, and what was done to the pixels.

    `test_mean` and `test_std` are those of the test images, mostly the same as the others'.
    `native_size` is (height, width) before the images were fitted to the model. `notes` say how a
    person's own data were taken.
    """

    train: Examples
    validation: Examples
    test: Examples
    mean: tuple[float, ...]
    std: tuple[float, ...]
    test_mean: tuple[float, ...]
    test_std: tuple[float, ...]
    split_sha256: str
    classes: tuple[str, ...]
    native_size: tuple[int, int]
    notes: tuple[str, ...]


def source(dataset: datasets.Dataset) -> AvailableImages:
    """What a plan must know of a decoded data set."""
    return AvailableImages(
        train_images=len(dataset.train_images),
        test_images=_count(dataset.test_images),
        channels=dataset.train_images.shape[-1],
        classes=len(dataset.classes),
        sha256=dataset.sha256,
        validation_images=_count(dataset.validation_images),
    )


def _count(images: NDArray[np.uint8] | None) -> int:
    return 0 if images is None else len(images)


def prepare(plan: Plan, seed: int) -> Prepared:
    """Load, split and normalise; DataError if the data are not those that were planned for."""
    data = datasets.load(plan.settings.dataset, plan.data_root, plan.input_size, plan.settings.fit)
    if data.sha256 != plan.data_sha256:
        raise DataError(
            f"{plan.settings.dataset} has changed since the run was planned: its content had the "
            f"hash {plan.data_sha256} and has {data.sha256}; start a new run"
        )
    rows = order.split(
        seed,
        plan.pool_images,
        plan.settings.train_size,
        0 if plan.own_validation_set else plan.settings.val_size,
        0 if plan.own_test_set else plan.settings.test_size,
        last=plan.settings.split == "last",
        in_file_order=plan.settings.order == "file",
    )
    about = datasets.describe(plan.settings.dataset, plan.data_root)
    raw = data.train_images[rows.train]
    mean, std = statistics(raw)
    mean, std = plan.settings.mean or mean, plan.settings.std or std
    test_mean, test_std = plan.settings.test_mean or mean, plan.settings.test_std or std
    if data.test_images is None or data.test_labels is None:
        test = data.train_images[rows.test], data.train_labels[rows.test]
    else:
        test = (
            data.test_images[: plan.settings.test_size],
            data.test_labels[: plan.settings.test_size],
        )
    if data.validation_images is None or data.validation_labels is None:
        validation = data.train_images[rows.validation], data.train_labels[rows.validation]
    else:
        validation = (
            data.validation_images[: plan.settings.val_size],
            data.validation_labels[: plan.settings.val_size],
        )
    return Prepared(
        train=examples(raw, data.train_labels[rows.train], mean, std),
        validation=examples(*validation, mean, std),
        test=examples(*test, test_mean, test_std),
        mean=mean,
        std=std,
        test_mean=test_mean,
        test_std=test_std,
        split_sha256=order.split_sha256(rows),
        classes=data.classes,
        native_size=about.shape[:2],
        notes=(*about.notes, *data.notes),
    )


def order_of(plan: Plan, cell: Cell, epoch: int) -> EpochBatches:
    """What the cell trains on in an epoch, counted from 0."""
    return order.epoch_order(
        cell.seed,
        epoch,
        plan.settings.train_size,
        cell.batch_size,
        shuffled=plan.settings.order == "shuffled",
        drop_last=plan.settings.drop_last,
    )


def examples(
    images: NDArray[np.uint8],
    labels: NDArray[np.int32],
    mean: Sequence[float],
    std: Sequence[float],
) -> Examples:
    """Images (N, H, W, C), normalised, with their labels (N,)."""
    return Examples(normalise(images, mean, std), np.ascontiguousarray(labels))
