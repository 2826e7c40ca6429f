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
            str | None, typer.Argument(help="As `bench list recipes` names it, or a recipe's file.")
        ] = None,
        every: Annotated[
            bool, typer.Option("--all", help="Every recipe of this project.", rich_help_panel=WHAT)
        ] = False,
    ) -> int:
        """Repeat a published training in any framework, and show published against measured.

        Takes every option of `bench run`, after the name; each goes before the recipe's, and the
        record says so.

        Example: python -m bench reproduce lenet5-suite --dataset mnist --frameworks torch,flax
        """
        from bench.cli.commands import recipes

        options = list(context.args)
        if name is not None and name.startswith("-"):  # an option of run, with --all before it
            options, name = [name, *options], None
        return recipes.reproduce(name, every, options, lambda found: run(found, context.obj))

    return reproduce


def rerun(
    context: typer.Context,
    record: Annotated[Path, typer.Argument(help="The file of one record: RUN/records/CELL.json.")],
    data_root: DataRoot = None,
    out: Annotated[Path, typer.Option(help="The run's own folder is made in here.")] = Path(
        "results"
    ),
    deterministic: Annotated[
        bool,
        typer.Option("--deterministic", help="So, though the run was not; tells what that costs."),
    ] = False,
    formats: Formats = None,
    json: Json = False,
) -> int:
    """Repeat the run of a record with all its options, and tell whether it gave the same.

    Exit code: 0 if it ended as before on the same data, split, order and initial weights, 1 if not.
    Losses may differ by rounding, and it is told how far; not those of a deterministic run with the
    same versions on the same machine.
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
    what: Annotated[str, typer.Argument(help="recipe.")],
    name: Annotated[str, typer.Argument(help="Its name, or its file.")],
    json: Json = False,
) -> int:
    """Show a recipe: whose training it is, its options, what was published."""
    from bench.cli.commands import recipes

    return recipes.show(what, name, as_json=json)
