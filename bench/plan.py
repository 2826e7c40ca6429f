"""Options → a validated plan: which cells, on which data, with which settings."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bench import frameworks, machine, models, options, regimes
from bench.contract import Device, ModelSpec, OptimizerSpec
from bench.datasets import Fit
from bench.errors import UsageError
from bench.options import Options, Save
from bench.presets import Preset, preset
from bench.regimes import MATCHED, Default, Regime, Setting

INPUT_SIZE = (32, 32)


@dataclass(frozen=True, slots=True)
class Source:
    """What a plan must know of a data set; counts are of images.

    `test_images` is 0 where the data set brings no test set. `sha256` is None where the data
    set has not been fetched yet.
    """

    train_images: int
    test_images: int
    channels: int
    classes: int
    sha256: str | None


class Cell(BaseModel):
    """One process: a framework on a device with a seed, in a regime (see `bench.regimes`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: str
    device: Device
    seed: int
    regime: str = MATCHED

    @property
    def name(self) -> str:
        """Unique within a run and fit for a file name; the regime is in it unless matched."""
        regime = "" if self.regime == MATCHED else f"-{self.regime}"
        framework = frameworks.in_file_names(self.framework)
        return f"{framework}-{self.device}{regime}-seed{self.seed}"


class Start(BaseModel):
    """The checkpoint that training goes on from.

    `sha256` is that of its content; `epoch` is how many epochs had been trained in `framework`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    sha256: str
    framework: str
    epoch: int


class Plan(BaseModel):
    """Everything that decides what a run computes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frameworks: tuple[str, ...]
    devices: tuple[Device, ...]
    seeds: tuple[int, ...]
    regimes: tuple[Regime, ...] = ("matched",)
    dataset: str
    data_root: Path
    data_sha256: str | None
    pool_images: int
    own_test_set: bool
    channels: int
    classes: int
    train_size: int
    val_size: int
    test_size: int
    fit: Fit
    pixel_mean: tuple[float, ...] | None
    pixel_std: tuple[float, ...] | None
    model: str
    epochs: int
    batch_size: int
    optimizer: OptimizerSpec
    weight_decay_is_given: bool = True
    learning_rate: float
    target_accuracy: float | None
    threads: int
    timeout_s: float
    unverified: bool = False
    save: tuple[Save, ...] = ()
    save_every: int | None = None
    start: Start | None = None

    @property
    def epochs_before(self) -> int:
        """How many of the epochs were trained before the run, and came in a checkpoint."""
        return self.start.epoch if self.start else 0

    def spec(self) -> ModelSpec:
        """The network that the plan trains."""
        return models.build(self.model, (*INPUT_SIZE, self.channels), self.classes)

    def own_defaults(self, framework: str) -> tuple[Default, ...]:
        """The framework's defaults that change something in what this plan trains."""
        return regimes.differing(
            frameworks.named(framework).own,
            self.optimizer,
            decay_is_given=self.weight_decay_is_given,
        )

    def setting(self, cell: Cell) -> Setting:
        """A cell's optimizer, and the distributions that its initial weights are drawn from."""
        return regimes.setting(cell.regime, self.optimizer, self.own_defaults(cell.framework))

    def cells(self) -> tuple[Cell, ...]:
        """The cells in the order in which they run: a block a seed, shuffled within the block.

        The shuffle depends on the seed alone, so that a resumed run keeps its order.
        """
        regimes_of = {
            name: regimes.names(self.regimes, self.own_defaults(name)) for name in self.frameworks
        }
        ordered: list[Cell] = []
        for seed in self.seeds:
            block = [
                Cell(framework=name, device=device, seed=seed, regime=regime)
                for name in self.frameworks
                for device in self.devices
                for regime in regimes_of[name]
            ]
            random.Random(seed).shuffle(block)  # noqa: S311 - an order, not a secret
            ordered += block
        return tuple(ordered)


def make(asked: Options, source: Source) -> Plan:
    """The plan for these options; UsageError says what cannot be and what could."""
    usual = preset(asked.dataset)
    train_size, val_size, test_size = sizes(asked, usual, source)
    threads = options.default(asked.threads, len(machine.usable_cpus()))
    plan = Plan(
        frameworks=options.distinct("--frameworks", asked.frameworks),
        devices=options.distinct("--devices", asked.devices),
        seeds=options.seeds(asked.seeds),
        regimes=options.regimes(asked.regime),
        dataset=asked.dataset,
        data_root=asked.data_root,
        data_sha256=source.sha256,
        pool_images=source.train_images,
        own_test_set=source.test_images > 0,
        channels=source.channels,
        classes=source.classes,
        train_size=train_size,
        val_size=val_size,
        test_size=test_size,
        fit=options.fit(asked.fit, usual),
        pixel_mean=options.per_channel("--mean", asked.mean, source.channels, positive=False),
        pixel_std=options.per_channel("--std", asked.std, source.channels, positive=True),
        model=asked.model,
        epochs=options.at_least(1, "--epochs", options.default(asked.epochs, usual.epochs)),
        batch_size=options.batch_size(
            options.default(asked.batch_size, min(usual.batch_size, train_size)), train_size
        ),
        optimizer=options.optimizer(asked.optimizer, asked.momentum, asked.weight_decay),
        weight_decay_is_given=asked.weight_decay is not None,
        learning_rate=options.learning_rate(asked),
        target_accuracy=options.target(asked.target, usual, val_size),
        threads=options.at_least(1, "--threads", threads),
        timeout_s=options.above_zero("--timeout", asked.timeout),
        unverified=asked.unverified,
        save=options.save(asked.save),
        save_every=None
        if asked.save_every is None
        else options.at_least(1, "--save-every", asked.save_every),
    )
    plan.spec()
    if not plan.cells():
        raise UsageError(
            f"--regime each changes one default at a time, and {', '.join(plan.frameworks)} has "
            f"none that differs with {plan.optimizer.name}: add matched or native, or another "
            "framework"
        )
    return plan


def warnings(plan: Plan) -> list[str]:
    """What a person should know before the run, though it can go on."""
    usable = len(machine.usable_cpus())
    if plan.threads <= usable:
        return []
    return [
        f"--threads {plan.threads} is more than the {usable} CPUs that this process may use: "
        "threads will wait for each other, and the figures will be worse than they could be"
    ]


def notes(plan: Plan) -> list[str]:
    """What a plan does not hold, though one might look for it."""
    if plan.regimes == (MATCHED,):
        return []
    return [
        f"{name}: its own defaults are the matched setting with {plan.optimizer.name}, so that "
        "its regime native is matched again, and there is no default to change alone"
        for name in plan.frameworks
        if not plan.own_defaults(name)
    ]


def sizes(asked: Options, usual: Preset, source: Source) -> tuple[int, int, int]:
    """Images for training, validation and test; what is not asked for takes what is left."""
    pool = source.train_images
    test_pool = source.test_images or pool
    test = options.default(asked.test_size, source.test_images or round(usual.test * pool))
    if options.at_least(1, "--test-size", test) > test_pool:
        raise UsageError(
            f"--test-size {test} is too large: {asked.dataset} has {test_pool} images for it"
        )
    val = options.default(
        asked.val_size, round(usual.validation * options.default(asked.train_size, pool))
    )
    options.at_least(0, "--val-size", val)
    reserved = val if source.test_images else val + test
    train = options.default(asked.train_size, max(pool - reserved, 0))
    options.at_least(0 if asked.train_size is None else 1, "--train-size", train)
    if train == 0 or train + reserved > pool:
        of_test = "" if source.test_images else f" + {test} for the test"
        raise UsageError(
            f"{max(train, 1)} images to train + {val} to validate{of_test} are more than the "
            f"{pool} that {asked.dataset} has: give smaller sizes"
        )
    return train, val, test
