"""The figure of ladders: a bar a rung, framework below framework, under the machine's limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from report.analysis.comparison import Comparison
from report.analysis.contrasts import Contrast
from report.analysis.ladder import END, Rung, ladders
from report.analysis.throughput import limit_gflop_per_s
from report.figures.canvas import TEXT, Drawing, blank, by_row
from report.figures.palette import Style
from report.tables.main import figure, marked, ratio
from report.text import in_words, plain

ROW_IN = 0.36
ROOM = 3.0  # of the longest bar: how far the axis goes at least, since text stands behind bars
CHANGE_LIMIT = 56


def ladder(comparison: Comparison, styles: Mapping[str, Style], name: str) -> Drawing | None:
    """A group of bars a framework, from its first example on; None where no ladder was climbed."""
    found = [
        [rung for rung in rungs if rung.row.speed.gflop_per_s is not None]
        for rungs in ladders(comparison)
    ]
    found = [rungs for rungs in found if len(rungs) > 1]
    if not found:
        return None
    labels = [label for rungs in found for label in (_plain(rungs), *map(_label, rungs))]
    title = "What brings a tutorial nearer to the machine's limit?"
    drawing = blank(name, title, 1.0 + ROW_IN * len(labels))
    by_row(drawing, labels)
    axes = drawing.axes
    place = 0
    for rungs in found:
        axes.get_yticklabels()[place].set_fontweight("bold")
        for rung in rungs:
            place += 1
            _bar(drawing, rung, styles[rung.row.framework], place)
        place += 1
    told = [f"{_plain(rungs)}: {in_words([_rate(rung) for rung in rungs])}." for rungs in found]
    most = ROOM * max(rung.row.speed.gflop_per_s or 0.0 for rungs in found for rung in rungs)
    limit = limit_gflop_per_s(comparison.records)
    if limit is not None:
        most = max(most, 1.02 * limit)
        axes.axvline(limit, color=TEXT, lw=1, ls=(0, (2, 2)), alpha=0.7)
        said = f"{figure(limit)}: product of matrices "
        axes.text(limit, -0.25, said, ha="right", va="center", fontsize=8)
        told.append(f"The machine's limit is {figure(limit)} GFLOP/s.")
    axes.set_xlim(0, most)
    axes.set_xlabel("GFLOP/s, training")
    drawing.seen = " ".join(told)
    drawing.note = (
        "Each bar has one change more than the one above it, up to the plain adapter; a tuned one "
        "changes the plain one. ×: images/s over those of the bar above, with the interval of its "
        "corrected test. Longer is faster."
    )
    return drawing


def _plain(rungs: Sequence[Rung]) -> str:
    """The framework's own name."""
    return rungs[0].row.framework.partition(":")[0]


def _label(rung: Rung) -> str:
    """`tutorial`, `+memory`, `plain`: what the rung is called below its framework's name."""
    variant = rung.row.framework.partition(":")[2]
    _, added, last = variant.rpartition("+")
    return added + last or "plain"


def _bar(drawing: Drawing, rung: Rung, style: Style, place: int) -> None:
    speed = rung.row.speed.gflop_per_s or 0.0
    accepted = rung.row.speed.accepted > 0
    bar = drawing.line(
        [0, speed], [place] * 2, style, lw=11, dashes=(None, None), solid_capstyle="butt"
    )
    images = f"{marked(figure(rung.row.images_per_s), accepted)} images/s"
    gain = _gain(rung)
    drawing.mark(bar, [f"{rung.row.framework}: {rung.change}: {_rate(rung)}, {images}{gain}"])
    for text, size, side in (
        (f"{images}{gain}", 7.5, "bottom"),
        (_change(rung), 7, "top"),
    ):
        drawing.axes.annotate(
            text,
            (speed, place),
            (4, 0.5 if side == "bottom" else -0.5),
            textcoords="offset points",
            va=side,
            fontsize=size,
        )


def _change(rung: Rung) -> str:
    """In words; of the plain adapter also what all changes together brought."""
    if rung.change == END and rung.to_first is not None:
        return f"{rung.change}, {_times(rung.to_first)} of the first example"
    return plain(rung.change.replace("`", ""), CHANGE_LIMIT)


def _rate(rung: Rung) -> str:
    speed = rung.row.speed
    return f"{marked(figure(speed.gflop_per_s), speed.accepted > 0)} GFLOP/s"


def _gain(rung: Rung) -> str:
    """Against the rung before; nothing for the first."""
    return "" if rung.to_before is None else f", {_times(rung.to_before)}"


def _times(contrast: Contrast) -> str:
    """`×1.363 (1.132 to 1.640)`, where there is an interval."""
    effect = contrast.effect
    sure = effect.interval
    told = f" ({ratio(sure.low)} to {ratio(sure.high)})" if sure else ""
    return f"×{ratio(effect.estimate)}{told}"
