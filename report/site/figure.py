"""The figure of a start page: images/s from run to run, with change points marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.ticker import FixedLocator, FuncFormatter

from report.figures.canvas import TEXT, Drawing, blank, thinned
from report.figures.gallery import Picture
from report.figures.palette import Style
from report.figures.svg import render
from report.tables.history import Trend, shifts
from report.tables.main import figure, interval, ratio

MOST_DATES = 4
DATE_LENGTH, MINUTE_LENGTH = 10, 16  # of a time in ISO 8601


def picture(trends: Sequence[Trend], styles: Mapping[str, Style], name: str) -> Picture:
    """The trends of one set-up on one machine, written."""
    return render(drawing(trends, styles, name))


def drawing(trends: Sequence[Trend], styles: Mapping[str, Style], name: str) -> Drawing:
    """A point a run, in their order; a dashed line where a framework's speed changed for good."""
    made = blank(name, "How does speed go from run to run?", 3.6)
    dates = {point.run: point.started_at for trend in trends for point in trend.points}
    runs = sorted(dates, key=lambda run: (dates[run], run))
    places = {run: at for at, run in enumerate(runs)}
    changed = []
    for trend in trends:
        style = styles[trend.framework]
        x = [places[point.run] for point in trend.points]
        made.line(x, [point.images_per_s for point in trend.points], style)
        made.entry(trend.framework, style)
        shown = thinned(list(zip(x, trend.points, strict=True)))
        texts = [
            f"{trend.framework}, {point.started_at[:DATE_LENGTH]}, {point.run}: "
            f"{figure(point.images_per_s)} images/s, 95 % "
            f"{interval(point.interval.low, point.interval.high) if point.interval else 'unknown'}"
            for _, point in shown
        ]
        made.points(
            [at for at, _ in shown], [point.images_per_s for _, point in shown], style, texts
        )
        for shift in shifts(trend):
            changed.append(f"{trend.framework} × {ratio(shift.ratio.estimate)} from {shift.run} on")
            at = x[shift.place]
            made.axes.axvline(at - 0.5, color=style.colour, lw=1.2, ls=(0, (4, 2)))
            made.axes.annotate(
                f"× {ratio(shift.ratio.estimate)}",
                (at - 0.5, trend.points[shift.place].images_per_s),
                textcoords="offset points",
                xytext=(4, 8),
                fontsize=9,
                color=TEXT,
                annotation_clip=False,
            )
    made.axes.set_ylim(0, 1.12 * made.axes.dataLim.y1)
    made.axes.set_xlim(-0.6, len(runs) - 0.4)
    made.axes.set_ylabel("Images/s")
    ticks = thinned(range(len(runs)), MOST_DATES)
    label, told = _times([dates[run] for run in runs], ticks)
    made.axes.set_xlabel(label)
    made.axes.xaxis.set_major_locator(FixedLocator(ticks))
    made.axes.xaxis.set_major_formatter(
        FuncFormatter(lambda at, _: told[int(at)] if at in told else "")
    )
    made.axes.tick_params(axis="x", pad=9)  # clear of the 0 beside the first date
    made.legend()
    said = f"Change points: {'; '.join(changed)}." if changed else "No change point."
    made.seen = f"Images a second of {len(trends)} frameworks in {len(runs)} runs. {said}"
    made.note = (
        "Median over the processes of each run, in the order of the runs, not to the scale of "
        "time. An upright dashed line is a change point, with how many times as fast it is from "
        "there on."
    )
    return made


def _times(started_at: Sequence[str], ticks: Sequence[int]) -> tuple[str, dict[int, str]]:
    """The axis' label, and what stands at each tick: as little as tells them apart."""
    days = [each[:DATE_LENGTH] for each in started_at]
    minutes = [each[DATE_LENGTH + 1 : MINUTE_LENGTH] for each in started_at]
    if len(set(days)) == 1 < len(days):
        return f"Time of the run on {days[0]} (UTC)", {at: minutes[at] for at in ticks}
    if len({days[at] for at in ticks}) == len(ticks):
        return "Date of the run (UTC)", {at: days[at] for at in ticks}
    return "Date of the run (UTC)", {at: f"{days[at]}\n{minutes[at]}" for at in ticks}
