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
    head: Annotated[str, typer.Option(help="Revision to test.")] = "HEAD",
    tip: Annotated[
        bool,
        typer.Option(
            "--tip",
            help="Compare with the tip of the base. Default: with the commit where head branched "
            "off, so that only the changes of head count.",
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
            help="Images per step, one or several, such as 32,128.",
            rich_help_panel=WHAT,
        ),
    ] = "128",
    threads: Annotated[
        str,
        typer.Option(
            help="CPU threads, one or several; 1 has the least noise.", rich_help_panel=WHAT
        ),
    ] = "1",
    device: Annotated[str, typer.Option(help="Device: cpu or gpu.", rich_help_panel=WHAT)] = "cpu",
    threshold: Annotated[
        str,
        typer.Option(
            help="Smallest slowdown that is a regression, such as 5%.", rich_help_panel=RULE
        ),
    ] = "5%",
    budget: Annotated[
        str,
        typer.Option(
            help="Time limit for measuring, such as 15m. Making environments does not count.",
            rich_help_panel=RULE,
        ),
    ] = "15m",
    pairs: Annotated[
        int | None,
        typer.Option(
            help="Process pairs per block. Default: by the number of cells.", rich_help_panel=RULE
        ),
    ] = None,
    quadruples: Annotated[
        int, typer.Option(help="Sequences A B B A per pair.", rich_help_panel=RULE)
    ] = 8,
    window: Annotated[
        float,
        typer.Option(help="Approximate length of a window, in seconds.", rich_help_panel=RULE),
    ] = 0.1,
    seed: Annotated[
        int | None,
        typer.Option(help="Random seed of the order. Default: random.", rich_help_panel=RULE),
    ] = None,
    base_python: Annotated[
        Path | None,
        typer.Option(help="Python for the base. Default: this one.", rich_help_panel=SIDES),
    ] = None,
    head_python: Annotated[
        Path | None,
        typer.Option(help="Python for the head. Default: this one.", rich_help_panel=SIDES),
    ] = None,
    environments: Annotated[
        str | None,
        typer.Option(
            help="If the revisions need different packages: build (an environment each) or shared "
            "(measure both in this one).",
            rich_help_panel=SIDES,
        ),
    ] = None,
    allow_dirty: Annotated[
        bool,
        typer.Option(
            "--allow-dirty",
            help="Measure the commit even if there are uncommitted changes.",
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
            help="Write the result, with every window, to this JSON file.", rich_help_panel=OUTPUT
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Compare the training speed of two revisions of this repository, measured now, here.

    Exit code: 0 pass, 1 regression, 2 error, 3 inconclusive.

    Examples:
      python -m bench gate --base origin/main
      python -m bench gate --base origin/main --frameworks torch,flax --budget 30m
    """
    from bench.cli.commands.speed import gate as command
    from bench.cli.gate_request import GateRequest

    asked = {key: value for key, value in context.params.items() if key != "json"}
    return command.gate(GateRequest(**asked), as_json=json)
