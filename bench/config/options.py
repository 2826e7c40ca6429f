"""What a person may ask for, and the checks that each answer passes.

Every check returns the value to use, or raises a UsageError that names the option, what was given
and what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict

from bench.config.defaults import LEARNING_RATES, WEIGHT_DECAYS, Preset
from bench.config.published import Reproduced
from bench.contract import Device, OptimizerName, OptimizerSpec
from bench.datasets import Fit
from bench.errors import UnknownNameError, UsageError
from bench.frameworks.regimes import MATCHED, REGIMES, Regime
from bench.workload.models import USUAL_MODEL
from bench.workload.training import Training

Save = Literal["best", "last"]
WINDOWS, WINDOW_S = 20, 0.25
LEAST_WINDOWS = 4  # two halves of two
LEAST_REPEATS = 3  # that an interval can be told from
MOST_REPEATS = 30
Value = TypeVar("Value")
Distinct = TypeVar("Distinct", bound=Hashable)


class Options(BaseModel):
    """What a person asked for; None stands for the data set's or the machine's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frameworks: tuple[str, ...]
    devices: tuple[Device, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    regime: tuple[str, ...] = (MATCHED,)
    dataset: str = "digits"
    data_root: Path
    train_size: int | None = None
    val_size: int | None = None
    test_size: int | None = None
    fit: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    model: str = USUAL_MODEL
    activation: str | None = None
    pooling: str | None = None
    dropout: float = 0.0
    noise: float = 0.0
    epochs: int | None = None
    batch_sizes: tuple[int, ...] | None = None
    optimizer: str = "adam"
    lr: float | None = None
    momentum: float = 0.0
    weight_decay: float | None = None
    target: float | None = None
    threads: tuple[int, ...] | None = None
    timeout: float = 3600.0
    throughput_only: bool = False
    precision: float | None = None
    min_repeats: int | None = None
    max_repeats: int | None = None
    tensorboard: bool = False
    windows: int = WINDOWS
    window: float = WINDOW_S
    unverified: bool = False
    save: tuple[str, ...] = ("best",)
    save_every: int | None = None
    training: Training = Training()
    recipe: Reproduced | None = None


def default(value: Value | None, otherwise: Value) -> Value:
    """The value, or the other where none was given; 0 is a value."""
    return otherwise if value is None else value


def at_least(lowest: int, option: str, value: int) -> int:
    """A whole number not below `lowest`."""
    if value < lowest:
        raise UsageError(f"{option} {value} is too small: give {lowest} or more")
    return value


def above_zero(option: str, value: float) -> float:
    """A finite number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{option} {value:g} is not a finite number above 0")
    return value


def distinct(option: str, values: tuple[Distinct, ...]) -> tuple[Distinct, ...]:
    """At least one value, and none twice."""
    if not values:
        raise UsageError(f"{option} names nothing: give one value or several with commas between")
    twice = [str(value) for value in dict.fromkeys(values) if values.count(value) > 1]
    if twice:
        raise UsageError(f"{option} names {', '.join(twice)} more than once")
    return values


def seeds(values: tuple[int, ...]) -> tuple[int, ...]:
    """Distinct whole numbers from 0."""
    for value in values:
        at_least(0, "--seeds", value)
    return distinct("--seeds", values)


def regimes(values: tuple[str, ...]) -> tuple[Regime, ...]:
    """Distinct known regimes."""
    for value in values:
        if value not in REGIMES:
            raise UnknownNameError("regime", value, REGIMES)
    return cast(tuple[Regime, ...], distinct("--regime", values))


def batch_sizes(values: tuple[int, ...], train_size: int) -> tuple[int, ...]:
    """Distinct numbers of images, each at least one and at most the training set."""
    for value in values:
        at_least(1, "--batch-size", value)
        if value > train_size:
            raise UsageError(
                f"--batch-size {value} is larger than the training set of {train_size} images: "
                "give a smaller batch or a larger --train-size"
            )
    return distinct("--batch-size", values)


def threads(values: tuple[int, ...]) -> tuple[int, ...]:
    """Distinct numbers of threads, each at least one."""
    for value in values:
        at_least(1, "--threads", value)
    return distinct("--threads", values)


def precision(value: float | None) -> float | None:
    """The half-width that an interval shall have, as a share of the figure."""
    if value is not None and not 0 < value < 1:
        raise UsageError(
            f"--precision {value:.4g} is not a share above 0 and below 1: give one such as 2% or "
            "0.02"
        )
    return value


def repeats(options: Options) -> tuple[int, int]:
    """The least and the most processes of each kind of cell.

    Without --precision there is nothing to wait for, so that the two are the same.
    """
    trained = len(options.seeds)
    usual = max(trained, LEAST_REPEATS) if options.precision else trained
    least = at_least(1, "--min-repeats", default(options.min_repeats, usual))
    if options.precision is None:
        if options.max_repeats is not None:
            raise UsageError(
                f"--max-repeats {options.max_repeats} has no meaning without --precision: give "
                "one, such as --precision 2%, or --min-repeats for a fixed number"
            )
        return max(least, trained), max(least, trained)
    most = default(options.max_repeats, max(MOST_REPEATS, least))
    if most < max(least, LEAST_REPEATS, trained):
        raise UsageError(
            f"--max-repeats {most} is too small: give {max(least, LEAST_REPEATS, trained)} or "
            f"more, for {trained} seed(s), at least {least} repeats, and an interval from "
            f"{LEAST_REPEATS}"
        )
    return max(least, trained), most


def optimizer_name(given: str) -> OptimizerName:
    """A known optimizer."""
    if given not in get_args(OptimizerName):
        raise UnknownNameError("optimizer", given, get_args(OptimizerName))
    return cast(OptimizerName, given)


def optimizer(given: str, momentum: float, weight_decay: float | None) -> OptimizerSpec:
    """The optimizer with its constants; momentum only where the optimizer has one."""
    name = optimizer_name(given)
    if not 0 <= momentum < 1:
        raise UsageError(f"--momentum {momentum:g} is not allowed: give 0 or more, below 1")
    if momentum and name not in ("sgd", "rmsprop"):
        raise UsageError(
            f"--momentum {momentum:g} has no meaning for {name}: leave it out, or take "
            "--optimizer sgd or rmsprop"
        )
    decay = default(weight_decay, WEIGHT_DECAYS[name])
    if not 0 <= decay < math.inf:
        raise UsageError(f"--weight-decay {decay:g} is not a finite number from 0")
    return OptimizerSpec(name, momentum=momentum, weight_decay=decay)


def learning_rate(options: Options) -> float:
    """The learning rate asked for, or the optimizer's usual one."""
    usual = LEARNING_RATES[optimizer_name(options.optimizer)]
    return above_zero("--lr", default(options.lr, usual))


def target(options: Options, preset: Preset, val_size: int) -> float | None:
    """A validation accuracy; None where nothing is trained or validated that could reach it."""
    given = options.target
    if given is None:
        return preset.target if val_size and not options.throughput_only else None
    if options.throughput_only:
        raise UsageError(
            f"--target {given:g} is never reached with --throughput-only: leave it out"
        )
    if not 0 < given <= 1:
        raise UsageError(f"--target {given:g} is not an accuracy: give one above 0 and at most 1")
    if not val_size:
        raise UsageError(f"--target {given:g} is judged on validation images, and --val-size is 0")
    return given


def fit(given: str | None, preset: Preset) -> Fit:
    """How images come to the model's size."""
    if given is None:
        return preset.fit
    if given not in get_args(Fit):
        raise UnknownNameError("way to fit images", given, get_args(Fit))
    return cast(Fit, given)


def save(words: tuple[str, ...]) -> tuple[Save, ...]:
    """Which checkpoints are kept; `none` stands alone."""
    for word in words:
        if word not in (*get_args(Save), "none"):
            raise UnknownNameError("checkpoint to save", word, (*get_args(Save), "none"))
    if "none" in words and len(words) > 1:
        raise UsageError(f"--save {','.join(words)} contradicts itself: give none alone, or others")
    chosen = distinct("--save", words)
    return () if "none" in words else cast(tuple[Save, ...], chosen)


def per_channel(
    option: str, values: tuple[float, ...] | None, channels: int, *, positive: bool
) -> tuple[float, ...] | None:
    """A finite number for each channel; a single one stands for all of them."""
    if values is None:
        return None
    if len(values) not in (1, channels):
        raise UsageError(
            f"{option} has {len(values)} values for images of {channels} channels: "
            f"give {' or '.join(dict.fromkeys(('1', str(channels))))}"
        )
    for value in values:
        if positive:
            above_zero(option, value)
        elif not math.isfinite(value):
            raise UsageError(f"{option} {value:g} is not a finite number")
    return values * channels if len(values) == 1 else values
