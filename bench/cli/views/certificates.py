"""The worst errors of many certificates, as parts of their bounds: a line a check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.execution.certify import VerificationResult
from bench.results.certificate import Check, Subject
from report.text import plain


@dataclass(frozen=True, slots=True)
class Worst:
    """Of one check, over many networks and optimizers.

    share  the error as a part of its bound; infinite where it is not finite
    """

    check: Check
    subject: Subject
    share: float


def print_worst(console: Console, examined: Sequence[tuple[Subject, VerificationResult]]) -> None:
    """A table: for each check and framework the worst share of its bound, and where that was."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading in ("Check", "Framework"):
        table.add_column(heading, overflow="fold")
    for heading in ("Cases", "Worst error", "Bound", "Of bound"):
        table.add_column(heading, justify="right")
    table.add_column("Where", overflow="fold")
    before = None
    for name, framework, found in _by_check(examined):
        worst = max(found, key=lambda one: one.share)
        error = "–" if worst.check.error is None else f"{worst.check.error:.2g}"
        table.add_row(
            Text(name if name != before else ""),
            framework,
            f"{len(found)}",
            error,
            f"{worst.check.bound:.2g}",
            f"{worst.share:.0%}",
            Text(plain(f"{worst.subject.network}: {worst.check.case}")),
            style=None if worst.check.passed else "bold red",
        )
        before = name
    console.print()
    console.print(table)


def share(check: Check) -> float:
    """The error as a part of its bound; an error where none is allowed is infinitely much."""
    if check.error is None:
        return float("inf")
    if check.bound == 0:
        return float("inf") if check.error else 0.0
    return check.error / check.bound


def _by_check(
    examined: Sequence[tuple[Subject, VerificationResult]],
) -> Iterator[tuple[str, str, list[Worst]]]:
    """Checks by name and framework, a name's frameworks together."""
    found: dict[tuple[str, str], list[Worst]] = {}
    for subject, verdict in examined:
        for check in verdict.certificate.made if verdict.certificate else ():
            one = Worst(check, subject, share(check))
            found.setdefault((check.name, subject.framework), []).append(one)
    names = dict.fromkeys(name for name, _ in found)
    for name in names:
        for (of, framework), each in found.items():
            if of == name:
                yield name, framework, each
