"""What runs were to train, or to measure, and have no record of, not even of a failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Self

from bench.config.run_settings import RunSettings
from bench.results.record import Record
from report.analysis.configurations import grouped

_Key = tuple[int, int, str, str, int, int]  # seed, repeat, framework, device, batch size, threads


@dataclass(frozen=True, slots=True)
class Cut:
    """A run that lacks records.

    run       the name of its folder
    cells     how many it was to have, each counted once for all of its regimes
    missing   how many of them have no record
    ...       of the first of these: framework, seed, and how often the seed was taken before
    """

    run: str
    cells: int
    missing: int
    framework: str
    seed: int
    repeat: int


def cut_runs(records: Iterable[Record]) -> Mapping[str, Cut]:
    """The runs that lack records, by `Identity.of_run`.

    Runs are asked as wholes: the cells of one on several hosts are in several comparisons. What a
    run was to have is in its records; those of before `run_settings` do not say.
    """
    found = {}
    for run, of_run in grouped(records, lambda one: one.identity.of_run).items():
        planned = of_run[0].run_settings
        if planned is None:
            continue
        there, every = {_key(one) for one in of_run}, _Planned.of(planned, of_run)
        missing = every.count - sum(map(every.has, there))
        if missing:
            seed, repeat, framework = next(key for key in every if key not in there)[:3]
            name = of_run[0].identity.run
            found[run] = Cut(name, every.count, missing, framework, seed, repeat)
    return found


def _key(record: Record) -> _Key:
    of = record.identity
    return of.seed, of.repeat, of.framework, of.device, of.batch_size, of.threads


@dataclass(frozen=True, slots=True)
class _Planned:
    """All cells that a run is to have; one with a precision to reach may have had more.

    Never as a list: a file can say that it is to have any number of repeats.
    """

    seeds: tuple[int, ...]
    blocks: int
    others: tuple[tuple[str, str, int, int], ...]

    @classmethod
    def of(cls, planned: RunSettings, records: Iterable[Record]) -> Self:
        """What varies and is not told is as in the records."""
        there = [record.identity for record in records]
        seeds = planned.seeds or sorted({one.seed for one in there})
        others = product(
            planned.frameworks,
            planned.devices,
            planned.batch_sizes or sorted({one.batch_size for one in there}),
            planned.threads or sorted({one.threads for one in there}),
        )
        blocks = max(planned.min_repeats if planned.seeds else 0, len(seeds))
        return cls(tuple(dict.fromkeys(seeds)), blocks, tuple(dict.fromkeys(others)))

    @property
    def count(self) -> int:
        """Of cells."""
        return self.blocks * len(self.others)

    def has(self, key: _Key) -> bool:
        """Whether a cell is one of them."""
        seed, repeat, *other = key
        if seed not in self.seeds or tuple(other) not in self.others:
            return False
        return 0 <= repeat * len(self.seeds) + self.seeds.index(seed) < self.blocks

    def __iter__(self) -> Iterator[_Key]:
        """Block after block."""
        for block in range(self.blocks):
            repeat, place = divmod(block, len(self.seeds))
            for other in self.others:
                yield (self.seeds[place], repeat, *other)
