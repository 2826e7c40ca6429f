"""The commands that read what runs have written; what they do is in `bench.cli.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.run_options import Json
from bench.config.settings import DECLARED
from bench.errors import UsageError

AcceptDisturbed = Annotated[
    bool, typer.Option("--accept-disturbed", help=DECLARED["accept_disturbed"].about.help)
]


def report(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders of runs, a results folder, or files of records.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write to. Default: the run's folder, where there is one run."),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Formats: html, md, csv, latex, json, parquet. Default: html,md,csv.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="Framework that the others are compared with. Default: the fastest."),
    ] = None,
    accept_disturbed: AcceptDisturbed = False,
    show: Annotated[
        bool, typer.Option("--open", help="Open the HTML report in a browser.")
    ] = False,
    share: Annotated[
        bool,
        typer.Option(
            "--share",
            help="Leave out hosts, users, paths and ends of logs, and say so. Default folder: "
            "shared/ in the usual one.",
        ),
    ] = False,
    site: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a start page over all runs into this folder instead, with the report of "
            "each run. The folder is new, empty, or of an earlier --site.",
        ),
    ] = None,
) -> int:
    """Write the report of one or several runs, and print its tables.

    report.html holds the result, tables, figures and raw data in one file that needs no network.
    --site writes a page over many runs, with the speed of each framework from run to run.

    Examples:
      python -m bench report results/RUN --baseline torch --share
      python -m bench report results/ --site site
    """
    import gc

    from bench.cli.commands import report as command

    if site is not None:
        from bench.cli.commands.publish import site as of_site

        for option, value in (("--out", out), ("--format", formats), ("--baseline", baseline)):
            if value is not None:
                raise UsageError(
                    f"{option} is for one report, and --site for many: give one of them"
                )
        return of_site.site(paths, site, accept_disturbed=accept_disturbed, show=show, share=share)
    # Records hold no cycles: looking for some among millions of objects is a tenth of the time.
    gc.disable()
    try:
        return command.report(
            paths,
            out,
            formats,
            baseline,
            accept_disturbed=accept_disturbed,
            show=show,
            share=share,
        )
    finally:
        gc.enable()


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Framework that the others are compared with. Default: the best. With several "
            "runs and no baseline, runs are compared only with each other."
        ),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Figure to compare: images_per_s, time_to_target or test_accuracy.")
    ] = "images_per_s",
    accept_disturbed: AcceptDisturbed = False,
    json: Json = False,
) -> int:
    """Say which framework is faster, and how sure that is: ratios with intervals, p and ranks.

    One run: its frameworks are compared with each other, paired by block. Several runs: each is
    compared with the first, framework by framework; machine and settings must be the same.

    Examples:
      python -m bench compare results/RUN --baseline torch
      python -m bench compare results/MONDAY results/TUESDAY
    """
    from bench.cli.commands import compare as command

    return command.compare(runs, baseline, metric, accept_disturbed=accept_disturbed, as_json=json)


def history(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Results folders, or folders of runs. Default: results."),
    ] = None,
    framework: Annotated[
        str | None, typer.Option(help="Frameworks, such as torch,keras. Default: all.")
    ] = None,
    json: Json = False,
) -> int:
    """Show images per second from run to run, for each machine, set-up and framework.

    Examples:
      python -m bench history
      python -m bench history results/ --framework torch,keras
    """
    from bench.cli.commands import history as command

    return command.history(paths or [Path("results")], framework, as_json=json)


def export(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders of runs, a results folder, or files of records.")
    ],
    mlflow: Annotated[
        str,
        typer.Option(
            metavar="URI",
            help="Where MLflow keeps runs: a folder, sqlite:///FILE, or http://HOST:PORT.",
        ),
    ],
    share: Annotated[
        bool, typer.Option("--share", help="Leave out hosts, users, paths and ends of logs.")
    ] = False,
) -> int:
    """Export finished runs to MLflow: a run for each, and below it one for each cell.

    Cells that are already there are left as they are.

    Examples:
      python -m bench export results/RUN --mlflow sqlite:///mlflow.db
      python -m bench export results/ --mlflow http://localhost:5000 --share
    """
    from bench.cli.commands.publish import to_mlflow as command

    return command.export(paths, mlflow, share=share)
