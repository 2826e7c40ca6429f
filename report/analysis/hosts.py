"""One run on several hosts: a ratio a host, and what they come to together.

Cells of one block ran on one host, one after the other; so ratios are within a block, and never of
one host's speed to another's. Hosts may differ, and each has a ratio of its own: what is told of
all of them is a random effect; see `bench.stats.pooled_ratio`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bench import stats
from bench.results.record import Record
from report.analysis.aggregate import Block, by_block
from report.analysis.comparison import Comparison
from report.analysis.configurations import Setup, grouped
from report.analysis.throughput import rate

Speeds = Mapping[str, Mapping[Block, float]]  # images/s by framework and block, of one host


@dataclass(frozen=True, slots=True)
class OverHosts:
    """Ratios of images/s to one framework, over the hosts of a run.

    setup  what the hosts have in common; its machine and host are empty
    base   the framework that ratios are to: the fastest of those that every host has
    hosts  their identities, in the order in which they are shown
    rows   the other frameworks that two hosts or more have measured beside it
    """

    setup: Setup
    run: str
    base: str
    hosts: tuple[str, ...]
    rows: tuple[OfFramework, ...]


@dataclass(frozen=True, slots=True)
class OfFramework:
    """A framework's ratios to the base.

    by_host  of each host that has blocks with both: the ratio over them
    pooled   over those hosts
    p        of a ratio of 1, by Holm's correction over the rows
    """

    framework: str
    by_host: Mapping[str, stats.Effect]
    pooled: stats.RandomEffect
    p: float | None

    @property
    def blocks(self) -> int:
        """Of all hosts."""
        return sum(one.counts[0] for one in self.by_host.values())

    @property
    def verdict(self) -> str:
        """What it is to the base on hosts like these, as far as the interval tells."""
        found = self.pooled.interval
        if found is None or found.low <= 1 <= found.high:
            return "cannot be told apart"
        return "faster" if found.low > 1 else "slower"


def over_hosts(comparisons: Sequence[Comparison]) -> list[OverHosts]:
    """What runs on several hosts showed; nothing of hosts that were shared while they measured."""
    found: dict[tuple[str, Setup], dict[str, Speeds]] = defaultdict(dict)
    for one in comparisons:
        if one.setup.shares_host:
            continue
        alike = replace(one.setup, machine_fingerprint="", host="")
        for run, records in grouped(one.records, lambda record: record.identity.of_run).items():
            found[run, alike][one.setup.host] = _speeds(records)
    made = (_over_hosts(run, setup, hosts) for (run, setup), hosts in found.items())
    return [one for one in made if one is not None]


def _speeds(records: Sequence[Record]) -> Speeds:
    ok = [record for record in records if record.status.outcome == "ok"]
    by_framework = grouped(ok, lambda record: record.identity.framework)
    values = {name: by_block(alike, rate) for name, alike in by_framework.items()}
    return {name: blocks for name, blocks in values.items() if blocks}


def _over_hosts(run: str, setup: Setup, hosts: Mapping[str, Speeds]) -> OverHosts | None:
    everywhere = set[str].intersection(*(set(speeds) for speeds in hosts.values()))
    if len(hosts) < 2 or not everywhere:
        return None
    base = max(sorted(everywhere), key=lambda name: _mean_log(hosts, name))
    named = sorted({name for speeds in hosts.values() for name in speeds} - {base})
    pairs = {name: _pairs(hosts, name, base) for name in named}
    pairs = {name: own for name, own in pairs.items() if len(own) > 1}
    if not pairs:
        return None
    alone = [_pooled(own, 1) for own in pairs.values()]
    p = [1.0 if one.p is None else one.p for one in alone]
    rows = [
        OfFramework(
            framework=name,
            by_host={host: stats.paired_ratio(*both) for host, both in own.items()},
            pooled=_pooled(own, divisor),
            p=corrected,
        )
        for (name, own), divisor, corrected in zip(
            pairs.items(), stats.holm_divisors(p), stats.holm(p), strict=True
        )
    ]
    rows.sort(key=lambda row: -row.pooled.estimate)
    return OverHosts(setup, run, base, tuple(sorted(hosts)), tuple(rows))


def _mean_log(hosts: Mapping[str, Speeds], name: str) -> float:
    """Each host counts alike."""
    return fmean(fmean(map(math.log, speeds[name].values())) for speeds in hosts.values())


def _pairs(
    hosts: Mapping[str, Speeds], name: str, base: str
) -> dict[str, tuple[list[float], list[float]]]:
    """Of each host that has any: the values of blocks in which both were measured."""
    found = {}
    for host, speeds in hosts.items():
        own, other = speeds.get(name, {}), speeds[base]
        blocks = sorted(own.keys() & other.keys())
        if blocks:
            found[host] = [own[block] for block in blocks], [other[block] for block in blocks]
    return found


def _pooled(
    pairs: Mapping[str, tuple[list[float], list[float]]], divisor: int
) -> stats.RandomEffect:
    values, base = zip(*pairs.values(), strict=True)
    return stats.pooled_ratio(values, base, divisor=divisor)
