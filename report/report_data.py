"""What a report is made of, as one value for all formats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.results.record import Record
from bench.results.step_profile import Profiles
from report.analysis.comparison import Comparison, compare
from report.analysis.configurations import distinct
from report.text import Note


@dataclass(frozen=True, slots=True)
class ReportData:
    """Records and all that is told with them.

    records   each once, in the order of run, framework and seed
    compared  their comparisons
    profiles  of training steps, shown below the comparisons
    problems  the files that could not be read, each with the reason
    typed     the arguments that runs were started with, by the runs' names
    stripped  what was taken out of all of this, to be shared (`report.sharing`)
    """

    records: Sequence[Record] = ()
    compared: Sequence[Comparison] = ()
    profiles: Sequence[Profiles] = ()
    problems: Sequence[tuple[Path, str]] = ()
    typed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stripped: Note = ()

    @classmethod
    def of(cls, records: Iterable[Record], baseline: str | None = None, **others: Any) -> Self:
        """Records in any order and given twice, with their comparisons; `others` are fields."""
        unique = distinct(records)
        return cls(unique, compare(unique, baseline), **others)
