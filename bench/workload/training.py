"""How a training goes beside its network, optimizer and sizes: what recipes differ in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from bench.choices import ImageOrder, Monitor, Part, Schedule, Split, Ties

StopReason = Literal["target", "converged"]


@dataclass(frozen=True, slots=True)
class Training:
    """The settings of a training; the defaults are those of a plain run.

    schedule       constant, or plateau: the learning rate times `factor` when `patience` epochs
                   have brought no improvement, as long as it is above `floor`
    monitor        the images whose accuracy is improved: val, or test as some programs have it
    ties           which of several equally good epochs is the best: the first, or the last, which
                   then counts as an improvement
    stop_at        monitored accuracy that ends the training
    stop_patience  epochs without improvement, or since the last drop, that end it
    split          validation images drawn at random, or the last ones of the file
    order          of the images in an epoch: shuffled, or as in the file
    drop_last      whether a last, smaller batch is left out
    first          only so many images from the beginning of the file
    evaluate       what is evaluated after each epoch, beside the validation images
    epoch_zero     whether there is an evaluation before training, too
    val_every      steps of an epoch between validations within it
    init           distribution of the initial kernels, see `initialisers`; None: not asked
    bias_init      and of the biases
    test_mean      per channel, of the test images' normalisation where it is not the training's
    test_std       as test_mean
    deterministic  whether frameworks are held to operations that give the same bits every time
    """

    schedule: Schedule = "constant"
    factor: float | None = None
    patience: int | None = None
    floor: float | None = None
    monitor: Monitor = "val"
    ties: Ties = "first"
    stop_at: float | None = None
    stop_patience: int | None = None
    split: Split = "random"
    order: ImageOrder = "shuffled"
    drop_last: bool = False
    first: int | None = None
    evaluate: tuple[Part, ...] = ()
    epoch_zero: bool = False
    val_every: int | None = None
    init: str | None = None
    bias_init: str | None = None
    test_mean: tuple[float, ...] | None = None
    test_std: tuple[float, ...] | None = None
    deterministic: bool = False

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def steps(self, images: int, batch_size: int) -> int:
        """Optimizer steps of an epoch over so many images."""
        return images // batch_size + (not self.drop_last and images % batch_size > 0)

    def images(self, images: int, batch_size: int) -> int:
        """How many of so many images an epoch consumes."""
        return images - images % batch_size if self.drop_last else images
