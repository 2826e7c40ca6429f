"""Settings of a training against each other: its constants filled in, or a UsageError."""

from __future__ import annotations

from dataclasses import replace

from bench.config.checks import default
from bench.config.resolve import per_channel
from bench.config.settings import Settings
from bench.errors import UsageError
from bench.workload import initialisers

FACTOR, PATIENCE, FLOOR = 0.1, 5, 1e-6  # those of the Flux model zoo's example
KERAS_DEFAULT = ("glorot_uniform", initialisers.ZEROS)  # what `--init keras` stands for


def completed(asked: Settings, channels: int) -> Settings:
    """The settings with the constants of their training; images have so many channels."""
    if asked.deterministic and "gpu" in asked.devices:
        raise UsageError("--deterministic works on the CPU only: add --devices cpu")
    _require_validation(asked)
    return replace(
        _initialised(_scheduled(asked)),
        mean=per_channel("--mean", asked.mean, channels),
        std=per_channel("--std", asked.std, channels),
        test_mean=per_channel("--test-mean", asked.test_mean, channels),
        test_std=per_channel("--test-std", asked.test_std, channels),
    )


def _scheduled(asked: Settings) -> Settings:
    """The schedule with its constants, which mean nothing where the rate is constant."""
    given = {name: getattr(asked, name) for name in ("factor", "patience", "floor")}
    if asked.schedule == "constant":
        useless = [f"--{name} {value:g}" for name, value in given.items() if value is not None]
        if useless:
            raise UsageError(
                f"{', '.join(useless)} has no effect with a constant learning rate: add "
                "--schedule plateau, or leave it out"
            )
        return asked
    return replace(
        asked,
        factor=default(asked.factor, FACTOR),
        patience=default(asked.patience, PATIENCE),
        floor=default(asked.floor, FLOOR),
    )


def _require_validation(asked: Settings) -> None:
    """UsageError where validation images are asked for something, and there are none."""
    if asked.val_size:
        return
    judged = {
        "--schedule plateau": asked.schedule == "plateau",
        "--stop-at": asked.stop_at is not None,
        "--stop-patience": asked.stop_patience is not None,
    }
    waiting = [name for name, is_asked in judged.items() if is_asked]
    if waiting and asked.monitor == "val":
        raise UsageError(
            f"{', '.join(waiting)} needs validation images, and --val-size is 0: give some, "
            "or --monitor test"
        )
    if asked.val_every is not None:
        raise UsageError(
            f"--val-every {asked.val_every} needs validation images, and --val-size is 0"
        )


def _initialised(asked: Settings) -> Settings:
    """Initial weights by the names of `bench.workload.initialisers`; keras is a pair of them."""
    if asked.init != "keras":
        return asked
    kernel, bias = KERAS_DEFAULT
    return replace(asked, init=kernel, bias_init=asked.bias_init or bias)
