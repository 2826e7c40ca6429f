"""What somebody published of a training: the figures that a recipe expects. Part of a record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Metric = Literal["val_accuracy", "test_accuracy", "val_loss", "test_loss", "train_loss"]


class Published(BaseModel):
    """One figure, as it was published.

    An accuracy is a share in [0, 1]. `epoch` counts from 1 and 0 is before training; without it
    the figure is of the end: of the last epoch, or of the best one where `best` says so.
    `std` is the standard deviation that was published with it, if any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    metric: Metric
    value: float = Field(ge=0)
    dataset: str | None = Field(default=None, description="None: of every one of the recipe's")
    epoch: int | None = Field(default=None, ge=0)
    best: bool = False
    std: float | None = Field(default=None, ge=0)
    where: str = Field(default="", max_length=300)

    @model_validator(mode="after")
    def _is_possible(self) -> Published:
        if self.metric.endswith("accuracy") and self.value > 1:
            raise ValueError(f"{self.value:g} is no accuracy: give a share from 0 to 1")
        if self.best and self.epoch is not None:
            raise ValueError("give an epoch or best = true, not both")
        return self


class Reproduced(BaseModel):
    """The recipe that a run follows, as far as its record must tell.

    recipe      its name, or that of its file
    source      whose training it is
    sha256      of the recipe's file
    overridden  options that were typed in place of the recipe's, as `--epochs 2 for 50`
    published   the figures of the run's data set
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    title: str
    source: str
    sha256: str
    overridden: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
