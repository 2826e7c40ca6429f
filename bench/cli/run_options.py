"""`bench run` and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import training_options as cli_training

WHAT, DATA, TRAINING, RUNNING = "What to compare", "Data", "Training", "How to run"
SAVED, SPEED = "Checkpoints", "How to measure speed"

DataRoot = Annotated[
    Path | None,
    typer.Option(help="Folder of the data sets, in torchvision's layout.", rich_help_panel=DATA),
]
DatasetName = Annotated[str, typer.Argument(help="A data set, as `bench list datasets` names it.")]
Formats = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Of the report: html, md, csv, latex, json, several with commas, or none. "
        "Default: html,md,csv.",
        rich_help_panel=RUNNING,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")
]


def run(
    context: typer.Context,
    frameworks: Annotated[
        str | None,
        typer.Option(
            help="Frameworks, such as torch,keras,flax. Default: all that are installed.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(help="Network, as `bench list models` names it.", rich_help_panel=WHAT),
    ] = "lenet5",
    activation: Annotated[
        str | None,
        typer.Option(
            help="Of lenet5: relu, leakyrelu, rrelu, prelu, elu, selu or tanh. Default: relu.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option(help="Of lenet5: max or average. Default: max.", rich_help_panel=WHAT),
    ] = None,
    devices: Annotated[
        str,
        typer.Option(
            help="cpu, gpu, both with a comma, or auto: gpu where every framework sees one.",
            rich_help_panel=WHAT,
        ),
    ] = "auto",
    seeds: Annotated[
        str,
        typer.Option(
            help="A run for each; a seed draws split, order and initial weights for all.",
            rich_help_panel=WHAT,
        ),
    ] = "0,1,2",
    regime: Annotated[
        str,
        typer.Option(
            help="matched: all equal. native: each framework's own defaults. each: matched but for "
            "one of these at a time. Several with commas.",
            rich_help_panel=WHAT,
        ),
    ] = "matched",
    dataset: Annotated[
        str,
        typer.Option(
            help="digits, mnist, fashionmnist, kmnist, qmnist, cifar10, or npz:FILE.",
            rich_help_panel=DATA,
        ),
    ] = "digits",
    data_root: DataRoot = None,
    train_size: Annotated[
        int | None,
        typer.Option(help="Training images. Default: what is left.", rich_help_panel=DATA),
    ] = None,
    val_size: Annotated[
        int | None, typer.Option(help="Validation images; 0: none.", rich_help_panel=DATA)
    ] = None,
    test_size: Annotated[
        int | None, typer.Option(help="Test images. Default: all.", rich_help_panel=DATA)
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            help="How images come to the network's size: pad or resize.", rich_help_panel=DATA
        ),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(
            help="Subtracted from pixels in [0, 1], per channel. Default: the training split's.",
            rich_help_panel=DATA,
        ),
    ] = None,
    std: Annotated[
        str | None,
        typer.Option(
            help="Divides them afterwards. Default: the training split's.", rich_help_panel=DATA
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Epochs. Default: by data set.", rich_help_panel=TRAINING),
    ] = None,
    batch_sizes: Annotated[
        str | None,
        typer.Option(
            "--batch-size",
            "--batch-sizes",
            help="Images a step. Several with commas: a sweep. Default: by data set.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    optimizer: Annotated[
        str, typer.Option(help="sgd, rmsprop, adam or adamw.", rich_help_panel=TRAINING)
    ] = "adam",
    lr: Annotated[
        float | None,
        typer.Option(
            help="Learning rate. Default: sgd 0.01, others 0.001.", rich_help_panel=TRAINING
        ),
    ] = None,
    momentum: Annotated[
        float, typer.Option(help="For sgd and rmsprop.", rich_help_panel=TRAINING)
    ] = 0.0,
    weight_decay: Annotated[
        float | None,
        typer.Option(
            help="L2 penalty; decoupled for adamw. Default: 0, adamw 0.01.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(
            help="Validation accuracy whose reaching is timed. Default: by data set.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    split: cli_training.Split = "random",
    order: cli_training.ImageOrder = "shuffled",
    first: cli_training.First = None,
    test_mean: cli_training.TestMean = None,
    test_std: cli_training.TestStd = None,
    drop_last: cli_training.DropLast = False,
    dropout: cli_training.Dropout = 0.0,
    noise: cli_training.Noise = 0.0,
    deterministic: cli_training.Deterministic = False,
    init: cli_training.Init = None,
    bias_init: cli_training.BiasInit = None,
    evaluate: cli_training.Evaluate = None,
    epoch_zero: cli_training.EpochZero = False,
    val_every: cli_training.ValEvery = None,
    schedule: cli_training.Schedule = "constant",
    factor: cli_training.Factor = None,
    patience: cli_training.Patience = None,
    floor: cli_training.Floor = None,
    monitor: cli_training.Monitor = "val",
    stop_at: cli_training.StopAt = None,
    stop_patience: cli_training.StopPatience = None,
    ties: cli_training.Ties = "first",
    threads: Annotated[
        str | None,
        typer.Option(
            help="CPU threads of each framework. Several with commas: a sweep. Default: all.",
            rich_help_panel=RUNNING,
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds that a cell may take.", rich_help_panel=RUNNING)
    ] = 3600.0,
    unverified: Annotated[
        bool,
        typer.Option(
            "--unverified",
            help="Time frameworks without proof that they are equal; marks every result.",
            rich_help_panel=RUNNING,
        ),
    ] = False,
    throughput_only: Annotated[
        bool,
        typer.Option(
            "--throughput-only",
            help="Measure speed alone, without training to the end.",
            rich_help_panel=SPEED,
        ),
    ] = False,
    precision: Annotated[
        str | None,
        typer.Option(
            help="Repeat, in fresh processes, until each interval of images/s is this narrow, "
            "such as 2%: ± so much of the figure.",
            rich_help_panel=SPEED,
        ),
    ] = None,
    min_repeats: Annotated[
        int | None,
        typer.Option(
            help="Processes of each kind, at least. Default: one a seed; with --precision 3.",
            rich_help_panel=SPEED,
        ),
    ] = None,
    max_repeats: Annotated[
        int | None,
        typer.Option(help="And at most, with --precision. Default: 30.", rich_help_panel=SPEED),
    ] = None,
    windows: Annotated[
        int, typer.Option(help="Timed windows of a process.", rich_help_panel=SPEED)
    ] = 20,
    window: Annotated[
        float, typer.Option(help="Seconds of a window, about.", rich_help_panel=SPEED)
    ] = 0.25,
    save: Annotated[
        str,
        typer.Option(help="Checkpoints to keep: best, last, both, or none.", rich_help_panel=SAVED),
    ] = "best",
    save_every: Annotated[
        int | None,
        typer.Option(help="And one every so many epochs.", rich_help_panel=SAVED),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Go on training from this checkpoint, with its settings, up to --epochs in all.",
            rich_help_panel=SAVED,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A published training, by name or file; what is typed here goes before it.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The run's own folder is made in here.", rich_help_panel=RUNNING)
    ] = Path("results"),
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with this run's folder: only what is missing.", rich_help_panel=RUNNING
        ),
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Write event files for TensorBoard into the run's folder.",
            rich_help_panel=RUNNING,
        ),
    ] = False,
    formats: Formats = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan only.", rich_help_panel=RUNNING)
    ] = False,
    json: Json = False,
) -> int:
    """Train every framework on the same data in the same order, and compare.

    Each cell (framework × device × regime × seed) runs in a process of its own; its record is saved
    as it ends. Before it is timed, a framework is verified, once for as long as nothing changes
    here. Exit code: 0 if all cells ran, 1 if some did not, 2 for an error.

    Example: python -m bench run --frameworks torch,flux --dataset cifar10
    """
    from rich.console import Console

    from bench.cli.commands import run as command
    from bench.cli.commands.report import formats_of

    session = command.Session(
        context.obj.executor(),
        Console(stderr=True),
        context.obj.arguments,
        formats_of(formats, or_none=True),
        as_json=json,
    )
    settings = {name: context.params[name] for name in command.SETTINGS}
    given = {name for name in settings if _is_given(context, name)}
    return command.run(
        settings,
        given,
        out=out,
        resume=resume,
        start=start,
        recipe=recipe,
        dry_run=dry_run,
        session=session,
    )


def _is_given(context: typer.Context, parameter: str) -> bool:
    """Whether a person gave the option, as against its default."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"
