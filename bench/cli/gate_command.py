"""`bench gate` and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.run_options import Json

WHAT, RULE, SIDES, OUTPUT = "What to compare", "The rule", "The two sides", "Output"


def gate(
    context: typer.Context,
    base: Annotated[str, typer.Option(help="Revision to compare with, such as origin/main.")],
    head: Annotated[str, typer.Option(help="Revision that may be slower.")] = "HEAD",
    tip: Annotated[
        bool,
        typer.Option(
            "--tip",
            help="Compare with the base as it is now. Default: with the commit where head left it, "
            "so that head answers for its own changes alone.",
        ),
    ] = False,
    frameworks: Annotated[
        str | None,
        typer.Option(
            help="Frameworks, such as torch,flax. Default: all that are installed.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    batch_sizes: Annotated[
        str,
        typer.Option(
            "--batch-size",
            "--batch-sizes",
            help="Images a step; several with commas.",
            rich_help_panel=WHAT,
        ),
    ] = "128",
    threads: Annotated[
        str,
        typer.Option(
            help="CPU threads; several with commas. One: least noise.", rich_help_panel=WHAT
        ),
    ] = "1",
    device: Annotated[str, typer.Option(help="cpu or gpu.", rich_help_panel=WHAT)] = "cpu",
    threshold: Annotated[
        str,
        typer.Option(help="Least slowdown that counts, such as 5%.", rich_help_panel=RULE),
    ] = "5%",
    budget: Annotated[
        str,
        typer.Option(
            help="Time for measuring, such as 15m; never more. Making environments is not in it.",
            rich_help_panel=RULE,
        ),
    ] = "15m",
    pairs: Annotated[
        int | None,
        typer.Option(
            help="Process pairs in a block. Default: by the number of cells.", rich_help_panel=RULE
        ),
    ] = None,
    quadruples: Annotated[
        int, typer.Option(help="Turns A B B A within a pair.", rich_help_panel=RULE)
    ] = 8,
    window: Annotated[
        float, typer.Option(help="Seconds of a window, about.", rich_help_panel=RULE)
    ] = 0.1,
    seed: Annotated[
        int | None,
        typer.Option(help="Of the order of measuring. Default: drawn.", rich_help_panel=RULE),
    ] = None,
    base_python: Annotated[
        Path | None,
        typer.Option(help="Interpreter of the base. Default: this one.", rich_help_panel=SIDES),
    ] = None,
    head_python: Annotated[
        Path | None,
        typer.Option(help="Interpreter of the head. Default: this one.", rich_help_panel=SIDES),
    ] = None,
    environments: Annotated[
        str | None,
        typer.Option(
            help="Where the revisions want different packages: build two environments, or shared: "
            "measure both in this one.",
            rich_help_panel=SIDES,
        ),
    ] = None,
    allow_dirty: Annotated[
        bool,
        typer.Option(
            "--allow-dirty",
            help="Measure the commit, though files here differ from it.",
            rich_help_panel=SIDES,
        ),
    ] = False,
    markdown: Annotated[
        Path | None,
        typer.Option(
            help="Append a summary to this file, such as $GITHUB_STEP_SUMMARY.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the result with every window to this JSON file.", rich_help_panel=OUTPUT
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Compare the throughput of two revisions of this repository on this machine, in one run.

    Exit code: 0 pass, 1 regression, 2 any error, 3 inconclusive.

    Example: python -m bench gate --base origin/main --frameworks torch,flax
    """
    from bench.cli.commands.speed import gate as command
    from bench.cli.gate_request import GateRequest

    asked = {key: value for key, value in context.params.items() if key != "json"}
    return command.gate(GateRequest(**asked), as_json=json)
