"""What is proved of each framework in a comparison: the certificates of its runs, put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.results.certificate import Check, Subject
from bench.results.record import Record
from report.analysis.comparison import Comparison
from report.analysis.configurations import MATCHED
from report.text import Given, Note, counted, listed


@dataclass(frozen=True, slots=True)
class Proof:
    """One framework's checks of one name: how many, and the one nearest to its bound.

    `worst` is the first that failed, where one did. `regime` is the first whose certificate it is:
    matched, where another regime has no optimizer of its own.
    """

    framework: str
    regime: str
    name: str
    checks: int
    worst: Check


def proofs(comparison: Comparison) -> list[Proof]:
    """Every framework's checks, by name, in the order in which they were made."""
    regimes: dict[Subject, str] = {}  # matched before the others
    found: dict[tuple[str, str, str], dict[str, Check]] = {}
    seen: set[tuple[str, str, int]] = set()
    for record in comparison.everything:
        of_record = (
            record.identity.framework,
            record.identity.regime,
            id(record.provenance.certificate),
        )
        if record.provenance.certificate is None or of_record in seen:
            continue
        seen.add(of_record)
        regime = regimes.setdefault(record.provenance.certificate.subject, record.identity.regime)
        for check in record.provenance.certificate.made:
            # Seeds share a certificate; of two, each check counts once, with the worse outcome.
            of = found.setdefault((record.identity.framework, regime, check.name), {})
            before = of.get(check.case)
            if before is None or _share(check) > _share(before):
                of[check.case] = check
    return [
        Proof(framework, regime, name, len(checks), max(checks.values(), key=_share))
        for (framework, regime, name), checks in found.items()
    ]


def warnings(comparison: Comparison) -> list[Note]:
    """Loud, where runs were let through without proof."""
    names = _names(record for record in comparison.everything if record.provenance.unverified)
    if not names:
        return []
    said = ("UNVERIFIED: run with --unverified, so that nothing proves an equal computation: ",)
    return [(*said, *listed([named(*one) for one in names]), ".")]


def notes(comparison: Comparison) -> list[Note]:
    """What was proved, and of whom nothing was."""
    by_framework: dict[tuple[str, str], list[Proof]] = {}
    for proof in proofs(comparison):
        by_framework.setdefault((proof.framework, proof.regime), []).append(proof)
    said: list[Note] = []
    passed = {
        key: of for key, of in by_framework.items() if all(proof.worst.passed for proof in of)
    }
    if passed:
        fragments: list[str | Given] = ["Verified against the float64 oracle before timing: "]
        for (framework, regime), of in passed.items():
            nearest = max(_share(proof.worst) for proof in of)
            count = sum(proof.checks for proof in of)
            fragments += named(framework, regime)
            fragments += [
                f" {counted(count, 'check')}, at most {100 * nearest:.0f} % of a bound",
                "; ",
            ]
        fragments[-1] = "."
        said.append(tuple(fragments))
    without = _names(
        record
        for record in comparison.everything
        if record.status.outcome == "ok"
        and record.provenance.certificate is None
        and not record.provenance.unverified
    )
    if without:
        said.append(
            (
                "No certificate of equivalence in the records of ",
                *listed([named(*one) for one in without]),
                ".",
            )
        )
    return said


def _share(check: Check) -> float:
    """The error as a part of its bound; a bound of 0 allows only 0."""
    if check.error is None:
        return float("inf")
    if not check.bound:
        return float("inf") if check.error else 0.0
    # CPUs kept busy are no error: up to the number of threads is what was asked for.
    return 0.0 if check.name == "threads" and check.passed else check.error / check.bound


def named(framework: str, regime: str) -> Note:
    """A framework, and its regime unless that is matched."""
    return (Given(framework),) if regime == MATCHED else (Given(framework), " ", Given(regime))


def _names(records: Iterable[Record]) -> list[tuple[str, str]]:
    """Which frameworks in which regimes, matched first."""
    found = {(record.identity.framework, record.identity.regime) for record in records}
    return sorted(found, key=lambda one: (one[0], one[1] != MATCHED, one[1]))
