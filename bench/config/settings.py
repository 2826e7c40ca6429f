"""Every setting of a run, declared once: name, type, default, help, panel, check.

The options of `bench run`, the keys of recipes and the settings of a plan derive from these
declarations. A new setting is a field here, and the code that uses it.

What was *given*, on the command line or in a recipe, is a mapping with the names of those settings
alone; `bench.config.plan.make` fills in the others.

Light to import, for `bench run --help`: what only heavy modules know is looked up when a value is
checked. The annotations are real ones, not text, so that they can be read without these modules.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from bench.choices import (
    Activation,
    Device,
    Fit,
    ImageOrder,
    Monitor,
    OptimizerName,
    Part,
    Pooling,
    Regime,
    Schedule,
    Split,
    Ties,
)
from bench.config import checks, parsing
from bench.config.checks import Check
from bench.errors import UsageError

WHAT, DATA, TRAINING, SCHEDULE = "What to compare", "Data", "Training", "Schedule and early stop"
RUNNING, SPEED, SAVED = "How to run", "How to measure speed", "Checkpoints"

# What a recipe may say of it: it decides what is learned; it may stand in a recipe, but changes
# nothing of that; it may not stand there, since it is where or how a run is measured.
InRecipe = Literal["decides", "allowed", "refused"]

LEAST_WINDOWS = 4  # two halves of two


@dataclass(frozen=True, slots=True)
class Setting:
    """What is said of a setting beside its name, type and default.

    help     for the command line
    panel    of the help that it stands in
    check    of a value that was given, by itself; what it must agree with is checked in the plan
    parse    typed text → value; None: the command line converts it by its type
    flag     as it is typed, where that is not its name; and another that is taken for it
    recipe   what a recipe may say of it
    """

    help: str
    panel: str
    check: Check
    parse: Callable[[str, str], Any] | None = None
    flag: str | None = None
    also: str | None = None
    recipe: InRecipe = "refused"


def _activations() -> Iterable[str]:  # all but that of a layer which has none
    from bench.workload.models import ACTIVATIONS

    return ACTIVATIONS


def _models() -> Iterable[str]:
    from bench.workload.models import CATALOGUE

    return CATALOGUE


def _kernels() -> Iterable[str]:
    from bench.workload import initialisers

    return (initialisers.PYTORCH, *initialisers.KERNELS, "keras")


def _biases() -> Iterable[str]:
    from bench.workload import initialisers

    return (initialisers.PYTORCH, initialisers.ZEROS)


def _rate(option: str, value: float) -> float:
    from bench.workload import models

    return models.rate(option, value)


def _deviation(option: str, value: float) -> float:
    from bench.workload import models

    return models.deviation(option, value)


def _dataset(_: str, value: str) -> str:
    from bench.workload import datasets

    datasets.require(value)
    return value


def _saved(option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    allowed = checks.one_of("checkpoint to save", lambda: ("best", "last", "none"))
    checks.each(allowed)(option, values)
    if "none" in values and len(values) > 1:
        raise UsageError(
            f"{option} {','.join(values)} contradicts itself: give none alone, or others"
        )
    return values


def _choice(what: str, kind: Any, *others: str) -> Check:
    """One of the choices that a type of `bench.choices` has, or of the others."""
    return checks.one_of(what, lambda: (*get_args(kind), *others))


_COUNT = partial(checks.at_least, 1)
_DECIDES: InRecipe = "decides"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a run, as they are used.

    The default of a field that has none depends on the data set, on the machine or on other
    settings: see `bench.config.plan.make`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    frameworks: Annotated[
        tuple[str, ...],
        Setting(
            "Frameworks, such as torch,keras,flax. Default: all that are installed.",
            WHAT,
            checks.distinct,
            parsing.words,
        ),
    ]
    model: Annotated[
        str,
        Setting(
            "Network, as `bench list models` names it.",
            WHAT,
            checks.one_of("model", _models),
            recipe=_DECIDES,
        ),
    ] = "lenet5"
    activation: Annotated[
        Activation,
        Setting(
            "Of lenet5: relu, leakyrelu, rrelu, prelu, elu, selu or tanh. Default: relu.",
            WHAT,
            checks.one_of("activation", _activations),
            recipe=_DECIDES,
        ),
    ]
    pooling: Annotated[
        Pooling,
        Setting(
            "Of lenet5: max or average. Default: max.",
            WHAT,
            _choice("pooling", Pooling),
            recipe=_DECIDES,
        ),
    ]
    devices: Annotated[
        tuple[Device, ...],
        Setting(
            "cpu, gpu, both with a comma, or auto: gpu where every framework sees one. "
            "Default: auto.",
            WHAT,
            checks.each(_choice("device", Device, "auto")),
            parsing.words,
        ),
    ]
    seeds: Annotated[
        tuple[int, ...],
        Setting(
            "A run for each; a seed draws split, order and initial weights for all.",
            WHAT,
            checks.each(partial(checks.at_least, 0)),
            parsing.whole_numbers,
            recipe="allowed",
        ),
    ] = (0, 1, 2)
    regimes: Annotated[
        tuple[Regime, ...],
        Setting(
            "matched: all equal. native: each framework's own defaults. each: matched but for one "
            "of these at a time. Several with commas.",
            WHAT,
            checks.each(_choice("regime", Regime)),
            parsing.words,
            flag="--regime",
        ),
    ] = ("matched",)
    dataset: Annotated[
        str,
        Setting(
            "digits, mnist, fashionmnist, kmnist, qmnist, cifar10, or npz:FILE.",
            DATA,
            _dataset,
            parsing.dataset,
        ),
    ] = "digits"
    data_root: Annotated[
        Path,
        Setting("Folder of the data sets, in torchvision's layout.", DATA, checks.folder),
    ]
    train_size: Annotated[
        int,
        Setting("Training images. Default: what is left.", DATA, _COUNT, recipe=_DECIDES),
    ]
    val_size: Annotated[
        int,
        Setting("Validation images; 0: none.", DATA, partial(checks.at_least, 0), recipe=_DECIDES),
    ]
    test_size: Annotated[int, Setting("Test images. Default: all.", DATA, _COUNT, recipe=_DECIDES)]
    fit: Annotated[
        Fit,
        Setting(
            "How images come to the network's size: pad or resize.",
            DATA,
            _choice("way to fit images", Fit),
            recipe=_DECIDES,
        ),
    ]
    mean: Annotated[
        tuple[float, ...] | None,
        Setting(
            "Subtracted from pixels in [0, 1], per channel. Default: the training split's.",
            DATA,
            checks.every(checks.finite),
            parsing.numbers,
            recipe=_DECIDES,
        ),
    ] = None
    std: Annotated[
        tuple[float, ...] | None,
        Setting(
            "Divides them afterwards. Default: the training split's.",
            DATA,
            checks.every(checks.above_zero),
            parsing.numbers,
            recipe=_DECIDES,
        ),
    ] = None
    epochs: Annotated[
        int,
        Setting("Epochs. Default: by data set.", TRAINING, _COUNT, recipe=_DECIDES),
    ]
    batch_sizes: Annotated[
        tuple[int, ...],
        Setting(
            "Images a step. Several with commas: a sweep. Default: by data set.",
            TRAINING,
            checks.each(_COUNT),
            parsing.whole_numbers,
            flag="--batch-size",
            also="--batch-sizes",
            recipe=_DECIDES,
        ),
    ]
    optimizer: Annotated[
        OptimizerName,
        Setting(
            "sgd, rmsprop, adam or adamw.",
            TRAINING,
            _choice("optimizer", OptimizerName),
            recipe=_DECIDES,
        ),
    ] = "adam"
    learning_rate: Annotated[
        float,
        Setting(
            "Learning rate. Default: sgd 0.01, others 0.001.",
            TRAINING,
            checks.above_zero,
            flag="--lr",
            also="--learning-rate",
            recipe=_DECIDES,
        ),
    ]
    momentum: Annotated[
        float, Setting("For sgd and rmsprop.", TRAINING, checks.below_one, recipe=_DECIDES)
    ] = 0.0
    weight_decay: Annotated[
        float,
        Setting(
            "L2 penalty; decoupled for adamw. Default: 0, adamw 0.01.",
            TRAINING,
            checks.from_zero,
            recipe=_DECIDES,
        ),
    ]
    target_accuracy: Annotated[
        float | None,
        Setting(
            "Validation accuracy whose reaching is timed. Default: by data set.",
            TRAINING,
            checks.accuracy,
            flag="--target",
            recipe="allowed",
        ),
    ]
    split: Annotated[
        Split,
        Setting(
            "Validation images: random, or last of the file.",
            DATA,
            _choice("split", Split),
            recipe=_DECIDES,
        ),
    ] = "random"
    order: Annotated[
        ImageOrder,
        Setting(
            "Of the images: shuffled each epoch, or file.",
            DATA,
            _choice("order", ImageOrder),
            recipe=_DECIDES,
        ),
    ] = "shuffled"
    first: Annotated[
        int | None,
        Setting(
            "Only so many images from the file's beginning, and a tenth as many test images.",
            DATA,
            _COUNT,
            recipe=_DECIDES,
        ),
    ] = None
    test_mean: Annotated[
        tuple[float, ...] | None,
        Setting(
            "--mean for the test images alone.",
            DATA,
            checks.every(checks.finite),
            parsing.numbers,
            recipe=_DECIDES,
        ),
    ] = None
    test_std: Annotated[
        tuple[float, ...] | None,
        Setting(
            "--std for the test images alone.",
            DATA,
            checks.every(checks.above_zero),
            parsing.numbers,
            recipe=_DECIDES,
        ),
    ] = None
    drop_last: Annotated[
        bool,
        Setting("Leave out a last, smaller batch.", TRAINING, checks.yes_or_no, recipe=_DECIDES),
    ] = False
    dropout: Annotated[
        float,
        Setting(
            "Of lenet5: the rate of dropout after its hidden dense layers; 0 or more, below 1.",
            TRAINING,
            _rate,
            recipe=_DECIDES,
        ),
    ] = 0.0
    noise: Annotated[
        float,
        Setting(
            "Standard deviation of Gaussian noise on the normalised training images, drawn anew "
            "in every step.",
            TRAINING,
            _deviation,
            recipe=_DECIDES,
        ),
    ] = 0.0
    deterministic: Annotated[
        bool,
        Setting(
            "Only operations that give the same bits every time, on the CPU: `bench rerun` then "
            "has to find equal losses.",
            TRAINING,
            checks.yes_or_no,
        ),
    ] = False
    init: Annotated[
        str | None,
        Setting(
            "Initial weights: pytorch, keras, or glorot, lecun, he or kaiming with _uniform or "
            "_normal; kaiming also with _fan_out after that. Default: pytorch.",
            TRAINING,
            checks.one_of("initialisation", _kernels),
            recipe=_DECIDES,
        ),
    ] = None
    bias_init: Annotated[
        str | None,
        Setting(
            "Initial biases: pytorch or zeros. Default: pytorch; with --init keras zeros.",
            TRAINING,
            checks.one_of("initialisation of biases", _biases),
            recipe=_DECIDES,
        ),
    ] = None
    evaluate: Annotated[
        tuple[Part, ...],
        Setting(
            "What to evaluate after each epoch beside validation: test, train or both.",
            TRAINING,
            checks.each(_choice("part to evaluate", Part)),
            parsing.words,
            recipe=_DECIDES,
        ),
    ] = ()
    epoch_zero: Annotated[
        bool,
        Setting("Evaluate before training too.", TRAINING, checks.yes_or_no, recipe=_DECIDES),
    ] = False
    val_every: Annotated[
        int | None,
        Setting(
            "Validate within epochs, too, every so many steps of each.",
            TRAINING,
            _COUNT,
            recipe=_DECIDES,
        ),
    ] = None
    schedule: Annotated[
        Schedule,
        Setting(
            "Of the learning rate: constant, or plateau: lower it when nothing improves.",
            SCHEDULE,
            _choice("schedule", Schedule),
            recipe=_DECIDES,
        ),
    ] = "constant"
    factor: Annotated[
        float | None,
        Setting(
            "By which a plateau lowers it. Default: 0.1.",
            SCHEDULE,
            checks.between_zero_and_one,
            recipe=_DECIDES,
        ),
    ] = None
    patience: Annotated[
        int | None,
        Setting(
            "Epochs without improvement until then. Default: 5.", SCHEDULE, _COUNT, recipe=_DECIDES
        ),
    ] = None
    floor: Annotated[
        float | None,
        Setting(
            "A rate that is not above it is not lowered. Default: 1e-6.",
            SCHEDULE,
            checks.from_zero,
            recipe=_DECIDES,
        ),
    ] = None
    monitor: Annotated[
        Monitor,
        Setting(
            "Images whose accuracy improves or not: val or test.",
            SCHEDULE,
            _choice("set to monitor", Monitor),
            recipe=_DECIDES,
        ),
    ] = "val"
    stop_at: Annotated[
        float | None,
        Setting("Accuracy that ends the training.", SCHEDULE, checks.accuracy, recipe=_DECIDES),
    ] = None
    stop_patience: Annotated[
        int | None,
        Setting(
            "Epochs without improvement, or since the rate was lowered, that end it.",
            SCHEDULE,
            _COUNT,
            recipe=_DECIDES,
        ),
    ] = None
    ties: Annotated[
        Ties,
        Setting(
            "Which of equally good epochs is the best: first, or last, which then counts as an "
            "improvement.",
            SAVED,
            _choice("choice of ties", Ties),
            recipe=_DECIDES,
        ),
    ] = "first"
    threads: Annotated[
        tuple[int, ...],
        Setting(
            "CPU threads of each framework. Several with commas: a sweep. Default: all.",
            RUNNING,
            checks.each(_COUNT),
            parsing.whole_numbers,
        ),
    ]
    timeout_s: Annotated[
        float,
        Setting("Seconds that a cell may take.", RUNNING, checks.above_zero, flag="--timeout"),
    ] = 3600.0
    unverified: Annotated[
        bool,
        Setting(
            "Time frameworks without proof that they are equal; marks every result.",
            RUNNING,
            checks.yes_or_no,
        ),
    ] = False
    throughput_only: Annotated[
        bool,
        Setting("Measure speed alone, without training to the end.", SPEED, checks.yes_or_no),
    ] = False
    precision: Annotated[
        float | None,
        Setting(
            "Repeat, in fresh processes, until each interval of images/s is this narrow, such as "
            "2%: ± so much of the figure.",
            SPEED,
            checks.share,
            parsing.share,
        ),
    ] = None
    min_repeats: Annotated[
        int,
        Setting(
            "Processes of each kind, at least. Default: one a seed; with --precision 3.",
            SPEED,
            _COUNT,
        ),
    ]
    max_repeats: Annotated[
        int, Setting("And at most, with --precision. Default: 30.", SPEED, _COUNT)
    ]
    windows: Annotated[
        int,
        Setting("Timed windows of a process.", SPEED, partial(checks.at_least, LEAST_WINDOWS)),
    ] = 20
    window_s: Annotated[
        float, Setting("Seconds of a window, about.", SPEED, checks.above_zero, flag="--window")
    ] = 0.25
    save: Annotated[
        tuple[str, ...],
        Setting(
            "Checkpoints to keep: best, last, both, or none.",
            SAVED,
            _saved,
            parsing.words,
            recipe="allowed",
        ),
    ] = ("best",)
    save_every: Annotated[
        int | None,
        Setting("And one every so many epochs.", SAVED, _COUNT, recipe="allowed"),
    ] = None
    tensorboard: Annotated[
        bool,
        Setting(
            "Write event files for TensorBoard into the run's folder.", RUNNING, checks.yes_or_no
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting as the parts of the program that derive from it see it.

    kind     its type without the None, such as int or tuple[str, ...]
    default  None where it depends on something, and where None is the default
    about    what else is said of it
    """

    name: str
    kind: Any
    default: Any
    about: Setting

    @property
    def flag(self) -> str:
        """As it is typed, such as --batch-size."""
        return self.about.flag or "--" + self.name.replace("_", "-")

    @property
    def key(self) -> str:
        """As recipes spell it, such as batch-size."""
        return self.flag.removeprefix("--")

    def parse(self, typed: Any) -> Any:
        """What was typed as a value; it may be one already, where the type is a plain one."""
        is_text = self.about.parse is not None and isinstance(typed, str)
        return self.about.parse(self.flag, typed) if is_text and self.about.parse else typed

    def typed(self, value: Any, *, strict: bool = False) -> Any:
        """A value from a file as one of the setting's type; pydantic's ValidationError if it can't.

        `strict`: no number from text, and so on. One value stands for a list of one.
        """
        from pydantic import TypeAdapter  # not needed for the command line's help

        if get_origin(self.kind) is tuple:
            value = tuple(value) if isinstance(value, list | tuple) else (value,)
        return TypeAdapter(self.kind).validate_python(value, strict=strict)


def _declared() -> dict[str, Declared]:
    found = {}
    for field in fields(Settings):
        kind, about = get_args(field.type)
        if get_origin(kind) in (Union, UnionType):
            (kind,) = (one for one in get_args(kind) if one is not type(None))
        default = None if field.default is MISSING else field.default
        found[field.name] = Declared(field.name, kind, default, about)
    return found


DECLARED: Mapping[str, Declared] = _declared()  # by name, in the order of the declarations


def flag(name: str) -> str:
    """A setting as it is typed: --batch-size for batch_sizes."""
    return DECLARED[name].flag


def given_or_default(given: Mapping[str, Any], name: str) -> Any:
    """What was given of a setting, or else its default; None where that depends on something."""
    return given.get(name, DECLARED[name].default)


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that were given, by name, each of which has passed its own check.

    A default passes as it is, since it may be what nobody can type, such as an empty list.

    Raises:
        UsageError: one is not allowed, the first of them.
    """
    found = {}
    for name, value in given.items():
        of = DECLARED[name]
        found[name] = value if value == of.default else of.about.check(of.flag, value)
    return found
