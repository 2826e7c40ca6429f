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
                help="Such as torch,keras. Default: all that have a ladder and are installed.",
                rich_help_panel=WHAT,
            ),
        ] = None,
    ) -> int:
        """Time what tutorials write, what an expert writes and the steps between, in one run.

        Each framework's own first example, changed bit by bit into its plain adapter: what each
        change brings, and how far the machine's limit is. Takes every option of `bench run`.

        Example: python -m bench ladder --frameworks torch,keras,flax --dataset mnist
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
    model: Annotated[
        str, typer.Option(help="Network, as `bench list models` names it.")
    ] = "lenet5",
    activation: Annotated[
        str | None, typer.Option(help="Of lenet5: relu, selu or another. Default: relu.")
    ] = None,
    pooling: Annotated[
        str | None, typer.Option(help="Of lenet5: max or average. Default: max.")
    ] = None,
    channels: Annotated[int, typer.Option(help="Channels of the images: 1 or 3.")] = 1,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 128,
    optimizer: Annotated[str, typer.Option(help="sgd, rmsprop, adam or adamw.")] = "adam",
    device: Annotated[str, typer.Option(help="cpu, gpu or auto.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of each framework. Default: all.")
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="How often each part is timed, in turns with all others.")
    ] = 40,
    seed: Annotated[int, typer.Option(help="Draws weights, images and the order of parts.")] = 0,
    out: Annotated[Path, typer.Option(help="The profile's own folder is made in here.")] = Path(
        "results"
    ),
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="html, csv or none; profile.json is always there. Default: html,csv.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Time the parts of a training step: layer by layer, forward, backward and update.

    The same rows for all frameworks, each part alone, in turns with whole steps; what the parts do
    not explain is a row. Exit code: 1 if a framework could not be profiled.

    Example: python -m bench profile --frameworks torch,keras,flax --batch-size 128
    """
    from bench.cli.commands.speed import profile as command

    asked = command.ProfileOptions(
        *(frameworks, model, activation, pooling, channels, batch_size, optimizer, device),
        *(threads, rounds, seed),
    )
    return command.profile(
        asked, out, formats, context.obj.arguments, context.obj.executor(), as_json=json
    )
