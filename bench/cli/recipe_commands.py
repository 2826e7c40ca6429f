"""`bench reproduce`, `rerun` and `show`, with their options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.invocation import Run
from bench.cli.run_options import DataRoot, Formats, Json
from bench.config.declaration import WHAT


def reproducer(run: Run) -> Callable[..., int]:
    """The command `reproduce`; `run` does what `bench run` does."""

    def reproduce(
        context: typer.Context,
        name: Annotated[
            str | None, typer.Argument(help="Recipe, by name or file; see `bench list recipes`.")
        ] = None,
        every: Annotated[
            bool,
            typer.Option("--all", help="Run all recipes of this project.", rich_help_panel=WHAT),
        ] = False,
    ) -> int:
        """Repeat a published training in any framework, and compare with the published figures.

        It takes all options of `bench run`, after the name. They override those of the recipe, and
        the record says so.

        Examples:
          python -m bench reproduce lenet5-suite --dataset mnist
          python -m bench reproduce intro-mnist --frameworks torch --seeds 0
        """
        from bench.cli.commands import recipes

        options = list(context.args)
        if name is not None and name.startswith("-"):  # an option of run, with --all before it
            options, name = [name, *options], None
        return recipes.reproduce(name, every, options, lambda found: run(found, context.obj))

    return reproduce


def rerun(
    context: typer.Context,
    record: Annotated[Path, typer.Argument(help="File of a record, RUN/records/CELL.json.")],
    data_root: DataRoot = None,
    out: Annotated[Path, typer.Option(help="The run's own folder is made in here.")] = Path(
        "results"
    ),
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic",
            help="Repeat with --deterministic a run that was without, and print what that costs.",
        ),
    ] = False,
    formats: Formats = None,
    json: Json = False,
) -> int:
    """Repeat the run of one record with all its options, and check that the result is the same.

    Exit code: 0 if outcome, data, split, order and initial weights are the same, 1 if not. Losses
    may differ by rounding; it prints by how much. After a run with --deterministic, on the same
    machine with the same versions, they must be equal.

    Examples:
      python -m bench rerun results/RUN/records/torch-cpu-seed0.json
      python -m bench rerun results/RUN/records/torch-cpu-seed0.json --json
    """
    from bench.cli.commands import rerun as command
    from bench.cli.commands.report import formats_of

    return command.rerun(
        record,
        data_root,
        out,
        context.obj,
        formats_of(formats, or_none=True),
        deterministic=deterministic,
        as_json=json,
    )


def show(
    what: Annotated[str, typer.Argument(help="What to show: recipe.")],
    name: Annotated[str | None, typer.Argument(help="Recipe, by name or file.")] = None,
    json: Json = False,
) -> int:
    """Show a recipe: its source, its options and the published figures.

    Examples:
      python -m bench show recipe lenet5-suite
      python -m bench show recipe intro-mnist --json
    """
    from bench.cli.commands import recipes

    return recipes.show(what, name, as_json=json)
