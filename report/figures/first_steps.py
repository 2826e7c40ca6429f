"""The figure of the first steps: how far each framework's losses are from the oracle's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from matplotlib.ticker import FuncFormatter, NullLocator

from bench.results.record import Record
from report.analysis.comparison import Comparison
from report.figures.canvas import Drawing, blank, thinned
from report.figures.palette import Style

FLOAT32_EPSILON = 2.0**-23
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SMALLEST = 1e-12  # equal to the last bit; a logarithmic axis has no 0


@dataclass(frozen=True, slots=True)
class Distance:
    """|loss − oracle's loss| / oracle's loss of one record, by step from 1."""

    framework: str
    relative: tuple[float, ...]


def distances(comparison: Comparison) -> list[Distance]:
    """One for each row with a record that has been set beside the oracle."""
    found = []
    for row in comparison.rows:
        for record in comparison.of(row):
            relative = _relative(record)
            if len(relative) > 1:
                found.append(Distance(row.framework, relative))
                break
    return found


def _relative(record: Record) -> tuple[float, ...]:
    """As far as both have a finite loss above 0."""
    pairs = zip(record.learning.step_loss, record.learning.oracle_step_loss, strict=False)
    known = takewhile(lambda pair: pair[0] is not None and pair[1] > 0, pairs)
    return tuple(abs(own - exact) / exact for own, exact in known if own is not None)


def difference(comparison: Comparison, styles: Mapping[str, Style], name: str) -> Drawing | None:
    """A line a framework; None where nothing was set beside the oracle."""
    found = distances(comparison)
    if not found:
        return None
    drawing = blank(name, "How far are the first losses from exact arithmetic?", 3.3)
    axes = drawing.axes
    axes.set_yscale("log")
    for one in found:
        style = styles[one.framework]
        y = [max(value, SMALLEST) for value in one.relative]
        x = range(1, len(y) + 1)
        drawing.line(x, y, style, lw=1.4)
        shown = thinned(list(zip(x, y, one.relative, strict=True)), 25)
        texts = [f"{one.framework}, step {step}: {value:.2g}" for step, _, value in shown]
        drawing.points([s for s, _, _ in shown], [v for _, v, _ in shown], style, texts, ms=4)
        drawing.entry(one.framework, style)
    drawing.level(FLOAT32_EPSILON, "float32's spacing, 2⁻²³", va="bottom", fontsize=8)
    axes.yaxis.set_major_formatter(FuncFormatter(_power))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("Optimizer step")
    axes.set_ylabel("Relative difference of the loss")
    drawing.legend()
    drawing.seen = " ".join(
        f"{one.framework}: {one.relative[0]:.2g} at the first step, at most "
        f"{max(one.relative):.2g} in {len(one.relative)}."
        for one in found
    )
    drawing.note = (
        "Against NumPy in float64 on the same batches from the same weights. What is equal but for "
        "rounding begins at float32's spacing; differences grow, as each step builds on the one "
        "before, and leap where an image falls on the other side of a kink of ReLU or pooling. "
        "Another network or another batch shows at the first step."
    )
    return drawing


def _power(value: float, _: object) -> str:
    """A power of ten, such as 10⁻³."""
    exponent = f"{round(math.log10(value))}" if value > 0 else ""
    return f"10{exponent.translate(SUPERSCRIPTS)}"
