"""What is proved of each framework in a comparison: the certificates of its runs, put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.certificate import Check
from bench.record import Record
from report.comparison import Comparison
from report.text import Given, Note


@dataclass(frozen=True, slots=True)
class Proof:
    """One framework's checks of one name: how many, and the one nearest to its bound.

    `worst` is the first that failed, where one did.
    """

    framework: str
    name: str
    checks: int
    worst: Check


def proofs(comparison: Comparison) -> list[Proof]:
    """Every framework's checks, by name, in the order in which they were made."""
    found: dict[tuple[str, str], dict[str, Check]] = {}
    for record in comparison.records:
        if record.certificate is not None:
            for check in record.certificate.checks:
                # Seeds share a certificate; of two, each check counts once, with the worse outcome.
                of = found.setdefault((record.framework, check.name), {})
                of[check.case] = max(of.get(check.case, check), check, key=_share)
    return [
        Proof(framework, name, len(checks), max(checks.values(), key=_share))
        for (framework, name), checks in found.items()
    ]


def warnings(comparison: Comparison) -> list[Note]:
    """Loud, where runs were let through without proof."""
    names = _names(record for record in comparison.records if record.unverified)
    if not names:
        return []
    said = ("UNVERIFIED: run with --unverified, so that nothing proves an equal computation: ",)
    return [(*said, *_listed(names), ".")]


def notes(comparison: Comparison) -> list[Note]:
    """What was proved, and of whom nothing was."""
    by_framework: dict[str, list[Proof]] = {}
    for proof in proofs(comparison):
        by_framework.setdefault(proof.framework, []).append(proof)
    said: list[Note] = []
    passed = {
        framework: of
        for framework, of in by_framework.items()
        if all(proof.worst.passed for proof in of)
    }
    if passed:
        fragments: list[str | Given] = ["Verified against the float64 oracle before timing: "]
        for framework, of in passed.items():
            nearest = max(_share(proof.worst) for proof in of)
            count = sum(proof.checks for proof in of)
            fragments += [Given(framework), f" {count} checks, at most {nearest:.0%} of a bound"]
            fragments.append("; ")
        fragments[-1] = "."
        said.append(tuple(fragments))
    without = _names(
        record
        for record in comparison.records
        if record.status == "ok" and record.certificate is None and not record.unverified
    )
    if without:
        said.append(("No certificate of equivalence in the records of ", *_listed(without), "."))
    return said


def _share(check: Check) -> float:
    """The error as a part of its bound; a bound of 0 allows only 0."""
    if check.error is None:
        return float("inf")
    if not check.bound:
        return float("inf") if check.error else 0.0
    # CPUs kept busy are no error: up to the number of threads is what was asked for.
    return 0.0 if check.name == "threads" and check.passed else check.error / check.bound


def _names(records: Iterable[Record]) -> list[str]:
    return sorted({record.framework for record in records})


def _listed(names: list[str]) -> Note:
    fragments: list[str | Given] = []
    for name in names:
        fragments += [", ", Given(name)]
    return tuple(fragments[1:])
