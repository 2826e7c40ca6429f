"""Settings against each other and against the data: what was not given is filled in.

Each function takes what was given, None where nothing was, and returns what the run uses, or raises
a UsageError that names the option, what was given and what is allowed. What a setting may be by
itself is checked before, see `bench.config.settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bench.choices import OptimizerName
from bench.config.checks import below_one, default, from_zero
from bench.config.declaration import SAVED, SCHEDULE
from bench.config.defaults import WEIGHT_DECAYS, Preset
from bench.config.settings import DECLARED
from bench.contract import OptimizerSpec
from bench.errors import UsageError

LEAST_REPEATS = 3  # that an interval can be told from
MOST_REPEATS = 30
# Beside what stands in the panels of schedules and checkpoints.
_OF_TRAINING = ("epochs", "tensorboard")


def batch_sizes(given: tuple[int, ...] | None, preset: Preset, train_size: int) -> tuple[int, ...]:
    """Numbers of images, each at most the training set."""
    values = default(given, (min(preset.batch_size, train_size),))
    for value in values:
        if value > train_size:
            raise UsageError(
                f"--batch-size {value} is larger than the training set of {train_size} images: "
                "give a smaller batch or a larger --train-size"
            )
    return values


def repeats(
    seeds: int, precision: float | None, least: int | None, most: int | None
) -> tuple[int, int]:
    """The least and the most processes of each kind of cell, for so many seeds.

    Without --precision there is nothing to wait for, so that the two are the same.
    """
    usual = max(seeds, LEAST_REPEATS) if precision else seeds
    least = default(least, usual)
    if precision is None:
        if most is not None:
            raise UsageError(
                f"--max-repeats {most} has no effect without --precision: give one, such as "
                "--precision 2%, or --min-repeats for a fixed number"
            )
        return max(least, seeds), max(least, seeds)
    most = default(most, max(MOST_REPEATS, least))
    if most < max(least, LEAST_REPEATS, seeds):
        raise UsageError(
            f"--max-repeats {most} is too small: give {max(least, LEAST_REPEATS, seeds)} or "
            f"more, for {seeds} seed(s), at least {least} repeats, and an interval from "
            f"{LEAST_REPEATS}"
        )
    return max(least, seeds), most


def optimizer_name(given: str) -> OptimizerName:
    """A known optimizer."""
    return cast(OptimizerName, DECLARED["optimizer"].about.check("--optimizer", given))


def optimizer(name: OptimizerName, momentum: float, weight_decay: float | None) -> OptimizerSpec:
    """The optimizer with its constants; momentum only where the optimizer has one."""
    if below_one("--momentum", momentum) and name not in ("sgd", "rmsprop"):
        raise UsageError(
            f"--momentum {momentum:g} does not apply to {name}: leave it out, or take "
            "--optimizer sgd or rmsprop"
        )
    decay = from_zero("--weight-decay", default(weight_decay, WEIGHT_DECAYS[name]))
    return OptimizerSpec(name, momentum=momentum, weight_decay=decay)


def target(
    given: float | None, preset: Preset, val_size: int, *, throughput_only: bool
) -> float | None:
    """A validation accuracy; None where nothing is trained or validated that could reach it."""
    if given is None:
        return preset.target if val_size and not throughput_only else None
    if throughput_only:
        raise UsageError(
            f"--target {given:g} is never reached with --throughput-only: leave it out"
        )
    if not val_size:
        raise UsageError(f"--target {given:g} needs validation images, and --val-size is 0")
    return given


def without_effect(typed: Mapping[str, Any]) -> list[str]:
    """The options of a training that a person gave beside --throughput-only, which trains none."""
    if not typed.get("throughput_only"):
        return []
    return [
        DECLARED[name].flag
        for name, value in typed.items()
        if name in _OF_TRAINING or DECLARED[name].about.panel in (SCHEDULE, SAVED)
        if value not in (False, ("none",))
    ]


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
