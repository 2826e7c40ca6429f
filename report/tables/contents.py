"""Which sections a report has, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from report.analysis.comparison import KEPT, Comparison
from report.tables import ladder, phases, reproduction, sweeps, target_tables, throughput_tables
from report.tables.sections import Section


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


def across(comparisons: Sequence[Comparison]) -> list[Section]:
    """What stands below all comparisons."""
    found = sweeps.sweeps(comparisons)
    return [sweeps.section(sweep, number) for number, sweep in enumerate(found, start=1)]
