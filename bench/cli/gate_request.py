"""What was typed after `bench gate` → what will be compared; every wrong call is refused here."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from rich.console import Console

from bench.choices import Device
from bench.cli.console import installed
from bench.config import checks, parsing
from bench.errors import UsageError
from bench.gate import schedule
from bench.gate.cases import Case, Name
from bench.gate.decision import Judge, Rule, fewest_pairs
from bench.gate.pairs import Shape
from bench.gate.repository import Repository, Revision
from bench.system import machine
from report.text import plain

BUSY_CPUS = 0.5  # other programs' load that a person should know of
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class GateRequest:
    """The options as they were typed."""

    base: str
    head: str
    tip: bool
    frameworks: str | None
    batch_sizes: str
    threads: str
    device: str
    threshold: str
    budget: str
    pairs: int | None
    quadruples: int
    window: float
    base_python: Path | None
    head_python: Path | None
    environments: str | None
    allow_dirty: bool
    markdown: Path | None
    out: Path | None
    seed: int | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was asked for, checked; nothing is measured yet."""

    asked: GateRequest
    repository: Repository
    revisions: dict[Name, Revision]
    judge: Judge
    shape: Shape
    budget_s: float
    seed: int
    notes: list[str]
    build: bool


def prepare(asked: GateRequest, folder: Path, notes: Console) -> Prepared:
    """Check all that can be seen before anything is measured; UsageError says what is wrong.

    The repository's mirror is made in the `folder`.
    """
    threshold, budget_s = _threshold(asked.threshold), _seconds(asked.budget)
    shape = Shape(checks.at_least(2, "--quadruples", asked.quadruples), _window(asked.window))
    for file in (asked.out, asked.markdown):
        if file and (file.is_dir() or not file.absolute().parent.is_dir()):
            raise UsageError(f"{file} cannot be written: name a file in a folder that exists")
    repository = Repository.around(Path.cwd(), folder)
    revisions = _revisions(asked, repository)
    _refuse_dirty(asked, repository, revisions["head"])
    cases = _cases(asked, notes)
    rule = _rule(threshold, len(cases), asked.pairs)
    schedule.require_budget(budget_s, len(cases), min(rule.early, rule.pairs), shape)
    differing = _differing(asked, repository, revisions)
    return Prepared(
        asked=asked,
        repository=repository,
        revisions=revisions,
        judge=Judge(cases, rule),
        shape=shape,
        budget_s=budget_s,
        seed=secrets.randbelow(1 << 32) if asked.seed is None else asked.seed,
        notes=_notes(asked, repository, revisions, differing),
        build=bool(differing) and asked.environments == "build",
    )


def _revisions(asked: GateRequest, repository: Repository) -> dict[Name, Revision]:
    """The commits to compare: head with where it began, or with the base as it is now."""
    base, head = repository.revision(asked.base), repository.revision(asked.head)
    if not asked.tip and base.commit != head.commit:
        base = repository.merge_base(base, head)
    return {"base": base, "head": head}


def _cases(asked: GateRequest, notes: Console) -> list[Case]:
    """The cells. Whether a framework exists only its revisions can tell."""
    if asked.device not in get_args(Device):
        raise UsageError(f"--device {asked.device!r} is not possible: give cpu or gpu")
    named = (
        None
        if asked.frameworks is None
        else parsing.words("--frameworks", asked.frameworks, such_as="torch,keras")
    )
    names = installed(None, notes) if named is None else checks.distinct("--frameworks", named)
    threads = parsing.whole_numbers("--threads", asked.threads)
    most = len(machine.usable_cpus())
    for count in threads:
        if not 1 <= count <= most:
            raise UsageError(f"--threads {count} is not possible: give 1 to {most}")
    sizes = parsing.whole_numbers("--batch-size", asked.batch_sizes)
    for size in sizes:
        checks.at_least(1, "--batch-size", size)
    return schedule.cases_of(
        names,
        checks.distinct("--batch-size", sizes),
        checks.distinct("--threads", threads),
        asked.device,
    )


def _refuse_dirty(asked: GateRequest, repository: Repository, head: Revision) -> None:
    """UsageError where the files here are not what would be measured."""
    changed = _changed(repository, head)
    if changed and not asked.allow_dirty:
        raise UsageError(
            f"files differ from the commit that would be measured ({changed}): commit or stash "
            "them, or take --allow-dirty to measure the commit without them"
        )


def _changed(repository: Repository, head: Revision) -> str:
    """The first files that differ from the head, where the head is what is checked out."""
    changed = repository.changed()
    if not changed or repository.revision("HEAD").commit != head.commit:
        return ""
    return plain(", ".join(changed[:3]) + (", …" if len(changed) > 3 else ""))


def _notes(
    asked: GateRequest,
    repository: Repository,
    revisions: dict[Name, Revision],
    differing: list[str],
) -> list[str]:
    """What a reader of the verdict must know."""
    said = []
    changed = _changed(repository, revisions["head"])
    if changed:
        said.append(f"measured without what is not committed: {changed}")
    if revisions["base"].commit == revisions["head"].commit:
        said.append("base and head are the same commit: this tests the gate, and nothing else")
    if differing:
        both = (
            "each was measured in its own" if asked.environments == "build" else "one served both"
        )
        said.append(f"the revisions want different packages ({', '.join(differing)}): {both}")
    busy = machine.busy_cpus()
    if busy > BUSY_CPUS:
        said.append(f"other programs kept {busy:.1f} CPUs busy at the start: end them, if you can")
    return said


def _differing(
    asked: GateRequest, repository: Repository, revisions: dict[Name, Revision]
) -> list[str]:
    """Where the revisions want other packages and no interpreters were given; a person decides."""
    if asked.environments not in (None, "build", "shared"):
        raise UsageError(
            f"--environments {asked.environments!r} is not possible: give build or shared"
        )
    pythons = {"--base-python": asked.base_python, "--head-python": asked.head_python}
    for option, python in pythons.items():
        if python and not python.is_file():
            raise UsageError(f"{option} {python} is no file: give an interpreter")
    differing = repository.differing(revisions["base"], revisions["head"])
    if not differing or all(pythons.values()):
        return []
    if asked.environments is None:
        raise UsageError(
            f"the revisions want different packages ({', '.join(differing)}): take --environments "
            "build to make one for each, --environments shared to measure both in this one, or "
            "name two with --base-python and --head-python"
        )
    return differing


def _rule(threshold: float, cells: int, pairs: int | None) -> Rule:
    rule = Rule.of(threshold, cells, pairs)
    least = fewest_pairs(cells, rule.alpha)
    if rule.pairs < least:
        among = f" in {cells} cells" if cells > 1 else ""
        raise UsageError(
            f"--pairs {pairs} can never find a regression{among}: give at least {least}"
        )
    return rule


def _threshold(text: str) -> float:
    """Such as 5% or 0.05: more than 0 and less than 100 %."""
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(%?)\s*", text)
    value = float(found[1]) / (100 if found[2] else 1) if found else None
    if value is None or not 0 < value < 1:
        raise UsageError(
            f"--threshold {text!r} is not possible: give more than 0 and less than "
            "100 %, such as 5%"
        )
    return value


def _seconds(text: str) -> float:
    """Such as 15m, 900s or 1h; a number alone is seconds."""
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([smh]?)\s*", text)
    if not found or float(found[1]) == 0:
        raise UsageError(f"--budget {text!r} cannot be read: give a time such as 15m or 900s")
    return float(found[1]) * UNITS[found[2] or "s"]


def _window(seconds: float) -> float:
    if not 0.01 <= seconds <= 10:
        raise UsageError(f"--window {seconds:g} is not possible: give 0.01 to 10 seconds")
    return seconds
