"""Sweeps as curves: SVG, drawn by matplotlib without a display."""

from __future__ import annotations

import io

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter

from report.sweeps import NAMES, Curve, Sweep
from report.text import NAME_LIMIT, encodable, plain

WIDTH_IN, HEIGHT_IN = 6.4, 4.0
SALT = "lenet-bench"  # of the drawing's ids: equal records give equal bytes


def sweep_svg(sweep: Sweep) -> str:
    """images/s with 95 % intervals against what was swept, on logarithmic axes."""
    with mpl.rc_context({"svg.hashsalt": SALT, "svg.fonttype": "none"}):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
        axes = figure.add_subplot()
        for curve in sweep.curves:
            _draw(axes, sweep, curve)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(sweep.values, [str(value) for value in sweep.values], minor=False)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.yaxis.set_minor_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel(NAMES[sweep.swept])
        axes.set_ylabel("images/s")
        axes.grid(visible=True, which="both", alpha=0.25)
        for text in axes.legend().get_texts():
            text.set_parse_math(False)  # a name is text, whatever signs it has
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()


def _draw(axes: Axes, sweep: Sweep, curve: Curve) -> None:
    """One framework's points; a bar where there is an interval."""
    known = [
        (value, row.speed.images_per_s, row.speed.images_per_s_low, row.speed.images_per_s_high)
        for value, row in zip(sweep.values, curve.rows, strict=True)
        if row is not None and row.speed.images_per_s is not None
    ]
    middle = [speed for _, speed, _, _ in known]
    below = [speed - low if low is not None else 0.0 for _, speed, low, _ in known]
    above = [high - speed if high is not None else 0.0 for _, speed, _, high in known]
    axes.errorbar(
        [value for value, _, _, _ in known],
        middle,
        yerr=[below, above],
        marker="o",
        capsize=3,
        label=_label(curve, sweep),
    )


def _label(curve: Curve, sweep: Sweep) -> str:
    """Name and, where it is needed, version; in the letters that every font has."""
    several = sum(one.framework == curve.framework for one in sweep.curves) > 1
    name = f"{curve.framework} {curve.version or ''}" if several else curve.framework
    # A label that begins with an underscore would be left out of the legend.
    return encodable(plain(name, NAME_LIMIT), "ascii").lstrip("_") or "?"
