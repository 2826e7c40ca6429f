"""Sections over set-ups that differ in batch size or in threads alone: cost as work grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from report.analysis.comparison import Comparison, Row
from report.analysis.configurations import Setup, network
from report.tables.main import NONE, Column, figure, marked
from report.tables.sections import Section, Table, saying
from report.text import Given, counted

Swept = Literal["batch_size", "threads"]
MOST_DRAWN = 6
NAMES: dict[Swept, str] = {"batch_size": "batch size", "threads": "threads"}


@dataclass(frozen=True, slots=True)
class Curve:
    """A framework in a version, and its row at each value of what was swept."""

    framework: str
    version: str | None
    rows: tuple[Row | None, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Set-ups alike but for `swept`, by its values, least first; one curve a framework."""

    setup: Setup
    swept: Swept
    values: tuple[int, ...]
    curves: tuple[Curve, ...]


def sweeps(comparisons: Sequence[Comparison]) -> list[Sweep]:
    """Every set of two or more set-ups that differ in batch size, or in threads, alone."""
    found: list[Sweep] = []
    for swept in NAMES:
        alike: dict[str, list[Comparison]] = {}
        for one in comparisons:
            rest = {name: value for name, value in asdict(one.setup).items() if name != swept}
            alike.setdefault(repr(rest), []).append(one)
        found += [_sweep(swept, group) for group in alike.values() if len(group) > 1]
    return [one for one in found if one.curves]


def figure_name(number: int) -> str | None:
    """The file of the drawing of a report's sweep, counted from 1; None where there are many."""
    return f"figures/sweep-{number}.svg" if number <= MOST_DRAWN else None


def section(sweep: Sweep, number: int = 1) -> Section:
    """images/s at each value, and the seconds that one pass over the training images takes."""
    name, images = NAMES[sweep.swept], sweep.setup.settings.train_size
    tables: list[Table[Curve]] = [_table(sweep, _images_per_s), _table(sweep, _seconds(images))]
    if sweep.swept == "threads":
        tables.append(_table(sweep, _gain))
    gain = (
        f" Third: images/s over that with {counted(sweep.values[0], 'thread')}."
        if sweep.swept == "threads"
        else ""
    )
    note = (
        f"By {name}. First: images/s, ± half of its 95 % interval, in per cent. Second: seconds "
        f"for {images:,} images at that speed.{gain}"
    )
    other = (
        f"{counted(sweep.setup.threads, 'thread')}"
        if sweep.swept == "batch_size"
        else f"batch {sweep.setup.batch_size}"
    )
    settings = (
        Given(sweep.setup.settings.dataset),
        " · ",
        *network(sweep.setup),
        f" · {sweep.setup.device}, {sweep.setup.settings.optimizer}, {other}.",
    )
    notes = (settings, (note,))
    return Section(f"Sweep over {name}", tuple(tables), notes, figure_name(number))


def _sweep(swept: Swept, group: Sequence[Comparison]) -> Sweep:
    ordered = sorted(group, key=lambda one: int(getattr(one.setup, swept)))
    names = dict.fromkeys(
        (row.framework, row.framework_version)
        for one in ordered
        for row in one.rows
        if row.images_per_s
    )
    return Sweep(
        setup=ordered[0].setup,
        swept=swept,
        values=tuple(getattr(one.setup, swept) for one in ordered),
        curves=tuple(
            Curve(framework, version, tuple(_row(one, framework, version) for one in ordered))
            for framework, version in names
        ),
    )


def _row(comparison: Comparison, framework: str, version: str | None) -> Row | None:
    for row in comparison.rows:
        if (row.framework, row.framework_version) == (framework, version) and row.images_per_s:
            return row
    return None


def _table(sweep: Sweep, cell: Callable[[Curve, int], str]) -> Table[Curve]:
    several = len({curve.framework for curve in sweep.curves}) < len(sweep.curves)
    return saying(
        [
            Column("Framework", "", lambda curve: Given(curve.framework), 0, is_text=True),
            Column("Version", "", _version, 0, is_text=True) if several else None,
            *(
                Column(f"{value}", "", _at(cell, place), place)
                for place, value in enumerate(sweep.values)
            ),
        ],
        sweep.curves,
    )


def _at(cell: Callable[[Curve, int], str], place: int) -> Callable[[Curve], str]:
    return lambda curve: cell(curve, place)


def _images_per_s(curve: Curve, place: int) -> str:
    row = curve.rows[place]
    if row is None:
        return NONE
    speed = row.speed
    if speed.images_per_s_low is None or speed.images_per_s_high is None or not speed.images_per_s:
        return marked(figure(speed.images_per_s), speed.accepted > 0)
    half = 50 * (speed.images_per_s_high - speed.images_per_s_low) / speed.images_per_s
    return marked(f"{figure(speed.images_per_s)} ± {half:.2g} %", speed.accepted > 0)


def _seconds(images: int) -> Callable[[Curve, int], str]:
    def cell(curve: Curve, place: int) -> str:
        row = curve.rows[place]
        if not row or not row.images_per_s:
            return NONE
        return marked(figure(images / row.images_per_s), row.speed.accepted > 0)

    return cell


def _gain(curve: Curve, place: int) -> str:
    row, first = curve.rows[place], curve.rows[0]
    if not (row and first and row.images_per_s and first.images_per_s):
        return NONE
    is_marked = row.speed.accepted + first.speed.accepted > 0
    return marked(figure(row.images_per_s / first.images_per_s), is_marked)


def _version(curve: Curve) -> str | Given:
    return NONE if curve.version is None else Given(curve.version, 24)
