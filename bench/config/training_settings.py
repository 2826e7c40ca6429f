"""The settings of a training: what decides what a network learns, on which images.

Light to import, for `bench run --help`: what only heavy modules know is looked up when a value is
checked. The annotations are real ones, not text, so that they can be read without these modules.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

from bench.choices import (
    Activation,
    Fit,
    ImageOrder,
    Monitor,
    OptimizerName,
    Part,
    Pooling,
    Schedule,
    Split,
    Ties,
)
from bench.config import checks, parsing
from bench.config.declaration import (
    COUNT,
    DATA,
    DECIDES,
    SAVED,
    SCHEDULE,
    TRAINING,
    WHAT,
    Setting,
    choice,
)


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


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """What a training is: network, data, optimizer, schedule.

    The default of a field that has none depends on the data set or on other settings: see
    `bench.config.plan.make`. None means that nothing was asked for: the mean of the training split,
    the usual distribution of initial weights, the weight decay that each regime has.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    model: Annotated[
        str,
        Setting(
            "Network; see `bench list models`.",
            WHAT,
            checks.one_of("model", _models),
            recipe=DECIDES,
        ),
    ] = "lenet5"
    activation: Annotated[
        Activation,
        Setting(
            "Activation of lenet5: relu, leakyrelu, rrelu, prelu, elu, selu, tanh. Default: relu.",
            WHAT,
            checks.one_of("activation", _activations),
            recipe=DECIDES,
        ),
    ]
    pooling: Annotated[
        Pooling,
        Setting(
            "Pooling of lenet5: max or average. Default: max.",
            WHAT,
            choice("pooling", Pooling),
            recipe=DECIDES,
        ),
    ]
    dataset: Annotated[
        str,
        Setting(
            "Data set: one that `bench list` names, such as mnist, or npz:FILE or folder:PATH.",
            DATA,
            _dataset,
            parsing.dataset,
        ),
    ] = "digits"
    train_size: Annotated[
        int,
        Setting("Number of training images. Default: all others.", DATA, COUNT, recipe=DECIDES),
    ]
    val_size: Annotated[
        int,
        Setting(
            "Number of validation images; 0: none.",
            DATA,
            partial(checks.at_least, 0),
            recipe=DECIDES,
        ),
    ]
    test_size: Annotated[
        int,
        Setting(
            "Number of test images. Default: all; where none are for the test, 15 % of the others.",
            DATA,
            COUNT,
            recipe=DECIDES,
        ),
    ]
    fit: Annotated[
        Fit,
        Setting(
            "How images are brought to the network's size: pad or resize.",
            DATA,
            choice("way to fit images", Fit),
            recipe=DECIDES,
        ),
    ]
    mean: Annotated[
        tuple[float, ...] | None,
        Setting(
            "Mean to subtract from pixels in [0, 1], per channel. Default: of the training split.",
            DATA,
            checks.every(checks.finite),
            parsing.numbers,
            recipe=DECIDES,
        ),
    ] = None
    std: Annotated[
        tuple[float, ...] | None,
        Setting(
            "Standard deviation to divide by afterwards. Default: of the training split.",
            DATA,
            checks.every(checks.above_zero),
            parsing.numbers,
            recipe=DECIDES,
        ),
    ] = None
    epochs: Annotated[
        int,
        Setting("Number of epochs. Default: by data set.", TRAINING, COUNT, recipe=DECIDES),
    ]
    optimizer: Annotated[
        OptimizerName,
        Setting(
            "Optimizer: sgd, rmsprop, adam or adamw.",
            TRAINING,
            choice("optimizer", OptimizerName),
            recipe=DECIDES,
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
            recipe=DECIDES,
        ),
    ]
    momentum: Annotated[
        float, Setting("Momentum of sgd and rmsprop.", TRAINING, checks.below_one, recipe=DECIDES)
    ] = 0.0
    weight_decay: Annotated[
        float | None,
        Setting(
            "Weight decay: L2 penalty, decoupled for adamw. Default: 0, adamw 0.01.",
            TRAINING,
            checks.from_zero,
            recipe=DECIDES,
        ),
    ] = None
    target_accuracy: Annotated[
        float | None,
        Setting(
            "Target: the validation accuracy until which training is timed. Default: by data set.",
            TRAINING,
            checks.accuracy,
            flag="--target",
            recipe="allowed",
        ),
    ]
    split: Annotated[
        Split,
        Setting(
            "How validation images are chosen: random, or last (of the file).",
            DATA,
            choice("split", Split),
            recipe=DECIDES,
        ),
    ] = "random"
    order: Annotated[
        ImageOrder,
        Setting(
            "Order of the images: shuffled in each epoch, or file (as they are stored).",
            DATA,
            choice("order", ImageOrder),
            recipe=DECIDES,
        ),
    ] = "shuffled"
    first: Annotated[
        int | None,
        Setting(
            "Use only the first N images, and N/10 test images.",
            DATA,
            COUNT,
            recipe=DECIDES,
        ),
    ] = None
    test_mean: Annotated[
        tuple[float, ...] | None,
        Setting(
            "--mean for the test images only.",
            DATA,
            checks.every(checks.finite),
            parsing.numbers,
            recipe=DECIDES,
        ),
    ] = None
    test_std: Annotated[
        tuple[float, ...] | None,
        Setting(
            "--std for the test images only.",
            DATA,
            checks.every(checks.above_zero),
            parsing.numbers,
            recipe=DECIDES,
        ),
    ] = None
    drop_last: Annotated[
        bool,
        Setting(
            "Leave out the last batch if it is smaller.", TRAINING, checks.yes_or_no, recipe=DECIDES
        ),
    ] = False
    dropout: Annotated[
        float,
        Setting(
            "Dropout rate of lenet5 after its hidden dense layers; from 0, below 1.",
            TRAINING,
            _rate,
            recipe=DECIDES,
        ),
    ] = 0.0
    noise: Annotated[
        float,
        Setting(
            "Standard deviation of Gaussian noise that is added to the normalised training images, "
            "new in each step.",
            TRAINING,
            _deviation,
            recipe=DECIDES,
        ),
    ] = 0.0
    deterministic: Annotated[
        bool,
        Setting(
            "Use only operations that give bit-identical results, on the CPU: `bench rerun` must "
            "then find equal losses.",
            TRAINING,
            checks.yes_or_no,
        ),
    ] = False
    init: Annotated[
        str | None,
        Setting(
            "Initial weights: pytorch, keras, or glorot, lecun, he or kaiming followed by _uniform "
            "or _normal, such as he_normal; kaiming also by _fan_out after that. Default: pytorch.",
            TRAINING,
            checks.one_of("initialisation", _kernels),
            recipe=DECIDES,
        ),
    ] = None
    bias_init: Annotated[
        str | None,
        Setting(
            "Initial biases: pytorch or zeros. Default: pytorch; with --init keras zeros.",
            TRAINING,
            checks.one_of("initialisation of biases", _biases),
            recipe=DECIDES,
        ),
    ] = None
    evaluate: Annotated[
        tuple[Part, ...],
        Setting(
            "What to evaluate after each epoch besides validation: test, train or test,train.",
            TRAINING,
            checks.each(choice("part to evaluate", Part)),
            partial(parsing.words, such_as="test,train"),
            recipe=DECIDES,
        ),
    ] = ()
    epoch_zero: Annotated[
        bool,
        Setting("Also evaluate before training.", TRAINING, checks.yes_or_no, recipe=DECIDES),
    ] = False
    val_every: Annotated[
        int | None,
        Setting(
            "Also validate within epochs, every N steps.",
            TRAINING,
            COUNT,
            recipe=DECIDES,
        ),
    ] = None
    schedule: Annotated[
        Schedule,
        Setting(
            "Learning rate: constant, or plateau (lowered when accuracy stops improving).",
            SCHEDULE,
            choice("schedule", Schedule),
            recipe=DECIDES,
        ),
    ] = "constant"
    factor: Annotated[
        float | None,
        Setting(
            "Factor of a plateau: what the learning rate is multiplied by. Default: 0.1.",
            SCHEDULE,
            checks.between_zero_and_one,
            recipe=DECIDES,
        ),
    ] = None
    patience: Annotated[
        int | None,
        Setting(
            "Epochs without improvement before the learning rate is lowered. Default: 5.",
            SCHEDULE,
            COUNT,
            recipe=DECIDES,
        ),
    ] = None
    floor: Annotated[
        float | None,
        Setting(
            "Learning rate from which on it is lowered no further. Default: 1e-6.",
            SCHEDULE,
            checks.from_zero,
            recipe=DECIDES,
        ),
    ] = None
    monitor: Annotated[
        Monitor,
        Setting(
            "Images whose accuracy decides: val or test.",
            SCHEDULE,
            choice("set to monitor", Monitor),
            recipe=DECIDES,
        ),
    ] = "val"
    stop_at: Annotated[
        float | None,
        Setting("Stop training at this accuracy.", SCHEDULE, checks.accuracy, recipe=DECIDES),
    ] = None
    stop_patience: Annotated[
        int | None,
        Setting(
            "Stop after so many epochs without improvement, counted anew when the rate is lowered.",
            SCHEDULE,
            COUNT,
            recipe=DECIDES,
        ),
    ] = None
    ties: Annotated[
        Ties,
        Setting(
            "Which of equally good epochs is the best: first, or last. With last, an equal "
            "accuracy counts as an improvement.",
            SAVED,
            choice("choice of ties", Ties),
            recipe=DECIDES,
        ),
    ] = "first"

    def steps(self, batch_size: int) -> int:
        """Optimizer steps of an epoch."""
        return self.train_size // batch_size + (
            not self.drop_last and self.train_size % batch_size > 0
        )

    def images_an_epoch(self, batch_size: int) -> int:
        """How many images an epoch trains on."""
        return self.train_size - (self.train_size % batch_size if self.drop_last else 0)
