"""Checks of a training's settings, as those of `bench.config.options`: a value or a UsageError."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import get_args

from bench.config import options
from bench.contract import Device
from bench.errors import UnknownNameError, UsageError
from bench.workload import initialisers
from bench.workload.training import ImageOrder, Monitor, Part, Schedule, Split, Ties, Training

FACTOR, PATIENCE, FLOOR = 0.1, 5, 1e-6  # those of the Flux model zoo's example
KERAS_DEFAULT = ("glorot_uniform", initialisers.ZEROS)  # what `--init keras` stands for


def checked(
    asked: Training, val_size: int, channels: int, devices: Sequence[Device] = ("cpu",)
) -> Training:
    """The training with its defaults filled in; `val_size` counts validation images."""
    if asked.deterministic and "gpu" in devices:
        raise UsageError("--deterministic holds on the CPU alone: give --devices cpu, too")
    for what, given, allowed in (
        ("schedule", asked.schedule, get_args(Schedule)),
        ("set to monitor", asked.monitor, get_args(Monitor)),
        ("choice of ties", asked.ties, get_args(Ties)),
        ("split", asked.split, get_args(Split)),
        ("order", asked.order, get_args(ImageOrder)),
        *(("part to evaluate", part, get_args(Part)) for part in asked.evaluate),
    ):
        _known(what, given, allowed)
    if asked.evaluate:
        options.distinct("--evaluate", asked.evaluate)
    for option, value in (
        ("--stop-patience", asked.stop_patience),
        ("--val-every", asked.val_every),
        ("--first", asked.first),
    ):
        if value is not None:
            options.at_least(1, option, value)
    if asked.stop_at is not None and not 0 < asked.stop_at <= 1:
        raise UsageError(
            f"--stop-at {asked.stop_at:g} is not an accuracy: give one above 0 and at most 1"
        )
    _require_validation(asked, val_size)
    return replace(
        _initialised(_scheduled(asked)),
        test_mean=options.per_channel("--test-mean", asked.test_mean, channels, positive=False),
        test_std=options.per_channel("--test-std", asked.test_std, channels, positive=True),
    )


def _known(what: str, given: str | None, allowed: Iterable[str]) -> None:
    if given is not None and given not in allowed:
        raise UnknownNameError(what, given, allowed)


def _scheduled(asked: Training) -> Training:
    """The schedule with its constants, which mean nothing where the rate is constant."""
    given = {name: getattr(asked, name) for name in ("factor", "patience", "floor")}
    if asked.schedule == "constant":
        useless = [f"--{name} {value:g}" for name, value in given.items() if value is not None]
        if useless:
            raise UsageError(
                f"{', '.join(useless)} has no meaning with a constant learning rate: add "
                "--schedule plateau, or leave it out"
            )
        return asked
    factor = options.default(asked.factor, FACTOR)
    if not 0 < factor < 1:
        raise UsageError(f"--factor {factor:g} is not allowed: give a number above 0, below 1")
    floor = options.default(asked.floor, FLOOR)
    if not 0 <= floor < math.inf:
        raise UsageError(f"--floor {floor:g} is not a finite number from 0")
    patience = options.at_least(1, "--patience", options.default(asked.patience, PATIENCE))
    return replace(asked, factor=factor, patience=patience, floor=floor)


def _require_validation(asked: Training, val_size: int) -> None:
    """UsageError where validation images are asked for something, and there are none."""
    if val_size:
        return
    judged = {
        "--schedule plateau": asked.schedule == "plateau",
        "--stop-at": asked.stop_at is not None,
        "--stop-patience": asked.stop_patience is not None,
    }
    waiting = [name for name, is_asked in judged.items() if is_asked]
    if waiting and asked.monitor == "val":
        raise UsageError(
            f"{', '.join(waiting)} is judged on validation images, and --val-size is 0: give some, "
            "or --monitor test"
        )
    if asked.val_every is not None:
        raise UsageError(
            f"--val-every {asked.val_every} needs validation images, and --val-size is 0"
        )


def _initialised(asked: Training) -> Training:
    """Initial weights by the names of `bench.workload.initialisers`; keras is a pair of them."""
    kernels = (initialisers.PYTORCH, *initialisers.KERNELS)
    biases = (initialisers.PYTORCH, initialisers.ZEROS)
    if asked.bias_init is not None and asked.bias_init not in biases:
        raise UnknownNameError("initialisation of biases", asked.bias_init, biases)
    if asked.init == "keras":
        kernel, bias = KERAS_DEFAULT
        return replace(asked, init=kernel, bias_init=asked.bias_init or bias)
    if asked.init is not None and asked.init not in kernels:
        raise UnknownNameError("initialisation", asked.init, (*kernels, "keras"))
    return asked
