"""Settings → a validated plan: which cells, on which data, with which settings."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench import frameworks
from bench.choices import Device
from bench.config import resolve, variables
from bench.config.defaults import LEARNING_RATES, preset
from bench.config.settings import Settings, checked, given_or_default
from bench.config.split_sizes import AvailableImages, first_of, sizes
from bench.config.training_options import completed
from bench.contract import ModelOptions, ModelSpec, OptimizerSpec
from bench.errors import UsageError
from bench.frameworks import regimes
from bench.frameworks.regimes import MATCHED, Default, Setting
from bench.system import machine
from bench.workload import datasets, models


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
    """Everything that decides what a run computes.

    settings      every one of them, as it is used
    optimizer     with all its constants
    data_sha256   of images and labels; None where the data set is not here yet
    pool_images   that the split is drawn from, of so many channels and classes
    own_test_set  whether the data set brings its test images; else they are of the pool
    own_validation_set
                  the same of the images for validation
    start         the checkpoint that training goes on from
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: Settings
    optimizer: OptimizerSpec
    data_sha256: str | None
    pool_images: int
    own_test_set: bool
    channels: int
    classes: int
    own_validation_set: bool = False
    start: Start | None = None

    @property
    def data_root(self) -> Path:
        """The folder of the data sets."""
        return self.settings.data_root or datasets.default_root().absolute()

    @property
    def epochs_before(self) -> int:
        """How many of the epochs were trained before the run, and came in a checkpoint."""
        return self.start.epoch if self.start else 0

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the images that the network is trained on."""
        return models.named(self.settings.model).size

    @property
    def model_options(self) -> ModelOptions:
        """What was chosen of the network."""
        of = self.settings
        return ModelOptions(of.activation, of.pooling, of.dropout, of.noise)

    def spec(self) -> ModelSpec:
        """The network that the plan trains."""
        shape = (*self.input_size, self.channels)
        return models.build(self.settings.model, shape, self.classes, self.model_options)

    def network(self, cell: Cell) -> ModelSpec:
        """The plan's network as the cell trains it: who draws its random numbers is in it."""
        spec = self.spec()
        if self.setting(cell).generator == "harness":
            return spec
        return replace(spec, generator_seed=cell.seed % 2**32)

    def is_shown(self, cell: Cell) -> bool:
        """Whether the cell has the seed whose pictures and first steps are kept: one is enough."""
        return cell.seed == self.settings.seeds[0]

    def own_defaults(self, framework: str) -> tuple[Default, ...]:
        """The framework's defaults that change something in what this plan trains."""
        return regimes.differing(
            frameworks.named(framework).own,
            self.optimizer,
            decay_is_given=self.settings.weight_decay is not None,
            kernel_given=self.settings.init,
            bias_given=self.settings.bias_init,
            is_random=bool(self.spec().random),
            has_switches=any(
                frameworks.named(framework).switched(device, machine.instruction_sets())
                for device in self.settings.devices
            ),
        )

    def setting(self, cell: Cell) -> Setting:
        """A cell's optimizer, what its initial weights are drawn from, who draws in training."""
        own = self.own_defaults(cell.framework)
        return regimes.setting(
            cell.regime,
            self.optimizer,
            own,
            kernel=self.settings.init,
            bias=self.settings.bias_init,
        )

    def variables(self, cell: Cell, instruction_sets: Collection[str]) -> dict[str, str]:
        """Environment variables of the cell's process, beside those that every worker has.

        What its framework must have, and its switches that help on a CPU with these instruction
        sets, unless the regime leaves it alone; what a person gave goes before them.
        """
        framework = frameworks.named(cell.framework)
        switches = self.setting(cell).switches
        own = framework.variables(cell.device, instruction_sets, switches=switches)
        return own | variables.of_framework(cell.framework, self.settings.env)

    def cells(self) -> tuple[Cell, ...]:
        """The cells that are run whatever they find, in their order: block after block.

        With a precision to reach there may be more blocks, up to `max_repeats`.
        """
        return tuple(cell for block in self.blocks(0, self.settings.min_repeats) for cell in block)

    def blocks(self, first: int, end: int) -> Iterator[list[Cell]]:
        """Those from `first` to before `end`; see `block`."""
        of = self._regimes()
        for number in range(first, end):
            yield self._block(number, of)

    def block(self, number: int) -> list[Cell]:
        """One cell of every condition, shuffled; the blocks, from 0, take the seeds in turns.

        The shuffle depends on seed and repeat alone, so that a resumed run keeps its order. In
        the second turn of the seeds a training would only repeat itself: those measure speed.
        """
        return self._block(number, self._regimes())

    def _regimes(self) -> dict[str, list[str]]:
        """Of each framework, in which it is run. The network is built for this."""
        return {
            name: regimes.names(self.settings.regimes, self.own_defaults(name))
            for name in self.settings.frameworks
        }

    def _block(self, number: int, regimes_of: Mapping[str, Sequence[str]]) -> list[Cell]:
        repeat, place = divmod(number, len(self.settings.seeds))
        seed = self.settings.seeds[place]
        block = [
            Cell(
                framework=name,
                device=device,
                seed=seed,
                regime=regime,
                batch_size=batch_size,
                threads=threads,
                repeat=repeat,
                throughput_only=self.settings.throughput_only or repeat > 0,
                varied=self._varied(batch_size, threads),
            )
            for name in self.settings.frameworks
            for device in self.settings.devices
            for regime in regimes_of[name]
            for batch_size in self.settings.batch_sizes
            for threads in self.settings.threads
        ]
        random.Random(f"{seed} {repeat}").shuffle(block)  # noqa: S311 - an order, not a secret
        return block

    def _varied(self, batch_size: int, threads: int) -> str:
        batch = f"-batch{batch_size}" if len(self.settings.batch_sizes) > 1 else ""
        return batch + (f"-threads{threads}" if len(self.settings.threads) > 1 else "")


def make(given: Mapping[str, Any], source: AvailableImages) -> Plan:
    """The plan for the settings that were given, by name; the others get their defaults.

    Raises:
        UsageError: what cannot be, and what could.
    """
    given = checked(given)
    usual = preset(given_or_default(given, "dataset"), source.classes)
    source = first_of(source, given)
    train_size, val_size, test_size = sizes(given, usual, source)
    optimizer = resolve.optimizer(
        given_or_default(given, "optimizer"),
        given_or_default(given, "momentum"),
        given.get("weight_decay"),
    )
    model = given_or_default(given, "model")
    chosen = models.choose(
        model, *(given.get(name) for name in ("activation", "pooling", "dropout", "noise"))
    )
    precision = given.get("precision")
    seeds = given_or_default(given, "seeds")
    least, most = resolve.repeats(
        len(seeds), precision, given.get("min_repeats"), given.get("max_repeats")
    )
    filled = {
        "devices": ("cpu",),
        "data_root": datasets.default_root().absolute(),
        "fit": usual.fit,
        "epochs": usual.epochs,
        "learning_rate": LEARNING_RATES[optimizer.name],
        "threads": (machine.most_threads(),),
        **given,
        **asdict(chosen),
        "train_size": train_size,
        "val_size": val_size,
        "test_size": test_size,
        "batch_sizes": resolve.batch_sizes(given.get("batch_sizes"), usual, train_size),
        "min_repeats": least,
        "max_repeats": most,
        "target_accuracy": resolve.target(
            given.get("target_accuracy"),
            usual,
            val_size,
            throughput_only=given_or_default(given, "throughput_only"),
        ),
    }
    plan = Plan(
        settings=completed(Settings(**filled), source.channels),
        optimizer=optimizer,
        data_sha256=source.sha256,
        pool_images=source.train_images,
        own_test_set=source.test_images > 0,
        own_validation_set=source.validation_images > 0,
        channels=source.channels,
        classes=source.classes,
    )
    variables.require_frameworks("--env", plan.settings.env, plan.settings.frameworks)
    if not plan.cells():
        raise UsageError(
            "--regime each changes one default at a time, and "
            f"{', '.join(plan.settings.frameworks)} has none that differs with "
            f"{plan.optimizer.name}: add matched or native, or another framework"
        )
    return plan


def warnings(plan: Plan) -> list[str]:
    """What a person should know before the run, though it can go on."""
    most = machine.most_threads()
    usable = len(machine.usable_cpus())
    may = "that this process may use" if most == usable else "that the quota pays for"
    return [
        f"--threads {threads} is more than the {most} CPUs {may}: threads "
        "will wait for each other, and the figures will be worse than they could be"
        for threads in plan.settings.threads
        if threads > most
    ]


def notes(plan: Plan) -> list[str]:
    """What a plan does not hold, though one might look for it."""
    if plan.settings.regimes == (MATCHED,):
        return []
    return [
        f"{name}: its own defaults are the matched setting with {plan.optimizer.name}, so that "
        "its regime native is matched again, and there is no default to change alone"
        for name in plan.settings.frameworks
        if not plan.own_defaults(name)
    ]
