"""Settings → a validated plan: which cells, on which data, with which settings."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict

from bench import datasets, frameworks
from bench.config import checks, resolve, settings
from bench.config.defaults import preset
from bench.config.resolve import Save
from bench.config.settings import Settings
from bench.config.split_sizes import AvailableImages, first_of, sizes
from bench.config.training_options import training_of
from bench.contract import Activation, Device, ModelOptions, ModelSpec, OptimizerSpec, Pooling
from bench.datasets import Fit
from bench.errors import UsageError
from bench.frameworks import regimes
from bench.frameworks.regimes import MATCHED, Default, Regime, Setting
from bench.system import machine
from bench.workload import models
from bench.workload.training import Training


class Cell(BaseModel):
    """One process: a framework on a device with a seed, in a regime, see `frameworks.regimes`.

    repeat           of the same seed, from 0; those after it measure speed alone
    throughput_only  whether speed alone is measured, without training to the end
    varied           what tells it from the others of a sweep, such as "-batch32-threads1"
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: str
    device: Device
    seed: int
    regime: str = MATCHED
    batch_size: int
    threads: int
    repeat: int = 0
    throughput_only: bool = False
    varied: str = ""

    @property
    def name(self) -> str:
        """Unique within a run and fit for a file name; the regime is in it unless matched."""
        framework = frameworks.in_file_names(self.framework)
        regime = "" if self.regime == MATCHED else f"-{self.regime}"
        repeat = f"-repeat{self.repeat}" if self.repeat else ""
        return f"{framework}-{self.device}{regime}{self.varied}-seed{self.seed}{repeat}"

    @property
    def group(self) -> tuple[str, str, int, int]:
        """What it shares with the cells that it is compared with, seed and repeat apart."""
        return self.device, self.regime, self.batch_size, self.threads

    @property
    def condition(self) -> tuple[str, str, str, int, int]:
        """What it shares with its own repetitions."""
        return (self.framework, *self.group)


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
    activation: Activation = "relu"
    pooling: Pooling = "max"
    dropout: float = 0.0
    noise: float = 0.0
    epochs: int
    batch_sizes: tuple[int, ...]
    optimizer: OptimizerSpec
    weight_decay_is_given: bool = True
    learning_rate: float
    target_accuracy: float | None
    thread_counts: tuple[int, ...]
    timeout_s: float
    throughput_only: bool = False
    precision: float | None = None
    min_repeats: int = 1
    max_repeats: int = 1
    windows: int = settings.DECLARED["windows"].default
    window_s: float = settings.DECLARED["window"].default
    unverified: bool = False
    save: tuple[Save, ...] = ()
    save_every: int | None = None
    start: Start | None = None
    training: Training = Training()

    @property
    def epochs_before(self) -> int:
        """How many of the epochs were trained before the run, and came in a checkpoint."""
        return self.start.epoch if self.start else 0

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the images that the network is trained on."""
        return models.named(self.model).size

    @property
    def model_options(self) -> ModelOptions:
        """What was chosen of the network."""
        return ModelOptions(self.activation, self.pooling, self.dropout, self.noise)

    def spec(self) -> ModelSpec:
        """The network that the plan trains."""
        shape = (*self.input_size, self.channels)
        return models.build(self.model, shape, self.classes, self.model_options)

    def network(self, cell: Cell) -> ModelSpec:
        """The plan's network as the cell trains it: who draws its random numbers is in it."""
        spec = self.spec()
        if self.setting(cell).generator == "harness":
            return spec
        return replace(spec, generator_seed=cell.seed % 2**32)

    def is_shown(self, cell: Cell) -> bool:
        """Whether the cell has the seed whose pictures and first steps are kept: one is enough."""
        return cell.seed == self.seeds[0]

    def own_defaults(self, framework: str) -> tuple[Default, ...]:
        """The framework's defaults that change something in what this plan trains."""
        return regimes.differing(
            frameworks.named(framework).own,
            self.optimizer,
            decay_is_given=self.weight_decay_is_given,
            initialisers_given=self.training,
            is_random=bool(self.spec().random),
        )

    def setting(self, cell: Cell) -> Setting:
        """A cell's optimizer, what its initial weights are drawn from, who draws in training."""
        own = self.own_defaults(cell.framework)
        return regimes.setting(cell.regime, self.optimizer, own, self.training)

    def steps(self, batch_size: int) -> int:
        """Optimizer steps of an epoch."""
        return self.training.steps(self.train_size, batch_size)

    def images_an_epoch(self, batch_size: int) -> int:
        """How many images an epoch trains on."""
        return self.training.images(self.train_size, batch_size)

    def cells(self) -> tuple[Cell, ...]:
        """The cells that are run whatever they find, in their order: block after block.

        With a precision to reach there may be more blocks, up to `max_repeats`.
        """
        return tuple(cell for block in range(self.min_repeats) for cell in self.block(block))

    def block(self, number: int) -> list[Cell]:
        """One cell of every condition, shuffled; the blocks, from 0, take the seeds in turns.

        The shuffle depends on seed and repeat alone, so that a resumed run keeps its order. In
        the second turn of the seeds a training would only repeat itself: those measure speed.
        """
        repeat, place = divmod(number, len(self.seeds))
        seed = self.seeds[place]
        block = [
            Cell(
                framework=name,
                device=device,
                seed=seed,
                regime=regime,
                batch_size=batch_size,
                threads=threads,
                repeat=repeat,
                throughput_only=self.throughput_only or repeat > 0,
                varied=self._varied(batch_size, threads),
            )
            for name in self.frameworks
            for device in self.devices
            for regime in regimes.names(self.regimes, self.own_defaults(name))
            for batch_size in self.batch_sizes
            for threads in self.thread_counts
        ]
        random.Random(f"{seed} {repeat}").shuffle(block)  # noqa: S311 - an order, not a secret
        return block

    def _varied(self, batch_size: int, threads: int) -> str:
        batch = f"-batch{batch_size}" if len(self.batch_sizes) > 1 else ""
        return batch + (f"-threads{threads}" if len(self.thread_counts) > 1 else "")


def make(asked: Settings, source: AvailableImages) -> Plan:
    """The plan for these settings; UsageError says what cannot be and what could."""
    asked = settings.checked(asked)
    usual = preset(asked.dataset)
    source = first_of(source, asked)
    train_size, val_size, test_size = sizes(asked, usual, source)
    usual_threads = (len(machine.usable_cpus()),)
    least, most = resolve.repeats(asked)
    devices = cast(tuple[Device, ...], asked.devices)
    optimizer = resolve.optimizer_name(asked.optimizer)
    plan = Plan(
        frameworks=checks.distinct("--frameworks", asked.frameworks or ()),
        devices=devices,
        seeds=asked.seeds,
        regimes=cast(tuple[Regime, ...], asked.regime),
        dataset=asked.dataset,
        data_root=checks.default(asked.data_root, datasets.default_root()),
        data_sha256=source.sha256,
        pool_images=source.train_images,
        own_test_set=source.test_images > 0,
        channels=source.channels,
        classes=source.classes,
        train_size=train_size,
        val_size=val_size,
        test_size=test_size,
        fit=resolve.fit(asked, usual),
        pixel_mean=resolve.per_channel("--mean", asked.mean, source.channels),
        pixel_std=resolve.per_channel("--std", asked.std, source.channels),
        model=asked.model,
        **asdict(
            models.choose(asked.model, asked.activation, asked.pooling, asked.dropout, asked.noise)
        ),
        epochs=checks.default(asked.epochs, usual.epochs),
        batch_sizes=resolve.batch_sizes(asked, usual, train_size),
        optimizer=resolve.optimizer(optimizer, asked.momentum, asked.weight_decay),
        weight_decay_is_given=asked.weight_decay is not None,
        learning_rate=resolve.learning_rate(asked),
        target_accuracy=resolve.target(asked, usual, val_size),
        thread_counts=checks.default(asked.threads, usual_threads),
        timeout_s=asked.timeout,
        throughput_only=asked.throughput_only,
        precision=asked.precision,
        min_repeats=least,
        max_repeats=most,
        windows=asked.windows,
        window_s=asked.window,
        unverified=asked.unverified,
        save=resolve.save(asked),
        save_every=asked.save_every,
        training=training_of(asked, val_size, source.channels, devices),
    )
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
    return [
        f"--threads {threads} is more than the {usable} CPUs that this process may use: threads "
        "will wait for each other, and the figures will be worse than they could be"
        for threads in plan.thread_counts
        if threads > usable
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
