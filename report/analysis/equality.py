"""Whether the runs of a comparison were given the same: data, split, order, initial weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bench.results.record import Record
from report.analysis.comparison import KEPT, Comparison


@dataclass(frozen=True, slots=True)
class Property:
    """Something that must be equal for every framework, at the same seed where it depends on it."""

    name: str
    by_seed: bool
    of: Callable[[Record], str | None]


PROPERTIES = (
    Property("data", False, lambda record: record.provenance.data_sha256),
    Property("split", True, lambda record: record.provenance.split_sha256),
    Property("order", True, lambda record: record.provenance.order_sha256),
    Property("initial weights", True, lambda record: record.provenance.initial_weights_sha256),
    Property(
        "parameter count",
        False,
        lambda record: (
            None if record.learning.parameters is None else str(record.learning.parameters)
        ),
    ),
)
# Of runs that have some.
RANDOM_NUMBERS = Property("random numbers", True, lambda record: record.provenance.draws_sha256)


@dataclass(frozen=True, slots=True)
class Check:
    """One property at one seed: which values there are, and which frameworks have each.

    `frameworks` are all that have the property; `missing` are those of which an ok run lacks it.
    """

    name: str
    seed: int | None
    values: tuple[tuple[str, tuple[str, ...]], ...]
    missing: tuple[str, ...]

    @property
    def frameworks(self) -> frozenset[str]:
        """All frameworks that have the property."""
        return frozenset(name for _, names in self.values for name in names)

    @property
    def differs(self) -> bool:
        """Whether there is more than one value: what was compared was not equal."""
        return len(self.values) > 1


@lru_cache(maxsize=KEPT)  # notes, tables and every format ask for the same
def check(comparison: Comparison) -> tuple[Check, ...]:
    """Check each property of the matched runs, for each seed where it depends on the seed."""
    is_random = any(record.provenance.draws_sha256 for record in comparison.records)
    properties = (*PROPERTIES, RANDOM_NUMBERS) if is_random else PROPERTIES
    return check_records(comparison.records, properties)


def check_records(records: Sequence[Record], properties: Iterable[Property]) -> tuple[Check, ...]:
    """Check some of the properties of any records, for each seed where one depends on the seed."""
    checks = []
    for item in properties:
        by_seed: dict[int | None, list[Record]] = defaultdict(list)
        for record in records:
            by_seed[record.identity.seed if item.by_seed else None].append(record)
        for seed in sorted(by_seed, key=lambda seed: -1 if seed is None else seed):
            checks.append(_check(item, seed, by_seed[seed]))
    return tuple(checks)


def _check(item: Property, seed: int | None, records: list[Record]) -> Check:
    values: dict[str, set[str]] = defaultdict(set)
    missing: set[str] = set()
    for record in records:
        value = item.of(record)
        if value is not None:
            values[value].add(record.identity.framework)
        elif record.status.outcome == "ok":
            missing.add(record.identity.framework)
    found = tuple((value, tuple(sorted(values[value]))) for value in sorted(values))
    return Check(item.name, seed, found, tuple(sorted(missing)))


def agreeing(checks: tuple[Check, ...]) -> list[str]:
    """The properties that were compared between frameworks and found equal everywhere."""
    names = []
    for item in (*PROPERTIES, RANDOM_NUMBERS):
        own = [one for one in checks if one.name == item.name]
        compared = any(len(one.frameworks) > 1 for one in own)
        if compared and not any(one.differs or one.missing for one in own):
            names.append(item.name)
    return names
