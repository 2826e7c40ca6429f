"""`bench verify`: each framework against the oracle, check by check."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, cast

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench import frameworks
from bench.choices import Device
from bench.cli import parse
from bench.cli.console import installed, standard_output
from bench.cli.views import certificates
from bench.config import checks, parsing, resolve
from bench.config.settings import DECLARED
from bench.contract import ModelOptions, OptimizerSpec
from bench.errors import UnknownNameError, UsageError
from bench.execution import Executor, device_listing
from bench.execution.certify import VerificationResult, certify
from bench.execution.executor import NO_LOG
from bench.results.certificate import Check, Subject
from bench.system import machine, signals
from bench.verification import causes
from bench.verification.problems import TRAINING_IMAGES
from bench.workload import models
from report.text import plain

CLASSES = 10
OPTIMIZERS = (
    OptimizerSpec("sgd"),
    OptimizerSpec("sgd", momentum=0.9, weight_decay=5e-4),
    OptimizerSpec("rmsprop"),
    OptimizerSpec("rmsprop", momentum=0.9),
    OptimizerSpec("adam"),
    OptimizerSpec("adamw", weight_decay=1e-2),
)


@dataclass(frozen=True, slots=True)
class Networks:
    """Which networks, as they were typed."""

    models: str | None
    activations: str | None
    poolings: str | None
    dropout: float
    noise: float
    channels: int
    every: bool = False


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The options as they were typed."""

    frameworks: str | None
    networks: Networks
    optimizers: str | None
    devices: str
    threads: int | None
    seed: int
    batch_sizes: str | None = None


def verify(asked: VerifyOptions, executor: Executor, *, as_json: bool) -> int:
    """Examine every framework anew and print its checks; 0 where all of them passed."""
    console, notes = standard_output(), Console(stderr=True, highlight=False)
    subjects = _subjects(asked, notes, executor)
    verdicts: list[VerificationResult] = []
    interrupted = False
    try:
        with signals.terminations_interrupt():
            for subject in subjects:
                with notes.status(f"{subject.framework} on {subject.device}, {subject.network}"):
                    verdict = certify(subject, NO_LOG, lambda check: None, executor, fresh=True)
                verdicts.append(verdict)
                if not as_json:
                    _print(console, subject, verdict, in_full=not asked.networks.every)
    except KeyboardInterrupt:  # what was found by then is shown all the same
        interrupted = True
        notes.print(f"interrupted after {len(verdicts)} of {len(subjects)}")
    examined = list(zip(subjects, verdicts, strict=False))
    if as_json:
        print(json.dumps([_document(*pair) for pair in examined], indent=2))
    elif asked.networks.every:
        certificates.print_worst(console, examined)
    if interrupted:
        return signals.EXIT_CODE
    return 0 if all(verdict.outcome is None for verdict in verdicts) else 1


def _subjects(asked: VerifyOptions, notes: Console, executor: Executor) -> list[Subject]:
    named = (
        None
        if asked.frameworks is None
        else parsing.words("--frameworks", asked.frameworks, such_as="torch,keras")
    )
    names = installed(named, notes)
    wanted = _networks(asked.networks)
    specs = (
        OPTIMIZERS
        if asked.optimizers is None
        else tuple(
            _optimizer(text)
            for text in parsing.words("--optimizers", asked.optimizers, such_as="sgd,adamw")
        )
    )
    threads = checks.default(asked.threads, machine.most_threads())
    devices = device_listing.choose_devices(parse.devices(asked.devices), names, executor)
    return [
        Subject(
            framework=name,
            device=cast(Device, device),
            model=model,
            options=chosen,
            input_shape=(*models.named(model).size, asked.networks.channels),
            classes=CLASSES,
            optimizers=checks.distinct("--optimizers", specs),
            threads=checks.at_least(1, "--threads", threads),
            seed=checks.at_least(0, "--seed", asked.seed),
            variables=_variables(name, cast(Device, device)),
            **sizes,
        )
        for name, device, (model, chosen), sizes in product(
            names, devices, wanted, _sizes(asked.batch_sizes)
        )
    ]


def _variables(framework: str, device: Device) -> tuple[tuple[str, str], ...]:
    """Those that a run sets for it here."""
    found = frameworks.named(framework).variables(device, machine.instruction_sets())
    return tuple(sorted(found.items()))


def _sizes(given: str | None) -> list[dict[str, Any]]:
    """Fields of a subject for each size of batch; without any given, those that it has anyway."""
    if given is None:
        return [{}]
    option = "--batch-sizes"
    sizes = checks.each(partial(checks.at_least, 1))(option, parsing.whole_numbers(option, given))
    return [sizes_of(size) for size in sizes]


def sizes_of(batch_size: int) -> dict[str, Any]:
    """Fields of a subject that is examined with batches of this size."""
    usual = Subject.model_fields["remainder"].default
    return {
        "batch_size": batch_size,
        "remainder": min(usual, batch_size - 1),
        "loaded": max(batch_size, TRAINING_IMAGES),
        "predicted": (batch_size,),
    }


def _networks(asked: Networks) -> list[tuple[str, ModelOptions]]:
    """Every model with every activation and pooling that was asked for."""
    if asked.channels not in (1, 3):
        raise UsageError(f"--channels {asked.channels} is not possible: give 1 or 3")
    if asked.every:
        if asked.models or asked.activations or asked.poolings or asked.dropout or asked.noise:
            raise UsageError(
                "--all takes no --models, --activations, --poolings, --dropout or --noise: it is "
                "all of them"
            )
        return models.every()
    names = _several("--models", asked.models, models.CATALOGUE, DECLARED["model"].default)
    activations = _several("--activations", asked.activations, models.ACTIVATIONS)
    poolings = _several("--poolings", asked.poolings, models.POOLINGS)
    return [
        (name, models.choose(name, activation, pooling, asked.dropout, asked.noise))
        for name in names
        for activation in activations or [None]
        for pooling in poolings or [None]
    ]


def _several(
    option: str, given: str | None, known: Iterable[str], usual: str | None = None
) -> tuple[str, ...]:
    """The words of an option; `all` stands for every known one, and none for the usual one."""
    if given is None:
        return () if usual is None else (usual,)
    known = tuple(known)
    found = parsing.words(option, given, such_as=f"{known[0]},{known[1]}, or all")
    return checks.distinct(option, known if found == ("all",) else found)


def _optimizer(text: str) -> OptimizerSpec:
    """`sgd`, or with constants `sgd:momentum=0.9:weight-decay=5e-4`."""
    name, *parts = text.split(":")
    given: dict[str, float] = {}
    for part in parts:
        key, _, value = part.partition("=")
        if key not in ("momentum", "weight-decay"):
            raise UnknownNameError(f"constant of {name}", key, ("momentum", "weight-decay"))
        (given[key.replace("-", "_")],) = parsing.numbers("--optimizers", value)
    return resolve.optimizer(
        resolve.optimizer_name(name), given.get("momentum", 0.0), given.get("weight_decay")
    )


def _document(subject: Subject, verdict: VerificationResult) -> dict[str, object]:
    certificate = verdict.certificate
    return {
        "subject": subject.model_dump(mode="json"),
        "status": verdict.outcome or "equivalent",
        "reason": verdict.reason,
        "certificate": certificate and certificate.model_dump(mode="json"),
    }


def _print(
    console: Console, subject: Subject, verdict: VerificationResult, *, in_full: bool
) -> None:
    """The verdict; in full with the checks as a table before it, else with the network's name."""
    title = frameworks.named(subject.framework).title
    certificate = verdict.certificate
    if not in_full:
        title = f"{title}, {subject.network}"
    elif certificate is not None and certificate.checks:
        versions = ", ".join(f"{k} {v}" for k, v in certificate.versions.items())
        head = (
            f"{title} on {subject.device}, {subject.network}, {subject.threads} threads, "
            f"batches of {subject.batch_size:,}"
        )
        console.print(Text(head, style="bold"))
        console.print(Text(plain(versions), style="dim"))
        console.print(_table(certificate.made))
        reasons = dict.fromkeys((check.name, check.reason) for check in certificate.made)
        grid = Table.grid(padding=(0, 2, 0, 0))
        for name, reason in reasons:
            grid.add_row(Text(name, style="dim"), Text(reason, style="dim"))
        console.print(grid)
        for check in certificate.left_out:
            console.print(Text(plain(check.describe()), style="yellow"), soft_wrap=True)
        for name in dict.fromkeys(check.name for check in certificate.failures):
            cause = f"{name} fails usually because of {causes.USUAL[name]}."
            console.print(Text(cause, style="yellow"), soft_wrap=True)
    if verdict.outcome is None and certificate is not None:
        more = f", {len(certificate.left_out)} left out" if certificate.left_out else ""
        said = Text(f"{title}: equivalent, all {len(certificate.made)} checks{more}", style="green")
    else:
        said = Text(plain(f"{title}: {verdict.outcome}: {verdict.reason}"), style="bold red")
    console.print(said, soft_wrap=True)
    if in_full:
        console.print()


def _table(checks: tuple[Check, ...]) -> Table:
    """One row a check, an optimizer's steps together: the worst case, or every one that fails."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading in ("Check", "On"):
        table.add_column(heading, overflow="fold")
    for heading in ("Cases", "Worst error", "Bound"):
        table.add_column(heading, justify="right")
    for heading in ("Where", ""):
        table.add_column(heading, overflow="fold")
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.name, _subject(check)), []).append(check)
    before = None
    for (name, subject), alike in groups.items():
        failed = [check for check in alike if not check.passed]
        for check in failed or [max(alike, key=lambda check: check.error or 0.0)]:
            table.add_row(
                Text(name if name != before else ""),
                Text(check.case if failed or len(alike) == 1 else subject),
                f"{len(alike)}",
                "–" if check.error is None else f"{check.error:.2g}",
                f"{check.bound:.2g}",
                Text(plain(check.where)),
                "ok" if check.passed else "FAILS",
                style=None if check.passed else "bold red",
            )
            before = name
    return table


def _subject(check: Check) -> str:
    """The case without the number of steps, or of images in a batch, or of the epoch."""
    subject, comma, last = check.case.rpartition(", ")
    if comma and last.endswith(("step", "steps")):
        return subject
    first = check.case.split(" ")[0]
    return {"full": "batches", "partial": "batches", "epoch": "epochs"}.get(first, check.case)
