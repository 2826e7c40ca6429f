"""What a start page shows of a run, and what is kept of its records for the trends of all runs.

Runs are read one after the other; of each only this is kept, so that memory grows by a few KiB a
run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.results.record import Learning, Provenance, Record, Status, Timing
from report.analysis.configurations import MATCHED
from report.report_data import ReportData
from report.text import Note
from report.wording.notes import plain_note, title
from report.wording.report_title import short_title

Same = TypeVar("Same")


@dataclass(frozen=True, slots=True)
class RunRead:
    """A run as it is read: its folder, its records, and what could not be read."""

    folder: Path
    records: Sequence[Record]
    problems: Sequence[tuple[Path, str]]
    commands: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A line of the start page.

    page      of its report, in the site
    machines  processor and fingerprint of each
    is_whole  whether all that it was to measure has a record
    """

    name: str
    page: str
    started_at: str
    machines: tuple[str, ...]
    setups: tuple[str, ...]
    frameworks: tuple[str, ...]
    title: Note
    ok: int
    records: int
    problems: int
    is_whole: bool


def row(name: str, page: str, data: ReportData) -> RunRow:
    """What the start page says of a run that has records."""
    machines = {one.machine.fingerprint: one.machine.cpu for one in data.compared}
    return RunRow(
        name=name,
        page=page,
        started_at=min(record.identity.started_at for record in data.records),
        machines=tuple(
            f"{cpu or 'unknown processor'}, {fingerprint[:12]}"
            for fingerprint, cpu in sorted(machines.items())
        ),
        setups=tuple(dict.fromkeys(plain_note(title(one.setup)) for one in data.compared)),
        frameworks=tuple(sorted({record.identity.framework for record in data.records})),
        title=short_title(data.compared),
        ok=sum(record.status.outcome == "ok" for record in data.records),
        records=len(data.records),
        problems=len(data.problems),
        is_whole=not any(one.cut for one in data.compared),
    )


class Kept:
    """Records without all that trends take no notice of; what many have in common is there once."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._same: dict[Hashable, Any] = {}

    def add(self, records: Iterable[Record]) -> None:
        """Those of them that trends are made of."""
        self.records += [
            self._slim(record)
            for record in records
            if record.identity.regime == MATCHED
            and record.status.outcome == "ok"
            and record.throughput.images_per_s is not None
        ]

    def _slim(self, record: Record) -> Record:
        machine = record.environment.machine
        environment = record.environment.model_copy(
            update={
                "machine": self._once(machine, machine),
                "versions": {},
                "warnings": [],
                "state_before": None,
                "state_after": None,
            }
        )
        # Whether it was measured in windows is asked for; how long each took is not.
        windows = record.throughput.windows_s[:1]
        return record.model_copy(
            update={
                "settings": self._once(record.settings, record.settings),
                "run_settings": self._once(record.run_settings, record.run_settings),
                "status": self._once("status", Status(outcome="ok")),
                "learning": self._once(
                    (record.learning.parameters, record.learning.first_epoch),
                    Learning(
                        parameters=record.learning.parameters,
                        first_epoch=record.learning.first_epoch,
                    ),
                ),
                "throughput": record.throughput.model_copy(update={"windows_s": windows}),
                "timing": self._once("timing", Timing()),
                "provenance": self._once("provenance", Provenance()),
                "environment": environment,
            }
        )

    def _once(self, key: Hashable, value: Same) -> Same:
        """The first value of the key."""
        first: Same = self._same.setdefault(key, value)
        return first
