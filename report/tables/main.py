"""The columns of the printed table: their headings and how a row's figures are spelled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from report.analysis.comparison import Comparison, Row
from report.text import Given, Note, counted

NONE = "–"
MARK = "†"  # of a figure that rests on measurements that others disturbed
DISTURBED = (
    f"{MARK} Rests on measurements that other programs or machines disturbed; they count since "
    "--accept-disturbed was given."
)
MIB = 2**20

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Column(Generic[Shown]):
    """One column; where there is no room, the highest `drop_priority` goes first, 0 never."""

    name: str
    unit: str
    cell: Callable[[Shown], str | Given]
    drop_priority: int
    is_text: bool = False

    def heading(self, separator: str = " ") -> str:
        """The name and, where there is one, the unit in parentheses."""
        return f"{self.name}{separator}({self.unit})" if self.unit else self.name


def columns(comparison: Comparison) -> tuple[Column[Row], ...]:
    """The columns that say something about this comparison, from left to right."""
    target = any(row.target_runs for row in comparison.rows)
    trained = any(row.seeds for row in comparison.rows) or not any(
        row.runs_ok for row in comparison.rows
    )
    sure = any(row.speed.images_per_s_low is not None for row in comparison.rows)
    device = any(row.peak_device_bytes is not None for row in comparison.rows)
    return (
        Column("Framework", "", lambda row: Given(row.framework), 0, is_text=True),
        Column("Version", "", _version, 8, is_text=True),
        *((Column("Test acc.", "%", _accuracy, 0),) if trained else ()),
        *((Column("Seeds", "", _seeds, 6),) if trained else ()),
        Column("Images/s", "", speed, 0),
        *((Column("95 %", "images/s", _interval, 2),) if sure else ()),
        *((Column("To target", "s", _to_target, 1),) if target else ()),
        *((Column("With compile", "s", _to_target_with_compile, 5),) if target else ()),
        Column("Compile", "s", lambda row: figure(row.compile_s), 7),
        Column("Peak RSS", "MiB", lambda row: mebibytes(row.peak_rss_bytes), 3),
        *((Column("Peak device", "MiB", _peak_device, 3),) if device else ()),
        Column("Parameters", "", _parameters, 4),
        Column("Status", "", lambda row: row.status, 0, is_text=True),
    )


def figure(value: float | None) -> str:
    """Three significant digits or all whole ones, such as 12,346, 1.23 or 0.0120.

    Without exponent, but of what is beyond a thousand millions.
    """
    if value is None:
        return NONE
    size = abs(value)
    if size >= 1e9:
        return f"{value:.3g}"
    digits_before = math.floor(math.log10(size)) + 1 if size else 1
    return f"{value:,.{max(3 - digits_before, 0)}f}"


def with_error(value: float, error: float) -> str:
    """A figure and its standard error with as many decimals, such as 21.3 ± 2.2."""
    shown = figure(value)
    places = len(shown.partition(".")[2])
    is_shown = round(error, places) or not error
    return f"{shown} ± {f'{error:,.{places}f}' if is_shown else figure(error)}"


def left_out(count: int, noun: str, row: Row) -> Note:
    """So many of these of a row do not count, since others disturbed them."""
    what = "them" if count > 1 else "it"
    return (
        f"Left out, since others disturbed {what}: {counted(count, noun)} of ",
        Given(row.framework),
        ".",
    )


def marked(text: str, is_marked: bool) -> str:
    """With the mark of what rests on disturbed measurements, where it does."""
    return f"{text}{MARK}" if is_marked and text != NONE else text


def interval(low: float | None, high: float | None) -> str:
    """From where to where."""
    return NONE if low is None else f"{figure(low)}–{figure(high)}"


def ratio(value: float | None) -> str:
    """A ratio with three places, so that those of one column can be compared digit by digit."""
    return NONE if value is None else f"{value:.3f}" if value < 10 else figure(value)


def probability(p: float | None) -> str:
    """A p in two digits; those below 0.001 are only told to be so."""
    return NONE if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}"


def percent(value: float) -> str:
    """A share in [0, 1] as a number of per cent with two places."""
    return f"{100 * value:.2f}"


def accuracy(mean: float | None, std: float | None) -> str:
    """An accuracy in [0, 1] in per cent, with its ± where there is one."""
    if mean is None:
        return NONE
    return percent(mean) if std is None else f"{percent(mean)} ± {percent(std)}"


def mebibytes(value_bytes: int | None) -> str:
    """Bytes as whole MiB."""
    return NONE if value_bytes is None else f"{value_bytes / MIB:,.0f}"


def _version(row: Row) -> str | Given:
    return NONE if row.framework_version is None else Given(row.framework_version, 24)


def _accuracy(row: Row) -> str:
    return accuracy(row.accuracy_mean, row.accuracy_std)


def _seeds(row: Row) -> str:
    if row.runs_ok in (0, len(row.seeds)) or not row.seeds:
        return str(len(row.seeds) or NONE)
    return f"{len(row.seeds)} ({row.runs_ok} runs)"


def speed(row: Row) -> str:
    """Its images/s."""
    return marked(figure(row.images_per_s), row.speed.accepted > 0)


def _interval(row: Row) -> str:
    found = interval(row.speed.images_per_s_low, row.speed.images_per_s_high)
    return marked(found, row.speed.accepted > 0)


def _to_target(row: Row) -> str:
    return _time(row, row.time_to_target_s, row.time_to_target_is_bound)


def _to_target_with_compile(row: Row) -> str:
    return _time(row, row.time_to_target_with_compile_s, row.time_to_target_with_compile_is_bound)


def _time(row: Row, time_s: float | None, is_bound: bool) -> str:
    if time_s is None:
        return NONE
    time = "not reached" if is_bound and time_s == 0 else f"{'> ' * is_bound}{figure(time_s)}"
    return marked(f"{time} ({row.target_reached}/{row.target_runs})", row.times_accepted > 0)


def _peak_device(row: Row) -> str:
    return mebibytes(row.peak_device_bytes)


def _parameters(row: Row) -> str:
    return NONE if row.parameters is None else f"{row.parameters:,}"
