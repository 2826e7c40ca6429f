"""Which sections a report has, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from report.analysis.comparison import KEPT, Comparison
from report.analysis.hosts import OverHosts, over_hosts
from report.tables import (
    hosts,
    ladder,
    phases,
    reproduction,
    sweeps,
    target_tables,
    throughput_tables,
)
from report.tables.sections import Section
from report.tables.sweeps import Sweep

Crossing = Sweep | OverHosts


@lru_cache(maxsize=KEPT)
def below(comparison: Comparison) -> tuple[Section, ...]:
    """What stands below the main table of a comparison."""
    found = (
        reproduction.section(comparison),
        throughput_tables.section(comparison),
        ladder.section(comparison),
        target_tables.section(comparison),
        phases.break_even_section(comparison),
        phases.section(comparison),
    )
    return tuple(section for section in found if section)


def crossings(comparisons: Sequence[Comparison]) -> list[Crossing]:
    """What several comparisons show together: sweeps, and runs on several hosts."""
    return [*sweeps.sweeps(comparisons), *over_hosts(comparisons)]


def drawn(found: Sequence[Crossing]) -> list[tuple[str, Crossing]]:
    """Those of which there is a figure, each with the figure's name."""
    named: list[tuple[str, Crossing]] = []
    for kind, name in ((sweeps.Sweep, sweeps.figure_name), (OverHosts, hosts.figure_name)):
        alike = [one for one in found if isinstance(one, kind)]
        for number, one in enumerate(alike, 1):
            file = name(number)
            if file is not None:
                named.append((Path(file).stem, one))
    return named


def across(comparisons: Sequence[Comparison]) -> list[Section]:
    """What stands below all comparisons."""
    return [
        *(sweeps.section(one, at) for at, one in enumerate(sweeps.sweeps(comparisons), 1)),
        *(hosts.section(one, at) for at, one in enumerate(over_hosts(comparisons), 1)),
    ]
