"""images/s over the dates of stored runs, for each machine, set-up and framework."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import median
from typing import Any

from bench import stats
from bench.results.record import Machine, Record
from report.analysis.aggregate import by_block
from report.analysis.comparison import Comparison, compare
from report.analysis.configurations import Setup, grouped
from report.analysis.throughput import rate
from report.tables.main import NONE, Column, figure, interval, probability, ratio
from report.tables.sections import Section, saying
from report.text import Given, Note
from report.wording.notes import machine, plain_note, settings, title

NEVER_GATES = (
    "History never gates: a machine's hours differ by more than most changes of code. To test a "
    "change, compare two revisions in one run."
)


@dataclass(frozen=True, slots=True)
class Point:
    """One framework in one run.

    versions   of the framework that the run had, mostly one
    in_windows whether all of its processes were measured in windows, None where some were
    change     to the run before, of the medians, unpaired; None for the first, and where the two
               were not measured in the same way
    """

    run: str
    started_at: str
    versions: tuple[str, ...]
    processes: int
    images_per_s: float
    interval: stats.Interval | None
    in_windows: bool | None
    change: stats.Effect | None


@dataclass(frozen=True, slots=True)
class Trend:
    """A framework's points in one set-up on one machine, oldest first.

    told    title, settings and machine, in words
    trains  whether any run of the set-up trained to the end
    """

    framework: str
    setup: Setup
    machine: Machine
    told: tuple[str, str, str]
    points: tuple[Point, ...]
    trains: bool

    @property
    def heading(self) -> str:
        """What it is of, on one line."""
        return ". ".join(self.told)


@dataclass(frozen=True, slots=True)
class Shift:
    """A change point: from this run on a framework has another speed than in the runs before.

    ratio  of the runs from here to the next change point, to those since the last one
    p      of there being a change at all, see `bench.stats.change_points`
    """

    place: int
    run: str
    started_at: str
    ratio: stats.Effect
    p: float
    versions_before: tuple[str, ...]
    versions: tuple[str, ...]


def shifts(trend: Trend) -> tuple[Shift, ...]:
    """The change points of a trend; what was measured in another way begins a new series."""
    found: list[Shift] = []
    start = 0
    for _, alike in groupby(trend.points, key=lambda point: point.in_windows):
        points = list(alike)
        if points[0].in_windows is not None:
            found += _shifts(points, start)
        start += len(points)
    return tuple(found)


def _shifts(points: Sequence[Point], start: int) -> list[Shift]:
    speeds = [point.images_per_s for point in points]
    changes = stats.change_points(speeds)
    edges = [0, *(one.place for one in changes), len(points)]
    return [
        Shift(
            place=start + one.place,
            run=points[one.place].run,
            started_at=points[one.place].started_at,
            ratio=stats.unpaired_ratio(speeds[middle:after], speeds[before:middle]),
            p=one.p,
            versions_before=points[one.place - 1].versions,
            versions=points[one.place].versions,
        )
        for one, before, middle, after in zip(changes, edges, edges[1:], edges[2:], strict=False)
    ]


def told_of_shift(framework: str, shift: Shift) -> Note:
    """`torch: 1.050 times as fast from 2026-03-01 on (RUN, p = 0.002; 2.9 → 2.10)`."""
    found = shift.ratio.interval
    sure = f", 95 % from {ratio(found.low)} to {ratio(found.high)}" if found else ""
    p = probability(shift.p)
    changed = shift.versions != shift.versions_before
    versions: Note = (
        (
            "; version ",
            Given(" or ".join(shift.versions_before)),
            " → ",
            Given(" or ".join(shift.versions)),
        )
        if changed
        else ("; the version stayed",)
    )
    return (
        Given(framework),
        f": {ratio(shift.ratio.estimate)} times as fast{sure}, from ",
        *(Given(shift.started_at[:10]), " on (", Given(shift.run)),
        f", p {p if p.startswith('<') else f'= {p}'}",
        *versions,
        ").",
    )


def trends(records: Iterable[Record]) -> list[Trend]:
    """Every framework in every set-up that has a figure of speed, matched runs alone."""
    found: list[Trend] = []
    for comparison in compare(records, host_by_run=False):
        ok = [record for record in comparison.records if record.status.outcome == "ok"]
        by_framework = grouped(ok, lambda record: record.identity.framework)
        for framework in sorted(by_framework):
            points = _points(by_framework[framework])
            if points:
                told = _told(comparison)
                of = comparison.setup, comparison.machine, told, points, comparison.trains
                found.append(Trend(framework, *of))
    return found


def sections(found: Sequence[Trend]) -> list[Section]:
    """One section for each machine and set-up."""
    said: list[Section] = []
    for setup in dict.fromkeys(trend.setup for trend in found):
        alike = [trend for trend in found if trend.setup == setup]
        rows = [(trend.framework, point) for trend in alike for point in trend.points]
        table = saying(
            [
                Column("Framework", "", lambda row: Given(row[0]), 0, is_text=True),
                Column("Version", "", _versions, 2, is_text=True),
                Column("Date", "", lambda row: Given(row[1].started_at[:10]), 0, is_text=True),
                Column("Run", "", lambda row: Given(row[1].run), 4, is_text=True),
                Column("Processes", "", lambda row: f"{row[1].processes}", 3),
                Column("By", "", _way, 5, is_text=True),
                Column("Images/s", "", lambda row: figure(row[1].images_per_s), 0),
                Column("95 %", "images/s", _interval, 1),
                Column("Change", "ratio", _change, 0),
                Column("95 %", "change", _change_interval, 1),
            ],
            rows,
        )
        note: Note = (
            "Change: images/s to that of the run before, unpaired; none where one was measured in "
            "windows and the other by whole epochs.",
        )
        notes = [note] * any(point.change for _, point in rows)
        changed = [told_of_shift(one.framework, shift) for one in alike for shift in shifts(one)]
        said.append(Section(alike[0].heading, (table,), (*notes, *changed)))
    return said


def values(trend: Trend) -> dict[str, Any]:
    """The trend as plain values, for JSON."""
    return {
        "framework": trend.framework,
        "machine_fingerprint": trend.setup.machine_fingerprint,
        "machine": trend.machine.model_dump(),
        "setup": asdict(trend.setup),
        "points": [asdict(point) for point in trend.points],
        "change_points": [asdict(shift) for shift in shifts(trend)],
    }


def _points(records: Sequence[Record]) -> tuple[Point, ...]:
    by_run = grouped(records, lambda record: record.identity.of_run)
    ordered = sorted(
        by_run.values(), key=lambda run: min(record.identity.started_at for record in run)
    )
    found: list[Point] = []
    before: tuple[list[float], bool | None] | None = None
    for run in ordered:
        speeds = list(by_block(run, rate).values())
        if not speeds:
            continue
        timed = {bool(record.throughput.windows_s) for record in run if rate(record) is not None}
        way = timed.pop() if len(timed) == 1 else None
        alike = before is not None and way is not None and before[1] == way
        found.append(
            Point(
                run=run[0].identity.run,
                started_at=min(record.identity.started_at for record in run),
                versions=tuple(
                    sorted({one.environment.framework_version or "unknown" for one in run})
                ),
                processes=len(speeds),
                images_per_s=median(speeds),
                interval=stats.median_interval(speeds),
                in_windows=way,
                change=stats.unpaired_ratio(speeds, before[0]) if before and alike else None,
            )
        )
        before = (speeds, way)
    return tuple(found)


def _told(comparison: Comparison) -> tuple[str, str, str]:
    parts = title(comparison.setup), settings(comparison), machine(comparison)
    first, second, third = (plain_note(part) for part in parts)
    return first, second, third


def _versions(row: tuple[str, Point]) -> str | Given:
    return Given(" or ".join(row[1].versions))


def _way(row: tuple[str, Point]) -> str:
    way = row[1].in_windows
    return "both" if way is None else "windows" if way else "epochs"


def _interval(row: tuple[str, Point]) -> str:
    found = row[1].interval
    return interval(found.low, found.high) if found else NONE


def _change(row: tuple[str, Point]) -> str:
    return ratio(row[1].change.estimate) if row[1].change else NONE


def _change_interval(row: tuple[str, Point]) -> str:
    found = row[1].change and row[1].change.interval
    return f"{ratio(found.low)}–{ratio(found.high)}" if found else NONE
