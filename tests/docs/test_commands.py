"""Every command that a page or a help text shows: it can be typed, and it is run.

All are read by the program's own parser. Those that a page marks as quick are run within the
process of these tests; the others are long, a process each.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from bench.cli.app import app
from bench.config.settings import DECLARED
from tests.calling import NoExecutor, call
from tests.docs.pages import EVERY, ROOT, Command, commands_of, examples, needed_files

QUICK = [one for one in EVERY if one.mark == "quick"]
LONG = [one for one in EVERY if not one.mark and one.arguments is not None]
REAL_DATA = Path(os.environ.get("LENET_BENCH_TEST_DATA", ROOT.parent / "shared" / "data"))
PUBLISHED = ROOT / "results" / "published" / "mnist-avx2"
GROUP = typer.main.get_command(app)

TINY = (
    *("--train-size", "640", "--val-size", "64", "--test-size", "64", "--epochs", "1"),
    *("--seeds", "0", "--windows", "4", "--window", "0.02", "--wait-for-quiet", "0s"),
)
ONE_PROCESS = ("--min-repeats", "1")
FEW_PROCESSES = ("--min-repeats", "2", "--max-repeats", "3")  # of which a width can be had
# What makes each command small; the later of two options counts.
SMALLER = {
    "run": (*TINY, *ONE_PROCESS),
    "reproduce": (*TINY, *ONE_PROCESS),
    "ladder": (*TINY, *ONE_PROCESS),
    "profile": ("--rounds", "2"),
    "rerun": ("--format", "none"),
}
TAKES_FRAMEWORKS = ("run", "reproduce", "ladder", "profile", "verify")
LONGEST_S = 600  # of a command; most take a quarter of a minute
CHECKPOINTS = ("FILE", "MNIST_torch_seed0_epoch3_acc0.9850.safetensors")
RUNS = ("RUN", "MONDAY", "TUESDAY", "2026-01-31T12-00-00Z-mnist-lenet5")


@pytest.mark.parametrize("command", EVERY, ids=str)
def test_what_is_shown_can_be_typed(command: Command) -> None:
    """Unknown commands, options and values are refused, and so is a mark that nobody knows."""
    assert re.fullmatch(r"|quick|not run: .{5,}|file: .+", command.mark), command.mark
    arguments = command.arguments
    if arguments is None:
        _check_other_program(command)
        return
    name, *rest = arguments
    if name.startswith("-"):  # an option of the program itself
        assert any(name in one.opts for one in GROUP.params)
        return
    found, context = GROUP.commands[name], None
    if hasattr(found, "commands"):
        found, rest = found.commands[rest[0]], rest[1:]
    context = found.make_context(name, list(rest))
    if context.args:  # of `run`, for a command that takes those, too
        assert found.context_settings.get("allow_extra_args")
        first = context.params.get("name") or ""  # after --all it is an option of `run`
        rest = [*([first] if first.startswith("-") else []), *context.args]
        found, context = GROUP.commands["run"], GROUP.commands["run"].make_context("run", rest)
    if found.name == "run":
        for setting, typed in context.params.items():
            source = context.get_parameter_source(setting)
            if setting in DECLARED and source is not None and source.name == "COMMANDLINE":
                DECLARED[setting].about.check("", DECLARED[setting].parse(typed))


def _check_other_program(command: Command) -> None:
    words = [word for word in command.words if not re.match(r"[A-Z_]+=", word)]
    if words[0] == "make":
        targets = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{words[1]}:|^[\w-]+-%:.*|{words[1]}", targets, re.MULTILINE)
    elif words[:3] == ["python", "-m", "pytest"]:
        assert all((ROOT / word).exists() for word in words[3:] if "/" in word)
    elif words[:2] == ["python", "-m"]:  # a program beside the tests
        module = ROOT.joinpath(*words[2].split("."))
        assert module.with_suffix(".py").exists() or (module / "__main__.py").exists()
    elif words[0] == "python":
        assert (ROOT / words[1]).exists()
    else:
        assert command.mark.startswith("not run: "), f"nothing runs {command}: say why not"


def test_each_command_has_two_examples() -> None:
    lacking = [
        name for name, command in commands_of(GROUP) if len(examples(command.help or "")) != 2
    ]
    assert lacking == []


def _run(folder: Path) -> None:
    """Makes the run that pages speak of, copies of it, and the checkpoints."""
    arguments = ["run", "--frameworks", "torch,keras", *TINY, *ONE_PROCESS, "--format", "none"]
    done = _process(folder, [*arguments, "--batch-size", "64", "--threads", "1", "--out", "made"])
    assert done.returncode == 0, done.stderr
    (made,) = (folder / "made").iterdir()
    kept = next((made / "checkpoints").glob("*_torch_*"))
    for name in CHECKPOINTS:
        shutil.copy(kept, folder / name)
    _copies(made, folder, RUNS)
    shutil.rmtree(folder / "made")


def _copies(run: Path, folder: Path, names: tuple[str, ...]) -> None:
    """A run under the names that pages have, as runs of their own."""
    identity = json.loads(next((run / "records").iterdir()).read_text())["identity"]
    for name in names:
        copied = folder / "results" / name
        shutil.copytree(run, copied)
        own = {identity["run"]: name}
        if identity.get("run_id"):
            own[identity["run_id"]] = hashlib.sha256(name.encode()).hexdigest()[:32]
        for record in (copied / "records").iterdir():
            text = record.read_text(encoding="utf-8")
            for old, new in own.items():
                text = text.replace(f'"{old}"', f'"{new}"')
            record.write_text(text, encoding="utf-8")


def _environment(folder: Path) -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR", "LENET_BENCH_CACHE")
    environment = {name: value for name, value in os.environ.items() if name in kept}
    environment["LENET_BENCH_DATA"] = str(REAL_DATA if REAL_DATA.exists() else folder / "data")
    return environment | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "BROWSER": "true"}


def _process(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "bench", *arguments],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
    )


def _workspace(folder: Path) -> Path:
    """A folder with the files that the pages' commands name, but for runs."""
    (folder / "results").mkdir()
    for file in needed_files():
        (folder / file.name).write_text(file.text, encoding="utf-8")
        if file.language == "python":
            with contextlib.chdir(folder):
                exec(compile(file.text, file.name, "exec"), {})
    for name in ("seven.png", "four.png", "four.jpg"):
        Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _workspace(tmp_path_factory.mktemp("quick"))
    _copies(PUBLISHED, folder, RUNS[:3])
    return folder


@pytest.fixture(scope="module")
def long_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _workspace(tmp_path_factory.mktemp("long"))
    _run(folder)
    return folder


@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize("command", QUICK, ids=str)
def test_quick_commands_run(quick_folder: Path, command: Command) -> None:
    assert command.arguments is not None
    with contextlib.chdir(quick_folder):
        done = call(command.arguments, _environment(quick_folder), NoExecutor)
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr


@pytest.mark.long
@pytest.mark.timeout(LONGEST_S + 300)
@pytest.mark.xdist_group("docs-long")
@pytest.mark.parametrize("command", LONG, ids=str)
def test_long_commands_run(long_folder: Path, command: Command) -> None:
    """On fewer images, in shorter windows, and of one framework where the command names none.

    A framework that is not installed here is a row with its reason, and makes the exit code 1. So
    does a profile of which others disturbed most rounds.
    """
    arguments = list(command.arguments or ())
    if "mnist" in arguments and not (REAL_DATA / "MNIST" / "raw").is_dir():
        pytest.skip(f"no real MNIST in {REAL_DATA}: set LENET_BENCH_TEST_DATA to a data root")
    if not {"--resume", "--from", "--dry-run"} & set(arguments):
        arguments += SMALLER.get(arguments[0], ())
        arguments += FEW_PROCESSES if "--precision" in arguments else ()
    if arguments[0] in TAKES_FRAMEWORKS and not {"--frameworks", "--resume"} & set(arguments):
        arguments += ["--frameworks", "torch"]
    done = _process(long_folder, arguments)
    told = "flux" in command.line or (arguments[0] == "profile" and ": disturbed," in done.stdout)
    assert done.returncode in ((0, 1) if told else (0,)), done.stderr or done.stdout
