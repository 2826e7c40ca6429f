"""The commands and their options: the map of the program.

What they do is in `bench.cli.commands`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import output
from bench.cli.gate_command import gate
from bench.cli.invocation import Invocation
from bench.cli.recipe_commands import reproducer, rerun, show
from bench.cli.result_commands import compare, history, report
from bench.cli.run_options import DataRoot, DatasetName, Json, run
from bench.cli.speed_commands import climber, profile
from bench.errors import BenchError
from bench.system import signals

if TYPE_CHECKING:
    from bench.execution import Executor

WRONG = 2  # the exit code of every error

app = typer.Typer(
    name="bench",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Compare deep-learning frameworks: one network, one data order, equal to the last bit.",
)
data_app = typer.Typer(no_args_is_help=True, help="Fetch, verify, show and clean data sets.")
app.add_typer(data_app, name="data")

app.command()(run)
app.command()(gate)
app.command()(report)
app.command()(compare)
app.command()(history)
app.command()(show)
app.command()(rerun)
app.command()(profile)


def _run(arguments: list[str], invocation: Invocation) -> int:
    """`bench run` with these arguments, from within another command."""
    commands = typer.main.get_group(app).commands
    code: int = commands["run"].main(arguments, "bench run", standalone_mode=False, obj=invocation)
    return code


# They take the options of `run`, too.
FOR_RUN = {"allow_extra_args": True, "ignore_unknown_options": True}
app.command("reproduce", context_settings=FOR_RUN)(reproducer(_run))
app.command("ladder", context_settings=FOR_RUN)(climber(_run))


@app.command()
def predict(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Option(help="A checkpoint that a run has saved.")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Image files, or folders with a folder for each class. Default: a data set's "
            "test images."
        ),
    ] = None,
    framework: Annotated[
        str | None,
        typer.Option(help="One, or several to compare. Default: the one that trained it."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Data set to test on. Default: the checkpoint's own.")
    ] = None,
    data_root: DataRoot = None,
    device: Annotated[str, typer.Option(help="cpu or gpu.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of each framework. Default: all.")
    ] = None,
    batch_size: Annotated[
        int, typer.Option(help="Images that a framework is given at a time.")
    ] = 500,
    mistakes: Annotated[
        Path | None,
        typer.Option(
            help="Pictures of what was mistaken: a sheet of the first (.png or .svg), or a folder."
        ),
    ] = None,
    invert: Annotated[
        bool, typer.Option("--invert", help="For digits that are dark on a light ground.")
    ] = False,
    json: Json = False,
) -> int:
    """Predict with a checkpoint in any framework: accuracy on a data set, or classes of images.

    Images are fitted and normalised as in the training. Several frameworks: how far they agree.

    Example: python -m bench predict --checkpoint FILE --framework torch,flax --mistakes sheet.png
    """
    from bench.cli.commands import predict as command

    source = command.PredictInput(tuple(images or ()), dataset, data_root, invert, mistakes)
    names = command.PredictTarget(framework, device, threads, batch_size)
    return command.predict(checkpoint, names, source, context.obj.executor(), as_json=json)


@app.command()
def verify(
    context: typer.Context,
    frameworks: Annotated[
        str | None,
        typer.Option(help="Frameworks, such as torch,keras. Default: all that are installed."),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(help="Networks, such as lenet5,convnet, or all. Default: lenet5."),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="All networks, with each activation and pooling; takes an hour or so."
        ),
    ] = False,
    activations: Annotated[
        str | None,
        typer.Option(
            "--activation",
            "--activations",
            help="Of lenet5: such as relu,selu, or all. Default: relu.",
        ),
    ] = None,
    poolings: Annotated[
        str | None,
        typer.Option(
            "--pooling",
            "--poolings",
            help="Of lenet5: max, average, both with a comma. Default: max.",
        ),
    ] = None,
    dropout: Annotated[float, typer.Option(help="Of lenet5: its rate; 0: none.")] = 0.0,
    noise: Annotated[
        float, typer.Option(help="Standard deviation of noise on the images; 0: none.")
    ] = 0.0,
    optimizers: Annotated[
        str | None,
        typer.Option(
            help="Such as sgd,adamw; with constants: sgd:momentum=0.9:weight-decay=5e-4. "
            "Default: each one, with and without momentum."
        ),
    ] = None,
    devices: Annotated[str, typer.Option(help="cpu, gpu, both with a comma, or auto.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of each framework. Default: all.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws initial weights and batches.")] = 0,
    channels: Annotated[int, typer.Option(help="Channels of the images: 1 or 3.")] = 1,
    batch_sizes: Annotated[
        str | None,
        typer.Option(
            "--batch-size",
            "--batch-sizes",
            help="Images in a batch, such as 1,128,60000: each is examined. Default: 32.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Prove that frameworks compute the same: each against a float64 oracle, check by check.

    Exit code: 0 if every check passed, 1 if one did not, 2 for a wrong call or an error.
    """
    from bench.cli.commands import verify as command

    networks = command.Networks(models, activations, poolings, dropout, noise, channels, every)
    asked = command.VerifyOptions(
        frameworks, networks, optimizers, devices, threads, seed, batch_sizes
    )
    return command.verify(asked, context.obj.executor(), as_json=json)


@app.command()
def setup(
    context: typer.Context,
    framework: Annotated[str, typer.Argument(help="The framework, such as flux.")],
    devices: Annotated[
        str, typer.Option(help="What it is to compute on: cpu, or gpu, which fetches CUDA, too.")
    ] = "cpu",
) -> int:
    """Fetch what a framework needs that pip does not install: Julia and its packages for flux.

    Says first how much that is, and shows what it does. A Julia that is here is used.

    Example: python -m bench setup flux --devices gpu
    """
    from bench.cli.commands import setup as command

    return command.setup(framework, context.obj.executor(), devices)


@app.command("new-framework")
def new_framework(
    name: Annotated[str, typer.Argument(help="As it is to be called, such as haiku.")],
    title: Annotated[
        str | None, typer.Option(help="As reports write it, such as Haiku. Default: the name.")
    ] = None,
    package: Annotated[
        Path | None,
        typer.Option(
            help="Make a package of its own in this folder. Default: a folder of this checkout."
        ),
    ] = None,
) -> int:
    """Write an adapter to begin a framework with: complete, in NumPy, to be replaced bit by bit.

    It passes `bench verify` as it stands; the next commands are printed.

    Example: python -m bench new-framework haiku --package ~/lenet-bench-haiku
    """
    from bench.cli.commands import new_framework as command

    return command.new_framework(name, title, package)


@app.command("list")
def list_(
    context: typer.Context,
    what: Annotated[
        str | None, typer.Argument(help="frameworks, datasets, models or recipes. Default: all.")
    ] = None,
    data_root: DataRoot = None,
    json: Json = False,
) -> int:
    """List frameworks, data sets, models and recipes: available, or why not."""
    from bench.cli.commands import catalogue

    return catalogue.list_(what, data_root, context.obj.executor(), as_json=json)


@app.command()
def watch(
    run: Annotated[Path, typer.Argument(help="The folder of a run that goes on, or has ended.")],
) -> int:
    """Follow a run in another terminal: its cells, epochs, accuracies and images/s.

    Ctrl-C leaves the run alone. A run that has ended: its table.
    """
    from bench.cli.commands import watch as command

    return command.watch(run)


@data_app.command("fetch")
def data_fetch(name: DatasetName, data_root: DataRoot = None) -> int:
    """Download a data set, check its hashes and unpack it."""
    from bench.cli.commands import data

    return data.fetch(name, data_root)


@data_app.command("verify")
def data_verify(name: DatasetName, data_root: DataRoot = None) -> int:
    """Check every file of a data set against its hash."""
    from bench.cli.commands import data

    return data.verify(name, data_root)


@data_app.command("show")
def data_show(name: DatasetName, data_root: DataRoot = None, json: Json = False) -> int:
    """Describe a data set: sizes, classes, pixel statistics."""
    from bench.cli.commands import data

    return data.show(name, data_root, as_json=json)


@data_app.command("clean")
def data_clean(data_root: DataRoot = None) -> int:
    """Remove decoded data sets; data sets themselves stay, and the next run decodes them again.

    They lie among the user's caches, or in $LENET_BENCH_CACHE; earlier versions: in the data root.
    """
    from bench.cli.commands import data

    return data.clean(data_root)


def main() -> None:
    """Run the program and end with its exit code.

    Whatever goes wrong is 2, since 1 is what a command found: cells that did not run, a regression,
    a check that failed. What a person can mend is one line, without a traceback.
    """
    with output.unstoppable() as streams:
        code = call(sys.argv[1:])
        if fault := streams.fault():
            print(f"error: cannot write to standard output: {fault.strerror}", file=sys.stderr)
            code = WRONG
    sys.exit(code)


def _child_processes() -> Executor:
    from bench.execution import ChildProcess  # with all that tasks and events are made of

    return ChildProcess()


def call(arguments: list[str], executor: Callable[[], Executor] = _child_processes) -> int:
    """The exit code of the program with these arguments; it prints what there is to be told.

    A command that has something for frameworks to do calls `executor` for who does it.
    """
    typed = Invocation(tuple(arguments), executor)
    try:
        return int(app(arguments, "python -m bench", standalone_mode=False, obj=typed) or 0)
    except typer.TyperException as error:
        if error.format_message():  # it has none where the help was shown for want of a command
            print(f"error: {error.format_message()}", file=sys.stderr)
    except (BenchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return signals.EXIT_CODE
    except MemoryError as error:
        print(f"error: not enough memory: {error or 'none is left'}", file=sys.stderr)
    except Exception:
        traceback.print_exc()
    return WRONG
