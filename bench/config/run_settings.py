"""The settings of a run: which cells it has, and how they are measured and kept.

Light to import, and with real annotations, as `bench.config.training_settings`.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from bench.choices import Device, Regime
from bench.config import checks, parsing, variables
from bench.config.declaration import (
    COUNT,
    DATA,
    DECIDES,
    RUNNING,
    SAVED,
    SPEED,
    TRAINING,
    WHAT,
    Setting,
    choice,
)
from bench.errors import UsageError

LEAST_WINDOWS = 4  # two halves of two


def _saved(option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    allowed = checks.one_of("checkpoint to save", lambda: ("best", "last", "none"))
    checks.each(allowed)(option, values)
    if "none" in values and len(values) > 1:
        raise UsageError(
            f"{option} {','.join(values)} contradicts itself: give none alone, or others"
        )
    return values


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a run goes: its cells, how they are measured, what is kept of them.

    The default of a field that has none depends on the machine or on other settings: see
    `bench.config.plan.make`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    frameworks: Annotated[
        tuple[str, ...],
        Setting(
            "Frameworks, such as torch,keras,flax. Default: all that are installed.",
            WHAT,
            checks.distinct,
            partial(parsing.words, such_as="torch,keras"),
        ),
    ]
    devices: Annotated[
        tuple[Device, ...],
        Setting(
            "Devices: cpu, gpu, cpu,gpu, or auto (gpu if every framework sees one). Default: auto.",
            WHAT,
            checks.each(choice("device", Device, "auto")),
            partial(parsing.words, such_as="cpu,gpu"),
        ),
    ]
    seeds: Annotated[
        tuple[int, ...],
        Setting(
            "Random seeds, one training each: of split, order and initial weights.",
            WHAT,
            checks.each(partial(checks.at_least, 0)),
            parsing.whole_numbers,
            recipe="allowed",
        ),
    ] = (0, 1, 2)
    regimes: Annotated[
        tuple[Regime, ...],
        Setting(
            "matched: everything equal. native: the defaults of each framework. each: matched, "
            "except for one such default at a time.",
            WHAT,
            checks.each(choice("regime", Regime)),
            partial(parsing.words, such_as="matched,native"),
            flag="--regime",
        ),
    ] = ("matched",)
    data_root: Annotated[
        Path | None,
        Setting("Folder of the data sets, in torchvision's layout.", DATA, checks.folder),
    ] = None
    batch_sizes: Annotated[
        tuple[int, ...],
        Setting(
            "Images per step; several, such as 32,128, are compared. Default: by data set.",
            TRAINING,
            checks.each(COUNT),
            parsing.whole_numbers,
            flag="--batch-size",
            also="--batch-sizes",
            recipe=DECIDES,
        ),
    ]
    threads: Annotated[
        tuple[int, ...],
        Setting(
            "CPU threads of each framework; several, such as 1,2, are compared. Default: all.",
            RUNNING,
            checks.each(COUNT),
            parsing.whole_numbers,
        ),
    ]
    env: Annotated[
        tuple[str, ...],
        Setting(
            "Environment variable for all frameworks, NAME=VALUE, or for one, flax:NAME=VALUE. "
            "May be repeated.",
            RUNNING,
            variables.check,
            repeated=True,
        ),
    ] = ()
    timeout_s: Annotated[
        float,
        Setting("Time limit of a cell, in seconds.", RUNNING, checks.above_zero, flag="--timeout"),
    ] = 3600.0
    unverified: Annotated[
        bool,
        Setting(
            "Skip verification; every result is marked.",
            RUNNING,
            checks.yes_or_no,
        ),
    ] = False
    throughput_only: Annotated[
        bool,
        Setting("Measure speed only; do not train to the end.", SPEED, checks.yes_or_no),
    ] = False
    precision: Annotated[
        float | None,
        Setting(
            "Add processes until each 95 % interval of images/s is ± this share at most, such as "
            "2%.",
            SPEED,
            checks.share,
            parsing.share,
        ),
    ] = None
    min_repeats: Annotated[
        int,
        Setting(
            "Fewest processes of each kind. Default: one per seed; with --precision 3.",
            SPEED,
            COUNT,
        ),
    ]
    max_repeats: Annotated[
        int, Setting("Most processes of each kind, with --precision. Default: 30.", SPEED, COUNT)
    ]
    windows: Annotated[
        int,
        Setting("Timed windows per process.", SPEED, partial(checks.at_least, LEAST_WINDOWS)),
    ] = 20
    window_s: Annotated[
        float,
        Setting(
            "Approximate length of a window, in seconds.", SPEED, checks.above_zero, flag="--window"
        ),
    ] = 0.25
    wait_for_quiet_s: Annotated[
        float,
        Setting(
            "Longest time, in total, to wait for other programs to leave the CPUs, such as 5m; "
            "then what they disturbed is repeated. 0s: neither wait nor repeat.",
            SPEED,
            checks.from_zero,
            parsing.duration,
            parsing.duration_as_typed,
            flag="--wait-for-quiet",
        ),
    ] = 60.0
    accept_disturbed: Annotated[
        bool,
        Setting(
            "Also compare what other programs disturbed; such figures are marked.",
            SPEED,
            checks.yes_or_no,
        ),
    ] = False
    save: Annotated[
        tuple[str, ...],
        Setting(
            "Checkpoints to keep: best, last, best,last, or none.",
            SAVED,
            _saved,
            partial(parsing.words, such_as="best,last, or none"),
            recipe="allowed",
        ),
    ] = ("best",)
    save_every: Annotated[
        int | None,
        Setting("Also keep one every N epochs.", SAVED, COUNT, recipe="allowed"),
    ] = None
    tensorboard: Annotated[
        bool,
        Setting(
            "Write event files for TensorBoard into the run's folder.", RUNNING, checks.yes_or_no
        ),
    ] = False
