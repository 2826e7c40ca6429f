"""`bench profile`: where the time of a training step goes, layer by layer, in each framework."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from rich.console import Console

from bench import frameworks
from bench.choices import Device
from bench.cli import parse
from bench.cli.commands.verify import CLASSES, sizes_of
from bench.cli.console import installed, say, standard_output
from bench.config import checks, parsing, resolve
from bench.errors import UnknownNameError, UsageError
from bench.execution import Executor, device_listing, step_profile
from bench.execution.certify import certify
from bench.execution.executor import NO_LOG
from bench.results import store
from bench.results.certificate import Subject
from bench.results.step_profile import Profiles, StepProfile
from bench.system import machine, signals
from bench.worker.messages import ProfileStep
from bench.workload import models
from bench.workload.pieces import pieces

FORMATS = ("html", "csv")  # beside the JSON, which is always there
WINDOW_S = 0.03  # of a part in a round: some hundred times a clock's tick and a call


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """The options as they were typed."""

    frameworks: str | None
    model: str
    activation: str | None
    pooling: str | None
    channels: int
    batch_size: int
    optimizer: str
    device: str
    threads: int | None
    rounds: int
    seed: int


def profile(
    asked: ProfileOptions,
    out: Path,
    formats: str | None,
    typed: tuple[str, ...],
    executor: Executor,
    *,
    as_json: bool,
) -> int:
    """Profile one framework after the other, print and write; 0 where all could be profiled."""
    console, notes = standard_output(), Console(stderr=True, highlight=False)
    chosen = _formats(formats)
    tasks = _tasks(asked, notes, executor)
    now = datetime.now(UTC)
    folder = store.new_folder(out, store.run_name("profile", asked.model, now))
    found: list[StepProfile] = []
    interrupted = False
    try:
        with signals.terminations_interrupt():
            for task in tasks:
                found.append(_profiled(task, folder, notes, executor))
                step_profile.keep(folder, typed, found)
    except KeyboardInterrupt:  # what was found by then is kept and shown all the same
        interrupted = True
        say(notes, f"interrupted after {len(found)} of {len(tasks)}")
        if not found:
            shutil.rmtree(folder)
            return signals.EXIT_CODE
    if as_json:
        print(Profiles(command=typed, profiles=tuple(found)).model_dump_json(indent=2))
    show_and_write(found, folder, None if as_json else console, chosen)
    if interrupted:
        return signals.EXIT_CODE
    return 1 if any(one.reason or one.is_disturbed for one in found) else 0


def show_and_write(
    found: list[StepProfile], folder: Path, console: Console | None, formats: tuple[str, ...]
) -> None:
    """The tables on the terminal, and the files of these formats in the folder."""
    from report.formats.terminal import print_section
    from report.tables.step_profile import section

    if console is not None:
        print_section(section(found), console)
    if formats:
        _write(found, folder, console or Console(stderr=True), formats)
    if console is not None:
        say(console, f"wrote {folder}")


def _write(
    found: list[StepProfile], folder: Path, console: Console, formats: tuple[str, ...]
) -> None:
    try:
        from report.formats.step_profile import files  # draws, which takes seconds to load
    except ModuleNotFoundError as error:
        missing = f"no report files: {error.name} is missing: pip install 'lenet-bench[report]'"
        say(console, missing)
        return
    for name, content in files(found, formats).items():
        (folder / name).parent.mkdir(exist_ok=True)
        store.write_atomically(folder / name, content)


def _formats(text: str | None) -> tuple[str, ...]:
    """Those that were asked for; UsageError names one that there is not."""
    if text is None:
        return FORMATS
    chosen = parsing.words("--format", text, such_as="html,csv, or none")
    if chosen == ("none",):
        return ()
    for one in chosen:
        if one not in FORMATS:
            raise UnknownNameError("format of a profile", one, (*FORMATS, "none"))
    return chosen


def _tasks(asked: ProfileOptions, notes: Console, executor: Executor) -> list[ProfileStep]:
    """What each worker is asked for; UsageError where something cannot be."""
    named = (
        None
        if asked.frameworks is None
        else parsing.words("--frameworks", asked.frameworks, such_as="torch,keras")
    )
    names = installed(named, notes)
    if asked.channels not in (1, 3):
        raise UsageError(f"--channels {asked.channels} is not possible: give 1 or 3")
    options = models.choose(asked.model, asked.activation, asked.pooling, 0.0, 0.0)
    shape = (*models.named(asked.model).size, asked.channels)
    pieces(models.build(asked.model, shape, CLASSES, options))  # raises where it cannot be cut
    optimizer = resolve.optimizer(resolve.optimizer_name(asked.optimizer), 0.0, None)
    threads = checks.default(asked.threads, machine.most_threads())
    (device,) = device_listing.choose_devices(parse.devices(asked.device), names, executor)
    chosen = cast(Device, device)
    return [
        ProfileStep(
            framework=name,
            device=chosen,
            threads=checks.at_least(1, "--threads", threads),
            model=asked.model,
            options=options,
            input_shape=shape,
            classes=CLASSES,
            optimizer=optimizer,
            batch_size=checks.at_least(1, "--batch-size", asked.batch_size),
            rounds=checks.at_least(1, "--rounds", asked.rounds),
            window_s=WINDOW_S,
            seed=checks.at_least(0, "--seed", asked.seed),
            given=frameworks.named(name).variables(chosen, machine.instruction_sets()),
        )
        for name in names
    ]


def _profiled(task: ProfileStep, folder: Path, notes: Console, executor: Executor) -> StepProfile:
    """The framework's profile, once it is proved to compute what the others do."""
    with notes.status(f"{task.framework}: verifying") as status:
        subject = Subject(
            framework=task.framework,
            device=task.device,
            model=task.model,
            options=task.options,
            input_shape=task.input_shape,
            classes=task.classes,
            optimizers=(task.optimizer,),
            threads=task.threads,
            seed=task.seed,
            variables=tuple(sorted(task.given.items())),
            **sizes_of(task.batch_size),
        )
        verdict = certify(subject, NO_LOG, lambda check: None, executor)
        if verdict.outcome is not None:
            say(notes, f"{task.framework}: {verdict.outcome}: {verdict.reason}", style="red")
            return step_profile.without(task, f"{verdict.outcome}: {verdict.reason}")

        def show(number: int) -> None:
            status.update(f"{task.framework}: round {number} of {task.rounds}")

        status.update(f"{task.framework}: building the parts of a step")
        found = step_profile.profile(
            task, folder / f"{frameworks.in_file_names(task.framework)}.log", executor, show
        )
    if found.reason:
        say(notes, f"{task.framework}: {found.reason}", style="red")
    return found
