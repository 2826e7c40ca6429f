"""`bench bisect` and `bench matrix`: releases of a package, measured against each other."""

from __future__ import annotations

import json
import random
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version
from rich.console import Console

from bench.cli.console import say, standard_output
from bench.cli.views import releases as view
from bench.config import checks, parsing
from bench.errors import UsageError
from bench.frameworks import installed_here
from bench.gate.budget import Budget, OutOfTimeError
from bench.gate.cases import Case
from bench.gate.pairs import Shape
from bench.gate.releases import document, environments, matrix, packages, pip, versions
from bench.gate.releases.campaign import Campaign, Means
from bench.gate.releases.decision import rule_of
from bench.gate.releases.packages import Subject
from bench.gate.releases.search import Found
from bench.gate.workspace import workspace
from bench.system import machine, signals
from report.text import plain

SAME, CHANGED, UNDECIDED = 0, 1, 3  # exit codes, as those of the gate; 2 is an error
SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class BisectRequest:
    """The options as they were typed."""

    package: str
    releases: str
    frameworks: str | None
    held: str | None
    every: bool
    threshold: str
    budget: str
    batch_size: int
    threads: int
    out: Path
    seed: int | None


@dataclass(frozen=True, slots=True)
class MatrixRequest:
    """The options as they were typed."""

    releases: tuple[str, ...]
    measure: bool
    frameworks: str | None
    held: str | None
    pairs: int
    budget: str
    batch_size: int
    threads: int
    results: Path
    seed: int | None


def bisect(asked: BisectRequest, *, as_json: bool) -> int:
    """Search, print; the exit code says whether a change was found."""
    notes = Console(stderr=True, highlight=False)
    rule = rule_of(checks.share("--threshold", parsing.share("--threshold", asked.threshold)))
    subject = packages.subject(
        asked.package, _frameworks(asked.frameworks), parsing.split(asked.held or "")
    )
    cases = _cases(subject, asked.batch_size, asked.threads)
    budget_s = checks.above_zero("--budget", parsing.duration("--budget", asked.budget))
    chosen = _chosen(subject, asked.releases, notes)
    if len(chosen) < 2:
        raise UsageError(
            f"only {chosen[0]} of {subject.package.name} is within {asked.releases!r}: two are "
            "needed to compare"
        )
    found: dict[Case, Found | None] = {}
    try:
        with _means(budget_s, asked.seed, notes) as means, _file(asked.out, subject) as file:
            campaign = Campaign(subject, file, means)
            try:
                for case in cases:
                    found[case] = campaign.bisect(case, chosen, rule, every=asked.every)
            except OutOfTimeError:
                say(notes, f"the time is up: {_again('bench bisect')}")
    except KeyboardInterrupt:
        print(f"interrupted: {_again('bench bisect')}", file=sys.stderr)
        return signals.EXIT_CODE
    results = [
        view.Searched(subject.package.name, case, tuple(chosen), asked.every, found.get(case))
        for case in cases
    ]
    if as_json:
        print(json.dumps(view.bisect_document(file.document, results), indent=2))
    else:
        view.print_bisect(standard_output(), file.document, results, rule)
        say(notes, f"kept in {file.path}", "dim")
    if any(found.get(case) is None for case in cases):
        return UNDECIDED
    changes = [one for of in found.values() if of for one in (*of.changes, *of.unexplained)]
    undecided = [one for of in found.values() if of for one in of.undecided]
    return CHANGED if changes else UNDECIDED if undecided else SAME


def show_matrix(asked: MatrixRequest, *, as_json: bool, as_markdown: bool) -> int:
    """Measure what is lacking, where that is asked for, and print what is stored."""
    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other: give one of them")
    code = _measured(asked) if asked.measure else SAME
    if code not in (SAME, UNDECIDED):
        return code
    if asked.releases and not asked.measure:
        raise UsageError("releases are named for --measure alone: without it all stored are shown")
    files = sorted(asked.results.glob(f"*{SUFFIX}"))
    if not files:
        raise UsageError(
            f"{asked.results} holds no measured releases: measure some, such as with python -m "
            "bench matrix --measure torch:2.9..2.13"
        )
    documents = [document.read(path) for path in files]
    rows = [(one, matrix.rows(one)) for one in documents]
    if as_json:
        print(json.dumps(view.matrix_document(rows), indent=2))
    elif as_markdown:
        print(view.matrix_markdown(rows), end="")
    else:
        view.print_matrix(standard_output(), rows)
    return code


def _measured(asked: MatrixRequest) -> int:
    """Measure each package's releases against its reference; what is there already is kept."""
    notes = Console(stderr=True, highlight=False)
    if not asked.releases:
        raise UsageError(
            "--measure needs releases: name packages with theirs, such as torch:2.9..2.13 "
            "jax:0.8..0.10"
        )
    least = 6  # pairs that have an interval of 95 %
    pairs = checks.at_least(least, "--pairs", asked.pairs)
    budget_s = checks.above_zero("--budget", parsing.duration("--budget", asked.budget))
    wanted = []
    for text in asked.releases:
        name, separator, range_ = text.partition(":")
        if not separator:
            raise UsageError(
                f"{text!r} names no releases: give a package with its range, such as "
                f"{name}:2.9..2.13"
            )
        subject = packages.subject(
            name, _frameworks(asked.frameworks), parsing.split(asked.held or "")
        )
        cases = _cases(subject, asked.batch_size, asked.threads)
        wanted.append((subject, cases, _chosen(subject, range_, notes)))
    code = SAME
    try:
        with _means(budget_s, asked.seed, notes) as means:
            for subject, cases, chosen in wanted:
                with _file(asked.results, subject) as file:
                    campaign = Campaign(subject, file, means)
                    for case in cases:
                        if not _against_reference(campaign, case, chosen, pairs):
                            code = UNDECIDED
    except OutOfTimeError:
        say(notes, f"the time is up: {_again('bench matrix --measure')}")
        code = UNDECIDED
    except KeyboardInterrupt:
        print(f"interrupted: {_again('bench matrix --measure')}", file=sys.stderr)
        code = signals.EXIT_CODE
    return code


def _against_reference(campaign: Campaign, case: Case, chosen: Sequence[str], pairs: int) -> bool:
    """The releases that can be timed, against the one that was the reference before.

    Or against the one that is installed here, or the newest. Whether all pairs were measured.
    """
    ready = [version for version in chosen if campaign.is_ready(version, case)]
    if not ready:
        campaign.means.notes(f"no release of {campaign.subject.package.name} can be timed")
        return False
    here = installed_here(campaign.subject.package.distribution.partition("[")[0]) or ""
    public = here.partition("+")[0]
    reference = matrix.reference_of(campaign.file.document, case, ready) or (
        public if public in ready else ready[-1]
    )
    return not campaign.against(case, reference, ready, pairs)


def _again(command: str) -> str:
    return f"what was installed and measured is kept, and the same {command} goes on with it"


def _frameworks(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    named = parsing.words("--frameworks", text, such_as="torch,torch:compile")
    return checks.distinct("--frameworks", named)


def _cases(subject: Subject, batch_size: int, threads: int) -> list[Case]:
    checks.at_least(1, "--batch-size", batch_size)
    most = len(machine.usable_cpus())
    if not 1 <= threads <= most:
        raise UsageError(f"--threads {threads} is not possible: give 1 to {most}")
    return [
        Case(framework=name, batch_size=batch_size, threads=threads) for name in subject.frameworks
    ]


def _chosen(subject: Subject, text: str, notes: Console) -> list[str]:
    """Releases in order; what is not there, or older than the adapter, is named.

    Where the index cannot be reached, those that are installed already.
    """
    versions.check(text)
    name = subject.package.name
    try:
        released = pip.released(subject.package.distribution)
    except pip.NoNetworkError as error:
        released = environments.versions_installed(subject)
        if not released:
            raise
        say(notes, plain(f"only releases that are installed already: {error}"))
    chosen = versions.choose(text, released)
    for version in chosen.left_out:
        say(
            notes,
            f"without {name} {version}: there is no such release, or none that fits this Python",
        )
    least = Version(subject.package.least)
    old = [version for version in chosen.versions if Version(version) < least]
    for version in old:
        say(notes, f"without {name} {version}: the adapter is written for {least} and later")
    if len(old) == len(chosen.versions):
        raise UsageError(f"no release within {text!r} is {name} {least} or later")
    return [version for version in chosen.versions if version not in old]


@contextmanager
def _means(budget_s: float, seed: int | None, notes: Console) -> Iterator[Means]:
    """A folder, a clock and a status line; terminations interrupt."""
    chosen = secrets.randbelow(1 << 32) if seed is None else seed
    with ExitStack() as stack:
        stack.enter_context(signals.terminations_interrupt())
        folder = stack.enter_context(workspace())
        status = stack.enter_context(notes.status("starting"))
        yield Means(
            folder=folder,
            budget=Budget(budget_s),
            shape=Shape(),
            chance=random.Random(chosen),  # noqa: S311 -- an order, not a secret
            status=lambda text: status.update(plain(text)),
            notes=lambda text: say(notes, plain(text)),
        )


def _file(folder: Path, subject: Subject) -> AbstractContextManager[document.File]:
    return document.opened(folder, subject.package.name, subject.package.distribution)
