"""Which sections a report has, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from bench.results.step_profile import Profiles
from report.analysis.comparison import KEPT, Comparison
from report.analysis.hosts import OverHosts, over_hosts
from report.tables import (
    hosts,
    ladder,
    phases,
    reproduction,
    step_profile,
    sweeps,
    target_tables,
    throughput_tables,
)
from report.tables.sections import Section
from report.tables.sweeps import Sweep

Crossing = Sweep | OverHosts | Profiles


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


def crossings(
    comparisons: Sequence[Comparison], profiles: Sequence[Profiles] = ()
) -> list[Crossing]:
    """What is of no comparison alone: sweeps, runs on several hosts, profiles of a step."""
    return [*sweeps.sweeps(comparisons), *over_hosts(comparisons), *profiles]


def drawn(found: Sequence[Crossing]) -> list[tuple[str, Crossing]]:
    """Those of which there is a figure, each with the figure's name."""
    named: list[tuple[str, Crossing]] = []
    for kind, name in _FIGURE_NAMES:
        alike = [one for one in found if isinstance(one, kind)]
        for number, one in enumerate(alike, 1):
            file = name(number)
            if file is not None and _is_told(one):
                named.append((Path(file).stem, one))
    return named


def across(comparisons: Sequence[Comparison], profiles: Sequence[Profiles] = ()) -> list[Section]:
    """What stands below all comparisons."""
    return [
        *(sweeps.section(one, at) for at, one in enumerate(sweeps.sweeps(comparisons), 1)),
        *(hosts.section(one, at) for at, one in enumerate(over_hosts(comparisons), 1)),
        *(
            step_profile.section(
                one.profiles, step_profile.figure_name(at) if _is_told(one) else None
            )
            for at, one in enumerate(profiles, 1)
        ),
    ]


def across_title(comparisons: Sequence[Comparison], profiles: Sequence[Profiles] = ()) -> str:
    """The heading of what stands below all comparisons."""
    swept = {one.swept for one in sweeps.sweeps(comparisons)}
    kinds = {
        "batch sizes": "batch_size" in swept,
        "threads": "threads" in swept,
        "hosts": bool(over_hosts(comparisons)),
        "parts of a training step": bool(profiles),
    }
    return ", ".join(kind for kind, is_there in kinds.items() if is_there).capitalize()


def _is_told(one: Crossing) -> bool:
    """Whether there is something to draw: a profile may hold only why there is none."""
    return not isinstance(one, Profiles) or bool(step_profile.told_of(one.profiles))


_FIGURE_NAMES = (
    (Sweep, sweeps.figure_name),
    (OverHosts, hosts.figure_name),
    (Profiles, step_profile.figure_name),
)
