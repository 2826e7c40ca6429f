"""Figures of speed: one point a process; and speed as work or threads grow."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bench.results.record import Record
from report.analysis.comparison import Comparison, Row
from report.analysis.throughput import rate
from report.figures.canvas import (
    POINTS_SHOWN,
    Drawing,
    blank,
    by_row,
    from_zero,
    row_height_in,
    thinned,
)
from report.figures.palette import Style
from report.tables.main import figure, marked
from report.tables.sweeps import NAMES, Curve, Sweep
from report.text import counted, in_words

MOST_BEYOND = 2.0  # of the fastest process: what the axis shows of an interval


def throughput(comparison: Comparison, styles: Mapping[str, Style], name: str) -> Drawing | None:
    """Points a process, median and interval; None where fewer than two processes were timed."""
    rows = [row for row in comparison.rows if row.speed.processes]
    if sum(row.speed.processes for row in rows) < 2:
        return None
    drawing = blank(name, "How fast does each framework train?", row_height_in(len(rows)))
    by_row(drawing, [marked(row.framework, row.speed.accepted > 0) for row in rows])
    for place, row in enumerate(rows):
        _points(drawing, comparison.of(row), styles[row.framework], place)
        _median(drawing, row, styles[row.framework], place)
    fastest = max(point for row in rows for point in _speeds(comparison.of(row)))
    from_zero(drawing, MOST_BEYOND * fastest)  # few processes may have an interval without end
    drawing.axes.set_xlabel("Images a second, training")
    drawing.seen = " ".join(
        f"{row.framework}: {figure(row.images_per_s)} images a second{_surely(row)}."
        for row in rows
    )
    most = max(row.speed.processes for row in rows)
    few = f" (of more than {POINTS_SHOWN} an even choice)" if most > POINTS_SHOWN else ""
    sure = any(row.speed.images_per_s_low is not None for row in rows)
    bar = "; the bar is the 95 % interval of the median, its stroke and number" if sure else ""
    drawing.note = f"A point is a process{few}{bar or '; stroke and number are the median'}." + (
        " Farther right is faster."
    )
    return drawing


def _timed(records: list[Record]) -> list[Record]:
    return [one for one in records if one.status.outcome == "ok" and rate(one) is not None]


def _speed(timed: Record) -> float:
    return timed.throughput.images_per_s or 0.0


def _speeds(records: list[Record]) -> list[float]:
    return [_speed(one) for one in _timed(records)]


def _points(drawing: Drawing, records: list[Record], style: Style, place: int) -> None:
    timed = _timed(records)
    shown = thinned(sorted(timed, key=_speed))
    drawing.points(
        [_speed(one) for one in shown],
        [place + 0.13] * len(shown),
        style,
        [
            f"{one.identity.framework}, seed {one.identity.seed}, repeat {one.identity.repeat}: "
            f"{figure(one.throughput.images_per_s)} images/s"
            for one in shown
        ],
        alpha=0.75,
    )


def _median(drawing: Drawing, row: Row, style: Style, place: int) -> None:
    low, high = row.speed.images_per_s_low, row.speed.images_per_s_high
    middle = row.images_per_s or 0.0
    text = f"{row.framework}: median {figure(middle)} images/s{_surely(row)}"
    above = place - 0.13
    if low is not None and high is not None:
        bar = drawing.line(
            [low, high], [above, above], style, lw=5, alpha=0.45, dashes=(None, None)
        )
        drawing.mark(bar, [text])
    drawing.points([middle], [above], style, [text], marker="|", ms=11, mew=2.2)
    drawing.axes.annotate(
        figure(middle),
        (middle, above),
        (0, 8),
        textcoords="offset points",
        ha="center",
        fontsize=8.5,
    )


def _surely(row: Row) -> str:
    low, high = row.speed.images_per_s_low, row.speed.images_per_s_high
    of = counted(row.speed.processes, "process")
    return f", {of}" if low is None else f", 95 % from {figure(low)} to {figure(high)}, {of}"


def sweep(found: Sweep, styles: Mapping[str, Style], name: str) -> Drawing:
    """images/s against what was swept, one curve a framework."""
    what = NAMES[found.swept]
    drawing = blank(name, f"How does speed change with {what}?")
    several = len({curve.framework for curve in found.curves}) < len(found.curves)
    told = []
    for curve in found.curves:
        label = f"{curve.framework} {curve.version}" if several else curve.framework
        told.append(_curve(drawing, found, curve, styles[curve.framework], label))
    axes = drawing.axes
    axes.set_xticks([math.log2(value) for value in found.values], [f"{v:,}" for v in found.values])
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Images a second, training")
    unit = "images a step" if found.swept == "batch_size" else "CPU threads"
    axes.set_xlabel(f"{what.capitalize()} ({unit}), each step a doubling")
    drawing.legend()
    drawing.seen = " ".join(told)
    drawing.note = "Points are medians over the processes, bars their 95 % intervals."
    return drawing


def _curve(drawing: Drawing, found: Sweep, curve: Curve, style: Style, label: str) -> str:
    at = [
        (value, row)
        for value, row in zip(found.values, curve.rows, strict=True)
        if row is not None and row.images_per_s
    ]
    x = [math.log2(value) for value, _ in at]
    y = [row.images_per_s or 0.0 for _, row in at]
    drawing.line(x, y, style)
    for place, (_, row) in zip(x, at, strict=True):
        low, high = row.speed.images_per_s_low, row.speed.images_per_s_high
        if low is not None and high is not None:
            bar = drawing.line(
                [place] * 2, [low, high], style, lw=4, alpha=0.4, dashes=(None, None)
            )
            drawing.mark(bar, [f"{label}: 95 % from {figure(low)} to {figure(high)} images/s"])
    what = NAMES[found.swept]
    texts = [
        f"{label}, {what} {value}: {figure(row.images_per_s)} images/s{_surely(row)}"
        for value, row in at
    ]
    drawing.points(x, y, style, texts)
    drawing.entry(label, style)
    return f"{label}: {in_words([f'{figure(row.images_per_s)} at {value}' for value, row in at])}."
