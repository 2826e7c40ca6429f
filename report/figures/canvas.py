"""What all figures share: size, type, quiet axes, and marks that tell their values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import matplotlib.style
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from report.figures.palette import Style
from report.tables.main import figure as spelled
from report.text import plain

Value = TypeVar("Value")

WIDTH_IN = 5.2  # on a telephone about as many pixels as points, so that text keeps its size
TEXT = "#010203"  # svg.py puts the page's own text colour in its place
NAME_LIMIT = 22
TEXT_LIMIT = 200
POINTS_SHOWN = 200

SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: equal layout everywhere
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "text.color": TEXT,
    "text.parse_math": False,  # a framework may be called $x$
    "axes.edgecolor": TEXT,
    "axes.labelcolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
}


@dataclass(slots=True)
class Drawing:
    """A figure before it is written.

    name    stem of its files
    title   the question that it answers
    seen    what a person who does not see it should be told
    note    what its marks are
    marks   by the gid of an artist: what each of its marks says, in the order of its data
    """

    name: str
    title: str
    seen: str
    note: str
    figure: Figure
    marks: dict[str, list[str]] = field(default_factory=dict)

    @property
    def axes(self) -> Axes:
        """The axes of a figure that has only one."""
        return self.figure.axes[0]

    def mark(self, artist: Any, texts: Sequence[str]) -> None:
        """Let each mark of the artist say its text."""
        gid = f"mark{len(self.marks)}"
        artist.set_gid(gid)
        self.marks[gid] = [plain(text, TEXT_LIMIT) for text in texts]

    def line(self, x: Sequence[float], y: Sequence[float], style: Style, **how: Any) -> Any:
        """A line in a framework's style, without markers."""
        dashes = {"dashes": style.dash} if style.dash else {}
        return self.axes.plot(x, y, color=style.colour, **{"lw": 1.6, **dashes, **how})[0]

    def points(
        self, x: Sequence[float], y: Sequence[float], style: Style, texts: Sequence[str], **how: Any
    ) -> None:
        """Markers in a framework's style, each with its text."""
        if not texts:
            return
        look = {"marker": style.marker, "ms": 5, "mew": 0.8, "mec": style.colour}
        artist = self.axes.plot(x, y, ls="none", color=style.colour, **{**look, **how})[0]
        self.mark(artist, texts)

    def entry(self, name: str, style: Style) -> None:
        """A line of the legend. One that begins with an underscore would be left out."""
        shown = plain(name, NAME_LIMIT)
        label = f" {shown}" if shown.startswith("_") else shown
        self.line([], [], style, marker=style.marker, ms=5, label=label)

    def level(self, y: float, text: str, **how: Any) -> None:
        """A dashed line across the axes, with its text at the right end."""
        self.axes.axhline(y, color=TEXT, lw=1, ls=(0, (2, 2)), alpha=0.7)
        across = self.axes.get_yaxis_transform()
        self.axes.text(1, y, text, transform=across, ha="right", **how)

    def legend(self, **how: Any) -> None:
        """Above the axes, from left to right."""
        handles, labels = self.axes.get_legend_handles_labels()
        columns = max(1, min(len(labels), 54 // (4 + max(map(len, labels), default=1))))
        self.figure.legend(
            handles,
            labels,
            **{"loc": "outside lower left", "ncols": columns, "handlelength": 2.4, **how},
        )


@contextmanager
def house_style() -> Iterator[None]:
    """Seaborn's plain style and ours, whatever a person's matplotlibrc says."""
    with matplotlib.style.context(["default", seaborn.axes_style("ticks"), SETTINGS]):
        yield


def blank(name: str, title: str, height_in: float = 3.3) -> Drawing:
    """A figure with empty axes."""
    drawing = several(name, title, 1, 1, height_in)
    axes = drawing.axes
    axes.grid(color=TEXT, alpha=0.13, lw=0.7)
    axes.tick_params(length=0)
    axes.yaxis.set_major_formatter(FuncFormatter(_tick))
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    return drawing


def several(name: str, title: str, rows: int, columns: int, height_in: float) -> Drawing:
    """A figure, so many inches high, with a grid of bare axes, row by row."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    figure.subplots(rows, columns)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    return Drawing(name, title, "", "", figure)


def from_zero(drawing: Drawing, most: float = math.inf) -> None:
    """Let the horizontal axis begin at 0 and end a little behind the last mark, or at `most`."""
    drawing.axes.set_xlim(0, min(1.03 * max(drawing.axes.dataLim.x1, 1e-12), most))


def by_epoch(drawing: Drawing) -> None:
    """Only whole epochs on the horizontal axis."""
    drawing.axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    drawing.axes.set_xlabel("Epoch")


def by_row(drawing: Drawing, names: Sequence[str]) -> None:
    """One row a name, the first at the top."""
    axes = drawing.axes
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), [plain(name, NAME_LIMIT) for name in names])


def row_height_in(rows: int) -> float:
    """Inches for so many rows, with title and axis."""
    return 1.15 + 0.42 * max(2, rows)


def thinned(values: Sequence[Value], limit: int = POINTS_SHOWN) -> list[Value]:
    """At most `limit` of the values, evenly, the first and the last among them."""
    if len(values) <= limit:
        return list(values)
    return [values[round(at * (len(values) - 1) / (limit - 1))] for at in range(limit)]


def _tick(value: float, _: object) -> str:
    text = spelled(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
