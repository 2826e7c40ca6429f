"""`bench ladder` and `bench profile`, with their options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.invocation import Run
from bench.cli.run_options import Json
from bench.config.declaration import WHAT


def climber(run: Run) -> Callable[..., int]:
    """The command `ladder`; `run` does what `bench run` does."""

    def ladder(
        context: typer.Context,
        frameworks: Annotated[
            str | None,
            typer.Option(
                help="Frameworks, such as torch,keras. Default: all that have a ladder.",
                rich_help_panel=WHAT,
            ),
        ] = None,
    ) -> int:
        """Time a framework from its tutorial's code to an expert's, one change at a time.

        The report shows what each change brings, and how far the limit of the machine is. It takes
        all options of `bench run`.

        Examples:
          python -m bench ladder --frameworks torch
          python -m bench ladder --frameworks torch,keras,flax --dataset mnist
        """
        from bench.cli.commands.speed import ladder as command

        return command.ladder(frameworks, context.args, lambda found: run(found, context.obj))

    return ladder


def profile(
    context: typer.Context,
    frameworks: Annotated[
        str | None,
        typer.Option(help="Frameworks, such as torch,flax. Default: all that are installed."),
    ] = None,
    model: Annotated[str, typer.Option(help="Network; see `bench list models`.")] = "lenet5",
    activation: Annotated[
        str | None, typer.Option(help="Activation of lenet5: relu, selu or another. Default: relu.")
    ] = None,
    pooling: Annotated[
        str | None, typer.Option(help="Pooling of lenet5: max or average. Default: max.")
    ] = None,
    channels: Annotated[int, typer.Option(help="Channels of the images: 1 or 3.")] = 1,
    batch_size: Annotated[int, typer.Option(help="Images per step.")] = 128,
    optimizer: Annotated[
        str, typer.Option(help="Optimizer: sgd, rmsprop, adam or adamw.")
    ] = "adam",
    device: Annotated[str, typer.Option(help="Device: cpu, gpu or auto.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of each framework. Default: all.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="How many times each part is timed.")] = 40,
    seed: Annotated[int, typer.Option(help="Random seed of weights, images and the order.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder in which the profile's folder is made.")] = Path(
        "results"
    ),
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Formats: html, csv or none; profile.json is always written. Default: html,csv.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Time the parts of a training step: each layer forward and backward, loss and update.

    The rows are the same for all frameworks. Parts and whole steps are timed alternately; one row
    says how much of a step the parts explain. Exit code: 1 if a framework could not be profiled.

    Examples:
      python -m bench profile --frameworks torch,keras,flax
      python -m bench profile --frameworks torch --batch-size 32 --threads 1
    """
    from bench.cli.commands.speed import profile as command

    asked = command.ProfileOptions(
        *(frameworks, model, activation, pooling, channels, batch_size, optimizer, device),
        *(threads, rounds, seed),
    )
    return command.profile(
        asked, out, formats, context.obj.arguments, context.obj.executor(), as_json=json
    )
