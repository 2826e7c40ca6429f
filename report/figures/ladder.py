"""The figure of ladders: GFLOP/s rung by rung, under the machine's limit."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.ticker import MaxNLocator

from report.analysis.comparison import Comparison
from report.analysis.ladder import Rung, ladders
from report.analysis.throughput import limit_gflop_per_s
from report.figures.canvas import Drawing, blank
from report.figures.palette import Style
from report.tables.main import figure, marked
from report.text import in_words


def ladder(comparison: Comparison, styles: Mapping[str, Style], name: str) -> Drawing | None:
    """A line a framework from its first example up; None where no ladder was climbed."""
    found = [
        [rung for rung in rungs if rung.row.speed.gflop_per_s is not None]
        for rungs in ladders(comparison)
    ]
    found = [rungs for rungs in found if len(rungs) > 1]
    if not found:
        return None
    drawing = blank(name, "What brings a tutorial nearer to the machine's limit?")
    told = [_line(drawing, rungs, styles) for rungs in found]
    axes = drawing.axes
    axes.set_yscale("log")
    limit = limit_gflop_per_s(comparison.records)
    if limit is not None:
        drawing.level(limit, f"{figure(limit)}: product of matrices", va="bottom", fontsize=8.5)
        told.append(f"The machine's limit is {figure(limit)} GFLOP/s.")
        axes.set_ylim(top=1.6 * limit)
    axes.set_ylabel("GFLOP/s, training")
    axes.set_xlabel("Changes since the framework's own first example")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    drawing.legend()
    drawing.seen = " ".join(told)
    drawing.note = (
        "Each point has one change more than the one before; the last of a line is the plain "
        "adapter. Higher is faster; the scale is logarithmic."
    )
    return drawing


def _line(drawing: Drawing, rungs: list[Rung], styles: Mapping[str, Style]) -> str:
    plain = rungs[-1].row.framework
    style = styles[plain]
    heights = [rung.row.speed.gflop_per_s or 0.0 for rung in rungs]
    texts = [
        f"{rung.row.framework}: {rung.change}, "
        f"{marked(figure(rung.row.speed.gflop_per_s), rung.row.speed.accepted > 0)} GFLOP/s"
        for rung in rungs
    ]
    places = [float(place) for place in range(len(rungs))]
    drawing.line(places, heights, style)
    drawing.points(places, heights, style, texts)
    drawing.entry(plain, style)
    return f"{plain}: {in_words([figure(one) for one in heights])} GFLOP/s."
