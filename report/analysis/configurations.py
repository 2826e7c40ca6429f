"""What runs must have in common to stand beside each other, and how they are put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bench.choices import Activation, Pooling
from bench.contract import ModelOptions
from bench.results.record import Record
from bench.workload.training import Training
from report.text import Given, Note

MATCHED = "matched"  # the regime of `bench.results.record.Record` in which all is equal

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Setup:
    """What runs must have in common to be compared: the request, the data and the machine.

    `weight_decay` is None where no run is matched and each framework has its own.
    """

    dataset: str
    model: str
    activation: Activation
    pooling: Pooling
    dropout: float
    noise: float
    device: str
    batch_size: int
    threads: int
    optimizer: str
    learning_rate: float
    momentum: float
    weight_decay: float | None
    epochs: int
    target_accuracy: float | None
    fit: str
    train_images: int
    val_images: int
    test_images: int
    given_mean: tuple[float, ...] | None
    given_std: tuple[float, ...] | None
    machine_fingerprint: str
    resumed_from: str | None
    first_epoch: int
    training: Training

    @property
    def options(self) -> ModelOptions:
        """What was chosen of the model."""
        return ModelOptions(self.activation, self.pooling, self.dropout, self.noise)

    @property
    def place(self) -> tuple[str, str, str, int, int, str]:
        """Where it stands among others: swept values in their order."""
        return (
            *(self.dataset, self.options.of(self.model), self.device),
            *(self.threads, self.batch_size, repr(self)),
        )


def network(setup: Setup) -> Note:
    """The model, with what was chosen of it."""
    chosen = setup.options.label
    return (Given(setup.model), f" ({chosen})") if chosen else (Given(setup.model),)


def distinct(records: Iterable[Record]) -> list[Record]:
    """The records in the order of run, framework and seed, without exact repetitions."""
    called = grouped(records, lambda one: (one.schema_version, one.run, one.cell, one.started_at))
    unique = {
        (name, text): record
        for name, alike in called.items()
        for text, record in _without_repetitions(alike).items()
    }
    return [
        record
        for _, record in sorted(
            unique.items(), key=lambda item: (item[1].run, item[1].framework, item[1].seed, item[0])
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
    groups = grouped(records, lambda record: record.framework_version)
    if None in groups and len(groups) == 2:
        unknown = groups.pop(None)
        next(iter(groups.values())).extend(unknown)
    return groups


def setup_of(record: Record) -> Setup:
    """The set-up of a record, with the weight decay of its own regime."""
    return Setup(
        dataset=record.dataset,
        model=record.model,
        activation=record.activation,
        pooling=record.pooling,
        dropout=record.dropout,
        noise=record.noise,
        device=record.device,
        batch_size=record.batch_size,
        threads=record.threads,
        optimizer=record.optimizer,
        learning_rate=record.learning_rate,
        momentum=record.momentum,
        weight_decay=record.weight_decay,
        epochs=record.epochs,
        target_accuracy=record.target_accuracy,
        fit=record.fit,
        train_images=record.train_images,
        val_images=record.val_images,
        test_images=record.test_images,
        given_mean=None if record.given_mean is None else tuple(record.given_mean),
        given_std=None if record.given_std is None else tuple(record.given_std),
        machine_fingerprint=record.machine.fingerprint,
        resumed_from=record.resumed_from,
        first_epoch=record.first_epoch,
        training=record.training,
    )


def home(record: Record, matched: Mapping[Setup, Sequence[Record]]) -> Setup:
    """The set-up of the matched runs that a run in another regime belongs to.

    Its weight decay may be the framework's own. The matched one, which its record does not hold, is
    then that of matched runs for which nobody typed one either, of the same run where there are
    several. Where there are none, it is unknown, unless the record's own is a matched run's.
    """
    own = setup_of(record)
    if record.weight_decay_is_given:
        return own
    likely: list[tuple[bool, str, Setup]] = []
    for setup, records in matched.items():
        untyped = [one for one in records if not one.weight_decay_is_given]
        if untyped and replace(setup, weight_decay=own.weight_decay) == own:
            elsewhere = all(one.run != record.run for one in untyped)
            likely.append((elsewhere, repr(setup), setup))
    if likely:
        return min(likely)[-1]
    return own if own in matched else replace(own, weight_decay=None)
