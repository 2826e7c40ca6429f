"""What runs were to train, or to measure, and have no record of, not even of a failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from bench.config.run_settings import RunSettings
from bench.results.record import Record
from report.analysis.configurations import grouped


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
        there = {_key(one) for one in of_run}
        every = _planned(planned, of_run)
        missing = [key for key in every if key not in there]
        if missing:
            seed, repeat, framework = missing[0][:3]
            name = of_run[0].identity.run
            found[run] = Cut(name, len(every), len(missing), framework, seed, repeat)
    return found


_Key = tuple[int, int, str, str, int, int]


def _key(record: Record) -> _Key:
    of = record.identity
    return of.seed, of.repeat, of.framework, of.device, of.batch_size, of.threads


def _planned(planned: RunSettings, records: Iterable[Record]) -> list[_Key]:
    """All that it is to have, block after block; what varies and is not told is as in the records.

    A run with a precision to reach may have had more.
    """
    of = [record.identity for record in records]
    seeds = planned.seeds or sorted({one.seed for one in of})
    blocks = max(planned.min_repeats if planned.seeds else 0, len(seeds))
    return [
        (seeds[block % len(seeds)], block // len(seeds), framework, device, batch_size, threads)
        for block, framework, device, batch_size, threads in product(
            range(blocks),
            planned.frameworks,
            planned.devices,
            planned.batch_sizes or sorted({one.batch_size for one in of}),
            planned.threads or sorted({one.threads for one in of}),
        )
    ]
