"""The section on the target: how many runs reached it, and after how many seconds and steps."""

from __future__ import annotations

from report.analysis.comparison import Comparison
from report.analysis.time_to_target import Target, targets
from report.tables.main import DISTURBED, NONE, Column, figure, left_out, marked, with_error
from report.tables.sections import Section, saying
from report.text import Given, Note


def section(comparison: Comparison) -> Section | None:
    """None where there was no target, or nobody tried."""
    rows = targets(comparison)
    if not rows:
        return None
    limit = next((row.restricted.limit for row in rows if row.restricted), None)
    table = saying(
        [
            Column("Framework", "", lambda of: Given(of.row.framework), 0, is_text=True),
            Column("Reached", "", lambda of: f"{of.row.target_reached}/{of.row.target_runs}", 0),
            Column("95 %", "share, %", _share, 1),
            Column("Median", "s", _median, 2),
            Column("Restricted mean", "s", _restricted, 0),
            Column("Steps", "", _steps, 0),
            Column("Step", "ms", _step, 0),
        ],
        rows,
    )
    upto = "" if limit is None else f", L = {figure(limit)} s, training alone, with standard error"
    note = (
        "Reached: runs at the target, and Wilson's interval of their share. Restricted mean: the "
        f"mean of min(time, L) by Kaplan and Meier{upto}; ≥ L: nobody got there before. Steps: "
        "optimizer steps until the target, median; > n: it is greater than n. Step: an epoch over "
        "its steps."
    )
    disturbed = [
        left_out(of.row.times_disturbed, "time", of.row) for of in rows if of.row.times_disturbed
    ]
    accepted: list[Note] = [(DISTURBED,)] * any(of.row.times_accepted for of in rows)
    return Section("Time to the target", (table,), ((note,), *disturbed, *accepted))


def _share(of: Target) -> str:
    return f"{100 * of.share.low:.0f}–{100 * of.share.high:.0f}"


def _median(of: Target) -> str:
    time_s = of.row.time_to_target_s
    if not time_s:
        return NONE
    bound = "> " * of.row.time_to_target_is_bound
    return marked(f"{bound}{figure(time_s)}", of.row.times_accepted > 0)


def _restricted(of: Target) -> str:
    if of.restricted is None:
        return NONE
    mean, limit = of.restricted.mean, of.restricted.limit
    if mean >= limit:  # nobody got there before, so that nothing scatters
        return marked(f"≥ {figure(limit)}", of.row.times_accepted > 0)
    shown = with_error(mean, of.restricted.error) if of.row.target_runs > 1 else figure(mean)
    return marked(shown, of.row.times_accepted > 0)


def _steps(of: Target) -> str:
    return NONE if of.steps is None else f"{'> ' * of.steps_are_bound}{of.steps:,.0f}"


def _step(of: Target) -> str:
    if of.step_s is None:
        return NONE
    return marked(figure(1000 * of.step_s), of.row.times_accepted > 0)
