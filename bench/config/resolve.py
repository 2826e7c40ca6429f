"""Settings against each other and against the data: what was left open is filled in.

Each function returns what the plan takes, or raises a UsageError that names the option, what was
given and what is allowed. What a setting may be by itself is checked in `bench.config.settings`.
"""

from __future__ import annotations

from typing import Literal, cast

from bench.config.checks import above_zero, at_least, below_one, default, from_zero
from bench.config.defaults import LEARNING_RATES, WEIGHT_DECAYS, Preset
from bench.config.settings import DECLARED, Settings
from bench.contract import OptimizerName, OptimizerSpec
from bench.datasets import Fit
from bench.errors import UsageError

Save = Literal["best", "last"]
LEAST_REPEATS = 3  # that an interval can be told from
MOST_REPEATS = 30


def batch_sizes(asked: Settings, preset: Preset, train_size: int) -> tuple[int, ...]:
    """Numbers of images, each at most the training set."""
    values = default(asked.batch_sizes, (min(preset.batch_size, train_size),))
    for value in values:
        if value > train_size:
            raise UsageError(
                f"--batch-size {value} is larger than the training set of {train_size} images: "
                "give a smaller batch or a larger --train-size"
            )
    return values


def repeats(asked: Settings) -> tuple[int, int]:
    """The least and the most processes of each kind of cell.

    Without --precision there is nothing to wait for, so that the two are the same.
    """
    trained = len(asked.seeds)
    usual = max(trained, LEAST_REPEATS) if asked.precision else trained
    least = at_least(1, "--min-repeats", default(asked.min_repeats, usual))
    if asked.precision is None:
        if asked.max_repeats is not None:
            raise UsageError(
                f"--max-repeats {asked.max_repeats} has no meaning without --precision: give "
                "one, such as --precision 2%, or --min-repeats for a fixed number"
            )
        return max(least, trained), max(least, trained)
    most = default(asked.max_repeats, max(MOST_REPEATS, least))
    if most < max(least, LEAST_REPEATS, trained):
        raise UsageError(
            f"--max-repeats {most} is too small: give {max(least, LEAST_REPEATS, trained)} or "
            f"more, for {trained} seed(s), at least {least} repeats, and an interval from "
            f"{LEAST_REPEATS}"
        )
    return max(least, trained), most


def optimizer_name(given: str) -> OptimizerName:
    """A known optimizer."""
    return cast(OptimizerName, DECLARED["optimizer"].about.check("--optimizer", given))


def optimizer(name: OptimizerName, momentum: float, weight_decay: float | None) -> OptimizerSpec:
    """The optimizer with its constants; momentum only where the optimizer has one."""
    if below_one("--momentum", momentum) and name not in ("sgd", "rmsprop"):
        raise UsageError(
            f"--momentum {momentum:g} has no meaning for {name}: leave it out, or take "
            "--optimizer sgd or rmsprop"
        )
    decay = from_zero("--weight-decay", default(weight_decay, WEIGHT_DECAYS[name]))
    return OptimizerSpec(name, momentum=momentum, weight_decay=decay)


def learning_rate(asked: Settings) -> float:
    """The learning rate asked for, or the optimizer's usual one."""
    usual = LEARNING_RATES[optimizer_name(asked.optimizer)]
    return above_zero("--lr", default(asked.lr, usual))


def target(asked: Settings, preset: Preset, val_size: int) -> float | None:
    """A validation accuracy; None where nothing is trained or validated that could reach it."""
    given = asked.target
    if given is None:
        return preset.target if val_size and not asked.throughput_only else None
    if asked.throughput_only:
        raise UsageError(
            f"--target {given:g} is never reached with --throughput-only: leave it out"
        )
    if not val_size:
        raise UsageError(f"--target {given:g} is judged on validation images, and --val-size is 0")
    return given


def fit(asked: Settings, preset: Preset) -> Fit:
    """How images come to the model's size."""
    return cast(Fit, default(asked.fit, preset.fit))


def save(asked: Settings) -> tuple[Save, ...]:
    """Which checkpoints are kept."""
    return cast(tuple[Save, ...], tuple(word for word in asked.save if word != "none"))


def per_channel(
    option: str, values: tuple[float, ...] | None, channels: int
) -> tuple[float, ...] | None:
    """A number for each channel; a single one stands for all of them."""
    if values is None:
        return None
    if len(values) not in (1, channels):
        raise UsageError(
            f"{option} has {len(values)} values for images of {channels} channels: "
            f"give {' or '.join(dict.fromkeys(('1', str(channels))))}"
        )
    return values * channels if len(values) == 1 else values
