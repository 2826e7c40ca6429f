"""Figures of training: accuracy against epochs and seconds, time to target, loss on one seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bench.results.record import Record
from report.analysis.arrivals import reached
from report.analysis.comparison import Comparison, Row
from report.figures.canvas import (
    Drawing,
    blank,
    by_epoch,
    by_row,
    from_zero,
    row_height_in,
    thinned,
)
from report.figures.learning_curves import NAMES, LearningCurve, courses, monitored
from report.figures.palette import Style
from report.tables.main import figure, percent

WIDEST, NARROWEST = 6.0, 1.5  # equal trainings coincide: a thin line on a wide one shows both


def accuracy(
    comparison: Comparison, styles: Mapping[str, Style], name: str, *, against_seconds: bool
) -> Drawing | None:
    """Median and band over the seeds, target and crossings; None of fewer than two epochs."""
    found = courses(comparison)
    if max((len(course.epochs) for course in found), default=0) < 2:
        return None
    against = "training time" if against_seconds else "epochs"
    drawing = blank(name, f"How does accuracy grow with {against}?", 3.5)
    # A target is one of validation.
    target = comparison.setup.settings.target_accuracy if monitored(comparison) == "val" else None
    for place, course in enumerate(found):
        width = 1.6 if against_seconds else _width(place, len(found))
        _course_drawn(drawing, course, styles[course.framework], target, against_seconds, width)
    if target is not None:
        drawing.level(100 * target, f"target {percent(target)} %", va="top")
    drawing.axes.set_ylabel(f"{NAMES[monitored(comparison)]} (%)")
    if against_seconds:
        drawing.axes.set_xlabel("Training time (s)")
    else:
        by_epoch(drawing)
    drawing.legend()
    drawing.seen = " ".join(_said(course, target, against_seconds) for course in found)
    runs = max(course.runs for course in found)
    band = "; the band goes from the least to the greatest" if runs > 1 else ", so no band"
    of = f"Medians over {runs} runs" if runs > 1 else "One run each"
    rings = "" if target is None else " A ring: the first epoch whose median is at the target."
    drawing.note = f"{of}{band}.{rings}"
    return drawing


def _course_drawn(
    drawing: Drawing,
    course: LearningCurve,
    style: Style,
    target: float | None,
    against_seconds: bool,
    width: float,
) -> None:
    x = course.seconds if against_seconds else course.epochs
    y = [100 * value for value in course.median]
    if course.runs > 1:
        low, high = ([100 * value for value in side] for side in (course.low, course.high))
        drawing.axes.fill_between(x, low, high, color=style.colour, alpha=0.16, lw=0)
    drawing.line(x, y, style, lw=width, alpha=_alpha(width))
    texts = [
        f"{course.framework}, epoch {epoch}, {figure(second)} s: {percent(value)} %"
        for epoch, second, value in zip(course.epochs, course.seconds, course.median, strict=True)
    ]
    shown = thinned(list(zip(x, y, texts, strict=True)), 60)
    drawing.points(
        [one[0] for one in shown], [one[1] for one in shown], style, [one[2] for one in shown]
    )
    drawing.entry(course.framework, style)
    at = course.crossing(target)
    if at is not None:
        said = f"{course.framework} is at the target after epoch {course.epochs[at]}"
        drawing.points([x[at]], [y[at]], style, [said], marker="o", ms=12, mfc="none", mew=1.4)


def _width(place: int, count: int) -> float:
    """Of a line that others may coincide with: each is narrower than the one before."""
    if count == 1:
        return NARROWEST
    return WIDEST - (WIDEST - NARROWEST) * place / (count - 1)


def _alpha(width: float) -> float:
    """Wide lines are pale, so that the thin ones on them stand out."""
    return 1.0 if width <= 2 else 0.55


def _said(course: LearningCurve, target: float | None, against_seconds: bool) -> str:
    end = f"{percent(course.median[-1])} % after {course.epochs[-1]} epochs"
    if against_seconds:
        end += f" and {figure(course.seconds[-1])} s"
    at = course.crossing(target)
    crossed = "" if at is None else f", at the target after {course.epochs[at]}"
    return f"{course.framework}: {end}{crossed}."


def to_target(comparison: Comparison, styles: Mapping[str, Style], name: str) -> Drawing | None:
    """Seconds until the target, a point a run; hollow where a run never got there."""
    target = comparison.setup.settings.target_accuracy
    rows = [row for row in comparison.rows if row.target_runs and row.runs_ok]
    if target is None or not any(row.target_reached for row in rows):
        return None
    title = f"How long until {percent(target)} % validation accuracy?"
    drawing = blank(name, title, row_height_in(len(rows)))
    by_row(drawing, [row.framework for row in rows])
    for place, row in enumerate(rows):
        _arrivals(drawing, row, comparison.of(row), styles[row.framework], place)
    from_zero(drawing)
    drawing.axes.set_xlabel("Training time until the target (s), without compilation")
    drawing.seen = " ".join(
        f"{row.framework}: {row.target_reached} of {row.target_runs} runs, median "
        f"{'more than ' * row.time_to_target_is_bound}{figure(row.time_to_target_s)} s."
        for row in rows
    )
    drawing.note = (
        "A filled point is a run at the target; a hollow arrow is one that ended before it, at the "
        "time it had; the stroke is the median, where half of the runs got there. Farther left is "
        "better."
    )
    return drawing


def _whose(record: Record) -> str:
    return f"{record.identity.framework}, seed {record.identity.seed}"


def _arrivals(
    drawing: Drawing, row: Row, records: Sequence[Record], style: Style, place: int
) -> None:
    trained = [one for one in records if not one.identity.throughput_only]
    there = [one for one in trained if reached(one) and one.has_clean_training]
    ended = [
        one
        for one in trained
        if one.status.outcome == "ok"
        and not reached(one)
        and one.timing.epoch_s
        and one.has_clean_training
    ]
    shown = thinned(there)
    drawing.points(
        [one.timing.time_to_target_s or 0.0 for one in shown],
        [place + 0.13] * len(shown),
        style,
        [f"{_whose(one)}: {figure(one.timing.time_to_target_s)} s" for one in shown],
        alpha=0.8,
    )
    missed = thinned(ended)
    drawing.points(
        [sum(one.timing.epoch_s) for one in missed],
        [place + 0.13] * len(missed),
        style,
        [f"{_whose(one)}: not reached in {figure(sum(one.timing.epoch_s))} s" for one in missed],
        marker=">",
        mfc="none",
        ms=7,
    )
    if row.time_to_target_s is not None and not row.time_to_target_is_bound:
        text = f"{row.framework}: median {figure(row.time_to_target_s)} s"
        drawing.points(
            [row.time_to_target_s], [place - 0.13], style, [text], marker="|", ms=11, mew=2.2
        )


def loss(comparison: Comparison, styles: Mapping[str, Style], name: str) -> Drawing | None:
    """Training loss of all frameworks on one seed; None where nobody trained two epochs."""
    curves = _losses(comparison)
    if not curves:
        return None
    seed = curves[0].identity.seed
    drawing = blank(name, f"Do all learn the same? Training loss on seed {seed}", 3.5)
    for place, record in enumerate(curves):
        at = [
            (epoch, value)
            for epoch, value in enumerate(record.learning.train_loss, record.learning.first_epoch)
            if value is not None
        ]
        style = styles[record.identity.framework]
        x, y = [epoch for epoch, _ in at], [value for _, value in at]
        width = _width(place, len(curves))
        drawing.line(x, y, style, lw=width, alpha=_alpha(width))
        shown = thinned(at, 60)
        texts = [
            f"{record.identity.framework}, epoch {epoch}: loss {value:.4g}"
            for epoch, value in shown
        ]
        drawing.points([e for e, _ in shown], [v for _, v in shown], style, texts, ms=4)
        drawing.entry(record.identity.framework, style)
    by_epoch(drawing)
    drawing.axes.set_ylabel("Training loss (nats an image)")
    drawing.legend()
    last = [
        (
            one.identity.framework,
            next(v for v in reversed(one.learning.train_loss) if v is not None),
        )
        for one in curves
    ]
    drawing.seen = f"After the last epoch: {', '.join(f'{n} {v:.4g}' for n, v in last)}."
    drawing.note = (
        "Equal data, order and initial weights should give one curve; lines narrow from one "
        "framework to the next, so that those which coincide show."
    )
    return drawing


def _losses(comparison: Comparison) -> list[Record]:
    """One record a row, of the seed that most rows have."""
    having = {
        index: {
            record.identity.seed: record
            for record in reversed(comparison.of(row))
            if record.status.outcome in ("ok", "diverged")
            and sum(value is not None for value in record.learning.train_loss) > 1
        }
        for index, row in enumerate(comparison.rows)
    }
    seeds = Counter(seed for records in having.values() for seed in sorted(records))
    if not seeds:
        return []
    seed = min(seeds, key=lambda one: (-seeds[one], one))
    return [records[seed] for records in having.values() if seed in records]
