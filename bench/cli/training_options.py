"""The options of a training that only some set-ups need, for `bench run`."""

from __future__ import annotations

from typing import Annotated

import typer

DATA, TRAINING, SAVED = "Data", "Training", "Checkpoints"
SCHEDULE = "Schedule and early stop"

Split = Annotated[
    str, typer.Option(help="Validation images: random, or last of the file.", rich_help_panel=DATA)
]
ImageOrder = Annotated[
    str, typer.Option(help="Of the images: shuffled each epoch, or file.", rich_help_panel=DATA)
]
First = Annotated[
    int | None,
    typer.Option(
        help="Only so many images from the file's beginning, and a tenth as many test images.",
        rich_help_panel=DATA,
    ),
]
TestMean = Annotated[
    str | None,
    typer.Option(help="--mean for the test images alone.", rich_help_panel=DATA),
]
TestStd = Annotated[
    str | None,
    typer.Option(help="--std for the test images alone.", rich_help_panel=DATA),
]
Dropout = Annotated[
    float,
    typer.Option(
        help="Of lenet5: the rate of dropout after its hidden dense layers; 0 or more, below 1.",
        rich_help_panel=TRAINING,
    ),
]
Noise = Annotated[
    float,
    typer.Option(
        help="Standard deviation of Gaussian noise on the normalised training images, drawn anew "
        "in every step.",
        rich_help_panel=TRAINING,
    ),
]
Deterministic = Annotated[
    bool,
    typer.Option(
        "--deterministic",
        help="Only operations that give the same bits every time, on the CPU: `bench rerun` then "
        "has to find equal losses.",
        rich_help_panel=TRAINING,
    ),
]
DropLast = Annotated[
    bool,
    typer.Option("--drop-last", help="Leave out a last, smaller batch.", rich_help_panel=TRAINING),
]
Init = Annotated[
    str | None,
    typer.Option(
        help="Initial weights: pytorch, keras, or glorot, lecun, he or kaiming with _uniform or "
        "_normal; kaiming also with _fan_out after that. Default: pytorch.",
        rich_help_panel=TRAINING,
    ),
]
BiasInit = Annotated[
    str | None,
    typer.Option(
        help="Initial biases: pytorch or zeros. Default: pytorch; with --init keras zeros.",
        rich_help_panel=TRAINING,
    ),
]
Evaluate = Annotated[
    str | None,
    typer.Option(
        help="What to evaluate after each epoch beside validation: test, train or both.",
        rich_help_panel=TRAINING,
    ),
]
EpochZero = Annotated[
    bool,
    typer.Option("--epoch-zero", help="Evaluate before training too.", rich_help_panel=TRAINING),
]
ValEvery = Annotated[
    int | None,
    typer.Option(
        help="Validate within epochs, too, every so many steps of each.", rich_help_panel=TRAINING
    ),
]
Schedule = Annotated[
    str,
    typer.Option(
        help="Of the learning rate: constant, or plateau: lower it when nothing improves.",
        rich_help_panel=SCHEDULE,
    ),
]
Factor = Annotated[
    float | None,
    typer.Option(help="By which a plateau lowers it. Default: 0.1.", rich_help_panel=SCHEDULE),
]
Patience = Annotated[
    int | None,
    typer.Option(
        help="Epochs without improvement until then. Default: 5.", rich_help_panel=SCHEDULE
    ),
]
Floor = Annotated[
    float | None,
    typer.Option(
        help="A rate that is not above it is not lowered. Default: 1e-6.",
        rich_help_panel=SCHEDULE,
    ),
]
Monitor = Annotated[
    str,
    typer.Option(
        help="Images whose accuracy improves or not: val or test.", rich_help_panel=SCHEDULE
    ),
]
StopAt = Annotated[
    float | None,
    typer.Option(help="Accuracy that ends the training.", rich_help_panel=SCHEDULE),
]
StopPatience = Annotated[
    int | None,
    typer.Option(
        help="Epochs without improvement, or since the rate was lowered, that end it.",
        rich_help_panel=SCHEDULE,
    ),
]
Ties = Annotated[
    str,
    typer.Option(
        help="Which of equally good epochs is the best: first, or last, which then counts as an "
        "improvement.",
        rich_help_panel=SAVED,
    ),
]
