"""The figure of phases: what the seconds of a process went into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from bench.results.record import Record
from report.analysis.aggregate import known
from report.analysis.comparison import Comparison
from report.figures import palette
from report.figures.canvas import Drawing, blank, by_row, row_height_in
from report.tables.main import figure

Part = tuple[str, Callable[[Record], float]]

PARTS: tuple[Part, ...] = (
    ("Import", lambda record: record.timing.import_s or 0.0),
    (
        "Set-up",
        lambda record: sum(
            known([record.timing.device_start_s, record.timing.build_s, record.timing.placement_s])
        ),
    ),
    ("First step", lambda record: record.timing.compile_s or 0.0),
    ("Training", lambda record: sum(record.timing.epoch_s)),
    ("Evaluation", lambda record: record.timing.eval_s or 0.0),
    (
        "Measuring speed",
        lambda record: sum(known([record.throughput.warm_up_s])) + sum(record.throughput.windows_s),
    ),
)
REST = "Rest"


def durations(records: Sequence[Record]) -> dict[str, float] | None:
    """Mean seconds of each part over the ok records; None where nobody knows the whole.

    Means, so that parts add up to the whole; the rest is what no part tells.
    """
    whole = [record for record in records if record.status.outcome == "ok" and record.timing.wall_s]
    if not whole:
        return None
    parts = {name: sum(map(of, whole)) / len(whole) for name, of in PARTS}
    wall_s = sum(record.timing.wall_s or 0.0 for record in whole) / len(whole)
    return {**parts, REST: max(0.0, wall_s - sum(parts.values()))}


def phases(comparison: Comparison, name: str) -> Drawing | None:
    """One stacked bar a framework; None where no record tells of its phases."""
    found = [(row.framework, durations(comparison.of(row))) for row in comparison.rows]
    rows = [(framework, parts) for framework, parts in found if parts]
    if not rows or all(parts["First step"] + parts["Training"] == 0 for _, parts in rows):
        return None
    drawing = blank(name, "Where does the time go?", row_height_in(len(rows)) + 0.45)
    by_row(drawing, [framework for framework, _ in rows])
    starts = [0.0] * len(rows)
    for place, part in enumerate([*(label for label, _ in PARTS), REST]):
        widths = [parts[part] for _, parts in rows]
        if not any(widths):
            continue
        bars = drawing.axes.barh(
            range(len(rows)), widths, 0.58, starts, color=palette.PHASES[place], label=part
        )
        for bar, width, (framework, parts) in zip(bars, widths, rows, strict=True):
            share = width / sum(parts.values())
            said = f"{framework}, {part.lower()}: {figure(width)} s, {100 * share:.0f} %"
            drawing.mark(bar, [said])
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    drawing.axes.set_xlim(0, max(starts) * 1.02)
    drawing.axes.set_xlabel("Seconds of a process, mean")
    drawing.legend(ncols=4, handlelength=1.0)
    drawing.seen = " ".join(_told(framework, parts) for framework, parts in rows)
    typical = figure(median(starts))
    drawing.note = (
        "Means over the ok processes, so that the parts add up; the median of the bars is "
        f"{typical} s. First step: tracing, compiling, first kernels. Rest: what no phase counts, "
        "such as keeping checkpoints."
    )
    return drawing


def _told(framework: str, parts: dict[str, float]) -> str:
    whole = sum(parts.values())
    largest = sorted(parts.items(), key=lambda item: -item[1])[:2]
    said = ", ".join(f"{name.lower()} {100 * value / whole:.0f} %" for name, value in largest)
    return f"{framework}: {figure(whole)} s, most of it {said}."
