"""The figure of a run on several hosts: one ratio a host, and what they come to together."""

from __future__ import annotations

from collections.abc import Mapping

from report.analysis.hosts import OfFramework, OverHosts
from report.figures.canvas import Drawing, blank, by_row, row_height_in
from report.figures.palette import Style
from report.tables.hosts import host_name
from report.tables.main import ratio

ALL_HOSTS = "all hosts"


def hosts(found: OverHosts, styles: Mapping[str, Style], name: str) -> Drawing:
    """A row a host and framework, with its interval; a wider stroke for all hosts together."""
    labels = [
        f"{row.framework}, {place}"
        for row in found.rows
        for place in (*(host_name(at).lower() for at in range(len(found.hosts))), ALL_HOSTS)
    ]
    title = f"How do hosts differ in the ratio to {found.base}?"
    drawing = blank(name, title, row_height_in(len(labels)))
    by_row(drawing, labels)
    told = [_rows(drawing, found, row, number, styles) for number, row in enumerate(found.rows)]
    drawing.axes.axvline(1, color="0.5", lw=1, ls=(0, (2, 2)))
    drawing.axes.set_xlabel(f"Images a second, over those of {found.base} in the same block")
    drawing.seen = " ".join(told)
    drawing.note = (
        "A point is a host's ratio, its line the 95 % interval; the wide line is of all hosts, "
        "each of which counts alike. Farther right is faster."
    )
    return drawing


def _rows(
    drawing: Drawing, found: OverHosts, row: OfFramework, number: int, styles: Mapping[str, Style]
) -> str:
    style, first = styles[row.framework], number * (len(found.hosts) + 1)
    for at, host in enumerate(found.hosts):
        one = row.by_host.get(host)
        if one is None:
            continue
        if one.interval is not None:
            bounds = [one.interval.low, one.interval.high]
            drawing.line(bounds, [first + at] * 2, style, lw=2, alpha=0.5, dashes=(None, None))
        text = f"{row.framework}, {host_name(at).lower()}: {ratio(one.estimate)}"
        drawing.points([one.estimate], [first + at], style, [text])
    pooled, last = row.pooled, first + len(found.hosts)
    if pooled.interval is not None:
        bounds = [pooled.interval.low, pooled.interval.high]
        drawing.line(bounds, [last] * 2, style, lw=5, alpha=0.4, dashes=(None, None))
    text = f"{row.framework}, {ALL_HOSTS}: {ratio(pooled.estimate)}"
    drawing.points([pooled.estimate], [last], style, [text], ms=7)
    surely = (
        f", 95 % from {ratio(pooled.interval.low)} to {ratio(pooled.interval.high)}"
        if pooled.interval
        else ""
    )
    return f"{row.framework}: {ratio(pooled.estimate)} over {len(row.by_host)} hosts{surely}."
