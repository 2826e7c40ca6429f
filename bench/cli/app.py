"""The commands and their options: the map of the program.

What they do is in `bench.cli.commands`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bench import __version__
from bench.cli import output
from bench.cli.gate_command import gate
from bench.cli.help_texts import Command, Group
from bench.cli.invocation import Invocation
from bench.cli.recipe_commands import reproducer, rerun, show
from bench.cli.result_commands import compare, export, history, report
from bench.cli.run_options import Arrays, DataRoot, DatasetName, Json, run
from bench.cli.speed_commands import bisect, climber, matrix, profile
from bench.config import parsing
from bench.errors import BenchError, UsageError
from bench.system import signals

if TYPE_CHECKING:
    from bench.execution import Executor

WRONG = 2  # the exit code of every error
MODULE, INSTALLED = "python -m bench", "lenet-bench"  # how the program is called
# A shell completes words after the name of a program, which a module has not.
COMPLETION = ("--install-completion", "--show-completion")
NUMBERS = {"int_parsing": "a whole number", "float_parsing": "a number"}  # by pydantic's errors

app = typer.Typer(
    name="bench",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Compare deep-learning frameworks: the same network, images, order and initial weights.",
)
data_app = typer.Typer(
    cls=Group, no_args_is_help=True, help="Download, check, describe and clean data sets."
)
app.add_typer(data_app, name="data")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"lenet-bench {__version__}")
        raise typer.Exit


@app.callback()
def bench(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Options without a command."""


app.command(cls=Command)(run)
app.command(cls=Command)(gate)
app.command(cls=Command)(report)
app.command(cls=Command)(compare)
app.command(cls=Command)(history)
app.command(cls=Command)(export)
app.command(cls=Command)(show)
app.command(cls=Command)(rerun)
app.command(cls=Command)(profile)
app.command(cls=Command)(bisect)
app.command(cls=Command)(matrix)


@cache
def _program() -> Group:
    """Every command with its options; Typer takes a while to make them of the signatures."""
    return cast(Group, typer.main.get_command(app))


def _run(arguments: list[str], invocation: Invocation) -> int:
    """`bench run` with these arguments, from within another command."""
    command = _program().commands["run"]
    code: int = command.main(arguments, "bench run", standalone_mode=False, obj=invocation)
    return code


# They take the options of `run`, too.
FOR_RUN = {"allow_extra_args": True, "ignore_unknown_options": True}
app.command("reproduce", cls=Command, context_settings=FOR_RUN)(reproducer(_run))
app.command("ladder", cls=Command, context_settings=FOR_RUN)(climber(_run))


@app.command(cls=Command)
def predict(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Option(help="A checkpoint that a run has saved.")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Image files, or folders that hold a folder for each class. Default: the test "
            "images of the data set."
        ),
    ] = None,
    framework: Annotated[
        str | None,
        typer.Option(
            help="One framework, or several to compare. Default: the one that trained it."
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Data set to test on. Default: that of the checkpoint.")
    ] = None,
    arrays: Arrays = None,
    data_root: DataRoot = None,
    device: Annotated[str, typer.Option(help="Device: cpu or gpu.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of each framework. Default: all.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images per batch.")] = 500,
    mistakes: Annotated[
        Path | None,
        typer.Option(
            help="Draw the misclassified images: the first 16 into one picture (.png or .svg), "
            "or all of them into a folder."
        ),
    ] = None,
    invert: Annotated[
        bool,
        typer.Option("--invert", help="Invert the images: for dark digits on a light background."),
    ] = False,
    json: Json = False,
) -> int:
    """Predict with a checkpoint in any framework: accuracy on a data set, or classes of images.

    Images are resized and normalised as in training. With several frameworks it also prints how
    far their answers agree.

    Examples:
      python -m bench predict --checkpoint FILE --framework torch,flax
      python -m bench predict --checkpoint FILE --mistakes mistakes.png
    """
    from bench.cli.commands import predict as command

    if arrays is not None:
        dataset = parsing.with_arrays(dataset, arrays)
    source = command.PredictInput(tuple(images or ()), dataset, data_root, invert, mistakes)
    names = command.PredictTarget(framework, device, threads, batch_size)
    return command.predict(checkpoint, names, source, context.obj.executor(), as_json=json)


@app.command(cls=Command)
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
            "--all", help="All networks, with each activation and pooling: about an hour."
        ),
    ] = False,
    activations: Annotated[
        str | None,
        typer.Option(
            "--activation",
            "--activations",
            help="Activations of lenet5, such as relu,selu, or all. Default: relu.",
        ),
    ] = None,
    poolings: Annotated[
        str | None,
        typer.Option(
            "--pooling",
            "--poolings",
            help="Pooling of lenet5: max, average or max,average. Default: max.",
        ),
    ] = None,
    dropout: Annotated[float, typer.Option(help="Dropout rate of lenet5; 0: none.")] = 0.0,
    noise: Annotated[
        float, typer.Option(help="Standard deviation of noise on the images; 0: none.")
    ] = 0.0,
    optimizers: Annotated[
        str | None,
        typer.Option(
            help="Optimizers, such as sgd,adamw; with constants: "
            "sgd:momentum=0.9:weight-decay=5e-4. Default: all, with and without momentum."
        ),
    ] = None,
    devices: Annotated[str, typer.Option(help="Devices: cpu, gpu, cpu,gpu or auto.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of each framework. Default: all.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of initial weights and batches.")] = 0,
    channels: Annotated[int, typer.Option(help="Channels of the images: 1 or 3.")] = 1,
    batch_sizes: Annotated[
        str | None,
        typer.Option(
            "--batch-size",
            "--batch-sizes",
            help="Images per batch; each of several is examined, such as 1,128. Default: 32.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Check that frameworks compute the same: each against a NumPy reference in float64.

    Exit code: 0 if every check passed, 1 if one did not, 2 for an error.

    Examples:
      python -m bench verify --frameworks torch,keras
      python -m bench verify --frameworks torch --optimizers adamw --threads 1
    """
    from bench.cli.commands import verify as command

    networks = command.Networks(models, activations, poolings, dropout, noise, channels, every)
    asked = command.VerifyOptions(
        frameworks, networks, optimizers, devices, threads, seed, batch_sizes
    )
    return command.verify(asked, context.obj.executor(), as_json=json)


@app.command(cls=Command)
def setup(
    context: typer.Context,
    framework: Annotated[str, typer.Argument(help="The framework, such as flux.")],
    devices: Annotated[
        str, typer.Option(help="Device: cpu, or gpu, which also downloads CUDA.")
    ] = "cpu",
) -> int:
    """Download what a framework needs and pip does not install: Julia and packages for flux.

    It first says how much that is. An installed Julia of version 1.10 or 1.11 is used.

    Examples:
      python -m bench setup flux
      python -m bench setup flux --devices gpu
    """
    from bench.cli.commands import setup as command

    return command.setup(framework, context.obj.executor(), devices)


@app.command("new-framework", cls=Command)
def new_framework(
    name: Annotated[str, typer.Argument(help="Name of the new framework, such as haiku.")],
    title: Annotated[
        str | None, typer.Option(help="Its name in reports, such as Haiku. Default: NAME.")
    ] = None,
    package: Annotated[
        Path | None,
        typer.Option(
            help="Write a separate package into this folder. Default: into this checkout."
        ),
    ] = None,
) -> int:
    """Write the adapter of a new framework to start from: complete, in NumPy.

    It passes `bench verify` as it is. Replace its parts by those of the framework, one by one.

    Examples:
      python -m bench new-framework haiku
      python -m bench new-framework haiku --package ~/lenet-bench-haiku
    """
    from bench.cli.commands import new_framework as command

    return command.new_framework(name, title, package)


@app.command("list", cls=Command)
def list_(
    context: typer.Context,
    what: Annotated[
        str | None, typer.Argument(help="frameworks, datasets, models or recipes. Default: all.")
    ] = None,
    data_root: DataRoot = None,
    json: Json = False,
) -> int:
    """List frameworks, data sets, models and recipes: which are available, and why others are not.

    Examples:
      python -m bench list
      python -m bench list recipes
    """
    from bench.cli.commands import catalogue

    return catalogue.list_(what, data_root, context.obj.executor(), as_json=json)


@app.command(cls=Command)
def watch(
    run: Annotated[Path, typer.Argument(help="Folder of a run, running or finished.")],
) -> int:
    """Follow a run from another terminal: its cells, epochs, accuracies and images per second.

    Ctrl-C ends the watching, not the run. Of a finished run it prints the table.

    Examples:
      python -m bench watch results/RUN
      lenet-bench watch results/RUN
    """
    from bench.cli.commands import watch as command

    return command.watch(run)


@data_app.command("fetch", cls=Command)
def data_fetch(name: DatasetName, data_root: DataRoot = None) -> int:
    """Download a data set, check its hashes and unpack it.

    Examples:
      python -m bench data fetch mnist
      python -m bench data fetch cifar10 --data-root data
    """
    from bench.cli.commands import data

    return data.fetch(name, data_root)


@data_app.command("verify", cls=Command)
def data_verify(name: DatasetName, arrays: Arrays = None, data_root: DataRoot = None) -> int:
    """Check every file of a data set against its hash.

    Examples:
      python -m bench data verify digits
      python -m bench data verify mnist
    """
    from bench.cli.commands import data

    return data.verify(name, arrays, data_root)


@data_app.command("show", cls=Command)
def data_show(
    name: DatasetName, arrays: Arrays = None, data_root: DataRoot = None, json: Json = False
) -> int:
    """Describe a data set: sizes, classes, pixel statistics.

    Examples:
      python -m bench data show digits
      python -m bench data show npz:my-images.npz
    """
    from bench.cli.commands import data

    return data.show(name, arrays, data_root, as_json=json)


@data_app.command("clean", cls=Command)
def data_clean(data_root: DataRoot = None) -> int:
    """Remove decoded images from the cache. The data sets stay; the next run decodes them again.

    The cache is in the user's cache folder, or in $LENET_BENCH_CACHE. Earlier versions kept it in
    the data root; it is removed there, too.

    Examples:
      python -m bench data clean
      python -m bench data clean --data-root data
    """
    from bench.cli.commands import data

    return data.clean(data_root)


def main() -> None:
    """Run the program and end with its exit code.

    Whatever goes wrong is 2, since 1 is what a command found: cells that did not run, a regression,
    a check that failed. What a person can mend is one line, without a traceback.
    """
    with output.unstoppable() as streams:
        installed = Path(sys.argv[0]).stem == INSTALLED
        code = call(sys.argv[1:], program=INSTALLED if installed else MODULE)
        if fault := streams.fault():
            print(f"error: cannot write to standard output: {fault.strerror}", file=sys.stderr)
            code = WRONG
    sys.exit(code)


def _child_processes() -> Executor:
    from bench.execution import ChildProcess  # with all that tasks and events are made of

    return ChildProcess()


def _told(error: typer.TyperException) -> str:
    """The message, with what a missing argument means, and what is no number in our words.

    It is empty where the help was shown for want of a command.
    """
    parameter, cause = getattr(error, "param", None), error.__cause__
    if parameter and isinstance(cause, ValueError) and hasattr(cause, "errors"):
        fault = cause.errors()[0]
        if wanted := NUMBERS.get(fault["type"]):
            return f"{parameter.opts[0]} {fault['input']!r} cannot be read: give {wanted}"
    text = error.format_message()
    meant = getattr(parameter, "help", None)
    is_missing = isinstance(error, typer.BadParameter) and not error.message
    return f"{text} {meant}" if is_missing and meant else text


def call(
    arguments: list[str],
    executor: Callable[[], Executor] = _child_processes,
    program: str = MODULE,
) -> int:
    """The exit code of the program with these arguments; it prints what there is to be told.

    A command that has something for frameworks to do calls `executor` for who does it. `program`
    is how the program was called.
    """
    typed = Invocation(tuple(arguments), executor)
    try:
        if program == MODULE and {*COMPLETION} & {*arguments[:1]}:
            raise UsageError(
                f"{arguments[0]} works for the installed command: lenet-bench {arguments[0]}"
            )
        return int(_program()(arguments, program, standalone_mode=False, obj=typed) or 0)
    except typer.TyperException as error:
        if told := _told(error):
            print(f"error: {told}", file=sys.stderr)
    except (BenchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return signals.EXIT_CODE
    except MemoryError as error:
        print(f"error: not enough memory: {error or 'none is left'}", file=sys.stderr)
    except Exception:
        traceback.print_exc()
    return WRONG
