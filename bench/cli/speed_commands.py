"""`bench ladder`, `bench profile`, `bench bisect` and `bench matrix`, with their options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.invocation import Run
from bench.cli.run_options import Json
from bench.config.declaration import WHAT

Budget = Annotated[
    str,
    typer.Option(
        help="Time limit, such as 2h: after it nothing more is installed or measured, and the same "
        "command goes on later."
    ),
]
BatchSize = Annotated[int, typer.Option(help="Images per step.")]
Threads = Annotated[int, typer.Option(help="CPU threads; 1 has the least noise.")]
Seed = Annotated[
    int | None, typer.Option(help="Random seed of the order of measuring. Default: random.")
]
With = Annotated[
    str | None,
    typer.Option(
        "--with",
        help="Other packages at versions of your choice, such as flax==0.12.6. Default: those "
        "installed here, where they go with a release.",
    ),
]
RELEASES = Path("results/releases")


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


def bisect(
    context: typer.Context,
    package: Annotated[
        str, typer.Argument(help="Package of a framework: torch, keras, tensorflow, jax, flax, ...")
    ],
    releases: Annotated[
        str, typer.Argument(help="Range such as 2.9..2.14, or versions such as 2.9.1,2.12.")
    ],
    frameworks: Annotated[
        str | None,
        typer.Option(
            help="Frameworks or variants to measure, such as torch,torch:compile. Default: those "
            "made of the package."
        ),
    ] = None,
    held: With = None,
    every: Annotated[
        bool,
        typer.Option(
            "--every",
            help="Compare each release with the next. Default: the ends first, then halves.",
        ),
    ] = False,
    threshold: Annotated[
        str,
        typer.Option(
            help="Smallest change that counts, such as 2.5%. One twice as large is found in 9 of "
            "10 searches."
        ),
    ] = "2.5%",
    budget: Budget = "4h",
    batch_size: BatchSize = 128,
    threads: Threads = 1,
    out: Annotated[
        Path, typer.Option(help="Folder that keeps what is measured; a search goes on from it.")
    ] = RELEASES,
    seed: Seed = None,
    json: Json = False,
) -> int:
    """Find the release of a package that made training faster or slower.

    Each release is installed into an environment of its own, verified, and trained in turns with
    another one. Exit code: 0 no change, 1 a change was found, 2 error, 3 undecided.

    Examples:
      python -m bench bisect torch 2.9..2.14
      python -m bench bisect jax 0.8..0.10 --every --budget 8h
    """
    from bench.cli.commands.speed import releases as command

    asked = command.BisectRequest(
        *(package, releases, frameworks, held, every, threshold, budget, batch_size, threads),
        *(out, seed),
    )
    return command.bisect(asked, as_json=json)


def matrix(
    context: typer.Context,
    releases: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PACKAGE:RELEASES]...",
            help="With --measure: packages with their releases, such as torch:2.9..2.13 jax:0.10.",
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="First measure these releases, as far as not done before."),
    ] = False,
    frameworks: Annotated[
        str | None,
        typer.Option(help="Frameworks or variants to measure. Default: those made of the package."),
    ] = None,
    held: With = None,
    pairs: Annotated[
        int, typer.Option(help="Process pairs of each release with the reference.")
    ] = 10,
    budget: Budget = "12h",
    batch_size: BatchSize = 128,
    threads: Threads = 1,
    results: Annotated[
        Path, typer.Option(help="Folder of measured releases, read and written.")
    ] = RELEASES,
    seed: Seed = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, and nothing else, to stdout.")
    ] = False,
    json: Json = False,
) -> int:
    """Show releases by speed: images/s, the ratio to a reference, certificate, parameters.

    Each release is measured in turns with one reference of its package: the release that is
    installed here, or the newest. It can be stopped at any time; the same command goes on.

    Examples:
      python -m bench matrix
      python -m bench matrix --measure torch:2.9..2.13 jax:0.8..0.10
    """
    from bench.cli.commands.speed import releases as command

    asked = command.MatrixRequest(
        *(tuple(releases or ()), measure, frameworks, held, pairs, budget, batch_size, threads),
        *(results, seed),
    )
    return command.show_matrix(asked, as_json=json, as_markdown=markdown)
