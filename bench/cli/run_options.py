"""`bench run`: an option for each setting that is declared, and a few about the run itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

import typer

from bench.config import parsing
from bench.config.declaration import DATA, RUNNING, SAVED, WHAT
from bench.config.settings import DECLARED, Declared
from bench.errors import UsageError

DataRoot = Annotated[
    Path | None, typer.Option(help=DECLARED["data_root"].about.help, rich_help_panel=DATA)
]
DatasetName = Annotated[str, typer.Argument(help="Data set; see `bench list datasets`.")]
Arrays = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="What the arrays of npz:FILE are called: images and labels of training, of the test, "
        "and those for validation if there are some. Default: the usual names.",
        rich_help_panel=DATA,
    ),
]
Formats = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Formats of the report: html, md, csv, latex, json, parquet, or none. Default: "
        "html,md,csv.",
        rich_help_panel=RUNNING,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, and nothing else, to stdout.")
]


def run(
    context: typer.Context,
    arrays: Arrays = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Continue training from this checkpoint, with its settings, up to epoch --epochs.",
            rich_help_panel=SAVED,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A published training, by name or file. Options given here override the recipe's.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(help="Folder in which the run's folder is made.", rich_help_panel=RUNNING),
    ] = Path("results"),
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Continue this run's folder: run only what is missing.", rich_help_panel=RUNNING
        ),
    ] = None,
    formats: Formats = None,
    mlflow: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Export the run to MLflow at its end: a folder, sqlite:///FILE, or "
            "http://HOST:PORT. See `bench export`.",
            rich_help_panel=RUNNING,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and stop.", rich_help_panel=RUNNING)
    ] = False,
    on: Annotated[
        str,
        typer.Option(
            help="Where to measure: local; dask:ADDRESS, the hosts of a Dask scheduler, such as "
            "dask:tcp://10.0.0.2:8786; or slurm:FILE, hosts that Slurm gives.",
            rich_help_panel=RUNNING,
        ),
    ] = "local",
    share_host: Annotated[
        bool,
        typer.Option(
            "--share-host",
            help="On a cluster: several measurements a host, on CPUs of their own; their speeds "
            "count in no comparison.",
            rich_help_panel=RUNNING,
        ),
    ] = False,
    json: Json = False,
    **settings: Any,
) -> int:
    """Train frameworks on the same images in the same order, and compare them.

    Each cell (framework × device × regime × seed) runs in a separate process; its record is saved
    when it ends. Before a framework is timed, it is verified; the result is cached until something
    changes. Exit code: 0 if all cells ran, 1 if some did not, 2 for an error.

    Examples:
      python -m bench run --frameworks torch,keras --dataset mnist
      python -m bench run --throughput-only --min-repeats 8
    """
    from rich.console import Console

    from bench.cli.commands import run as command
    from bench.cli.commands.report import formats_of
    from bench.execution.executors import place
    from report.formats import mlflow_runs

    where = place.parse(on)
    if share_host and where == place.HERE:
        raise UsageError(
            "--share-host is of a cluster: give --on dask:ADDRESS or slurm:FILE with it, or leave "
            "it out"
        )
    session = command.Session(
        context.obj.executor(),
        Console(stderr=True),
        context.obj.arguments,
        formats_of(formats, or_none=True),
        as_json=json,
        place=where,
        shares_host=share_host,
        mlflow=mlflow if mlflow is None else mlflow_runs.place(mlflow),
    )
    given = {
        name: DECLARED[name].parse(typed)
        for name, typed in settings.items()
        if _is_given(context, name)
    }
    if arrays is not None:
        given["dataset"] = parsing.with_arrays(given.get("dataset"), arrays)
    return command.run(
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


def _parameter(of: Declared) -> inspect.Parameter:
    """A setting as a parameter of `run`, as Typer reads one.

    What is not a number or a path is typed as text, names among them: it is told what was meant by
    one that is not known. False is the default of a flag, which needs no option that takes it back.
    """
    flags = [of.flag, *filter(None, (of.about.also,))]
    option = typer.Option(*flags, help=of.about.help, rich_help_panel=of.about.panel)
    kind = str if of.about.parse or get_origin(of.kind) is Literal else of.kind
    default = of.default
    if of.about.repeated:
        kind, default = list[str], None
    if of.about.parse and default is not None:
        default = of.written(default) or None  # an empty list is not shown
    return inspect.Parameter(
        of.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind | None if default is None else kind, option],
    )


def _parameters() -> Iterator[inspect.Parameter]:
    """Those of `run`: its own, with the settings in the place of `**settings`."""
    own = inspect.signature(run, eval_str=True).parameters.values()
    for parameter in own:
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            yield parameter
        if parameter.name == "context":  # the first: the settings come before all others
            yield from map(_parameter, DECLARED.values())


# Typer makes an option of each parameter that a function says it has.
_found = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in _parameters()]
run.__signature__ = inspect.Signature(_found, return_annotation=int)  # type: ignore[attr-defined]
run.__annotations__ = {one.name: one.annotation for one in _found} | {"return": int}
