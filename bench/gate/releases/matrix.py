"""Releases × speed: each against one reference of its framework, from stored pairs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

from packaging.version import Version
from pydantic import BaseModel, ConfigDict

from bench import stats
from bench.gate.cases import NAMES, Case, Pair
from bench.gate.decision import hindrance
from bench.gate.releases.document import Compared, Document, differing

LEVEL = 0.95


class Row(BaseModel):
    """A release with a framework.

    reference     the release that it was measured in turns with
    images_per_s  the reference's median, times the ratio
    ratio, low, high  its speed over the reference's, with the interval of 95 %; the reference with
                  itself shows how far equal ones come apart
    certificate   whether it computes the same as the NumPy reference
    reason        why it was not timed; None where it may be
    parameters    numbers in the network
    also          what else differs from the reference's environment: `old → new` by package
    disturbed     whether others were busier while one of the two was measured, so much that this
                  explains half of how far they are apart
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    version: str
    case: Case
    reference: str | None
    images_per_s: float | None
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    certificate: str
    reason: str | None
    parameters: int | None
    also: dict[str, str]
    disturbed: bool


def rows(document: Document) -> list[Row]:
    """One for each release and case, by framework and version; also of what was not timed."""
    cases = list(dict.fromkeys(one.case for of in document.releases for one in of.examined))
    found = []
    for case in sorted(cases, key=lambda case: case.label):
        reference = reference_of(document, case)
        releases = [one for one in document.releases if one.of(case)]
        for release in sorted(releases, key=lambda one: Version(one.version)):
            found.append(_row(document, case, reference, release.version))
    return found


def reference_of(document: Document, case: Case, among: Sequence[str] | None = None) -> str | None:
    """The release that most pairs of a case have as their base; None where none has."""
    counts: Counter[str] = Counter()
    for one in document.compared:
        if one.case == case and (among is None or one.base in among):
            counts[one.base] += len(one.pairs)
    return counts.most_common(1)[0][0] if counts else None


def _row(document: Document, case: Case, reference: str | None, version: str) -> Row:
    release = document.release(version)
    examined = release.of(case) if release else None
    if release is None or examined is None:
        raise RuntimeError(f"{version} is in no row")
    of_reference = document.release(reference) if reference else None
    pairs = document.pairs(case, reference, version) if reference else ()
    observations = [pair.observation for pair in pairs]
    ratios = [one.log_ratio for one in observations]
    effect = stats.hodges_lehmann(ratios, level=0.0) if ratios else None
    interval = stats.hodges_lehmann(ratios, level=LEVEL) if ratios else None
    speed = _images_per_s(document.compared, case, reference)
    taken = max(hindrance(observations, side) for side in NAMES) if observations else 0.0
    ratio = math.exp(-effect.estimate) if effect else None
    return Row(
        package=document.package,
        version=version,
        case=case,
        reference=reference,
        images_per_s=speed * ratio if speed and ratio else None,
        ratio=ratio,
        low=math.exp(-interval.high) if interval else None,
        high=math.exp(-interval.low) if interval else None,
        pairs=len(pairs),
        certificate=examined.verdict,
        reason=examined.reason if examined.outcome else None,
        parameters=examined.parameters,
        also=differing(
            of_reference.packages, release.packages, document.distribution.partition("[")[0]
        )
        if of_reference
        else {},
        disturbed=bool(effect and taken and 2 * taken > abs(effect.estimate)),
    )


def _images_per_s(compared: Sequence[Compared], case: Case, version: str | None) -> float | None:
    """The median over the windows of a release as the base of pairs."""
    pairs = [
        pair for one in compared if (one.case, one.base) == (case, version) for pair in one.pairs
    ]
    return median(_speeds(pairs)) if pairs else None


def _speeds(pairs: Sequence[Pair]) -> list[float]:
    return [p.steps * p.case.batch_size / seconds for p in pairs for seconds in p.base.seconds]
