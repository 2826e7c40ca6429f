"""What runs must have in common to stand beside each other, and how they are put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bench.config.defaults import weight_decay
from bench.config.training_settings import TrainingSettings
from bench.contract import ModelOptions
from bench.results.record import Record
from report.text import Given, Note

MATCHED = "matched"  # the regime of `bench.results.record.Record` in which all is equal

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Setup:
    """What runs must have in common to be compared: settings, device, machine, where they began.

    The weight decay in `settings` is that of the regime matched, also where nobody gave one.

    host  of its machine, as the record says; where it does not, what `setup_of` makes of that
    env   variables that a person gave, as they were typed
    shares_host  whether others could measure on the host meanwhile
    """

    settings: TrainingSettings
    device: str
    batch_size: int
    threads: int
    machine_fingerprint: str
    host: str
    resumed_from: str | None
    first_epoch: int
    env: tuple[str, ...] = ()
    shares_host: bool = False

    @property
    def options(self) -> ModelOptions:
        """What was chosen of the model."""
        of = self.settings
        return ModelOptions(of.activation, of.pooling, of.dropout, of.noise)

    @property
    def place(self) -> tuple[str, str, str, int, int, str]:
        """Where it stands among others: swept values in their order."""
        return (
            *(self.settings.dataset, self.options.of(self.settings.model), self.device),
            *(self.threads, self.batch_size, repr(self)),
        )


def network(setup: Setup) -> Note:
    """The model, with what was chosen of it."""
    chosen = setup.options.label
    return (
        (Given(setup.settings.model), f" ({chosen})") if chosen else (Given(setup.settings.model),)
    )


def distinct(records: Iterable[Record]) -> list[Record]:
    """The records in the order of run, framework and seed, without exact repetitions."""
    called = grouped(
        records,
        lambda one: (
            one.schema_version,
            one.identity.run,
            one.identity.cell,
            one.identity.started_at,
        ),
    )
    unique = {
        (name, text): record
        for name, alike in called.items()
        for text, record in _without_repetitions(alike).items()
    }
    return [
        record
        for _, record in sorted(
            unique.items(),
            key=lambda item: (
                item[1].identity.run,
                item[1].identity.framework,
                item[1].identity.seed,
                item[0],
            ),
        )
    ]


def _without_repetitions(alike: Sequence[Record]) -> dict[str, Record]:
    """Records of one name by what they hold, which is written out only where there are several."""
    if len(alike) == 1:
        return {"": alike[0]}
    return {record.model_dump_json(): record for record in alike}


def grouped(records: Iterable[Record], key: Callable[[Record], Key]) -> dict[Key, list[Record]]:
    """The records by their key, in the order in which each first occurs."""
    groups: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return dict(groups)


def by_version(records: Iterable[Record]) -> dict[str | None, list[Record]]:
    """Group by the framework's version; an unknown one joins the known one if that is alone."""
    groups = grouped(records, lambda record: record.environment.framework_version)
    if None in groups and len(groups) == 2:
        unknown = groups.pop(None)
        next(iter(groups.values())).extend(unknown)
    return groups


def setup_of(record: Record, *, host_by_run: bool = True) -> Setup:
    """The set-up of a record; that of the matched runs, whatever its own regime.

    A record without a host is of one of its run's own, since equal machines may be several; or of
    an unknown one, not `host_by_run`, where runs are held against each other and nothing is paired.
    """
    known = record.environment.machine.host
    unknown = f"of {record.identity.of_run}" if host_by_run else "unknown"
    return Setup(
        settings=replace(record.settings, weight_decay=weight_decay(record.settings)),
        device=record.identity.device,
        batch_size=record.identity.batch_size,
        threads=record.identity.threads,
        machine_fingerprint=record.environment.machine.fingerprint,
        host=known or unknown,
        resumed_from=record.weights.resumed_from,
        first_epoch=record.learning.first_epoch,
        env=record.run_settings.env if record.run_settings else (),
        shares_host=record.environment.shares_host,
    )
