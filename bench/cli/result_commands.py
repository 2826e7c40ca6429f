"""The commands that read what runs have written; what they do is in `bench.cli.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.run_options import Json
from bench.config.settings import DECLARED

AcceptDisturbed = Annotated[
    bool, typer.Option("--accept-disturbed", help=DECLARED["accept_disturbed"].about.help)
]


def report(
    paths: Annotated[
        list[Path], typer.Argument(help="Run folders, a results folder, or record files.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to. Default: the single run's folder.")
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format", help="html, md, csv, latex, json; several with commas. Default: html,md,csv"
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="Framework that ratios of speed are to. Default: the fastest."),
    ] = None,
    accept_disturbed: AcceptDisturbed = False,
    show: Annotated[
        bool, typer.Option("--open", help="Open the HTML report in a browser.")
    ] = False,
) -> int:
    """Make the comparison report of one or several runs: a table, and files of several formats.

    report.html holds verdict, tables, figures and raw data in one file that needs no network.

    Example: python -m bench report results/RUN --baseline torch --format html,latex --open
    """
    import gc

    from bench.cli.commands import report as command

    # Records hold no cycles: looking for some among millions of objects is a tenth of the time.
    gc.disable()
    try:
        return command.report(
            paths, out, formats, baseline, accept_disturbed=accept_disturbed, show=show
        )
    finally:
        gc.enable()


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Framework that the others are held to. Default: the best, and with several runs "
            "no comparison within a run."
        ),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="images_per_s, time_to_target or test_accuracy.")
    ] = "images_per_s",
    accept_disturbed: AcceptDisturbed = False,
    json: Json = False,
) -> int:
    """Tell who is faster, and whether that can be told: ratios with intervals, p and ranks.

    One run: its frameworks against each other, paired by block. Several: each against the first,
    framework by framework, unpaired; refused where machines or set-ups are unlike.

    Example: python -m bench compare results/RUN --baseline torch
    """
    from bench.cli.commands import compare as command

    return command.compare(runs, baseline, metric, accept_disturbed=accept_disturbed, as_json=json)


def history(
    results: Annotated[Path, typer.Argument(help="The folder that holds the runs.")] = Path(
        "results"
    ),
    framework: Annotated[
        str | None, typer.Option(help="Frameworks, such as torch,keras. Default: all.")
    ] = None,
    json: Json = False,
) -> int:
    """Show images/s from run to run, for each machine, set-up and framework. It never gates."""
    from bench.cli.commands import history as command

    return command.history(results, framework, as_json=json)
