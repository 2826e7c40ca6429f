"""The section on ladders: what a tutorial gets, what each change brings, how far the limit is."""

from __future__ import annotations

from report.analysis.comparison import Comparison
from report.analysis.contrasts import family
from report.analysis.ladder import Rung, ladders
from report.tables.contrast_cells import bounds, effect, levels, verdict
from report.tables.main import NONE, Column, figure, speed
from report.tables.sections import Section, saying
from report.text import Given, Note


def section(comparison: Comparison) -> Section | None:
    """A table a framework; None where no ladder was climbed."""
    found = ladders(comparison)
    if not found:
        return None
    columns = [
        Column("Rung", "", lambda rung: Given(rung.row.framework), 0, is_text=True),
        Column("Change", "", lambda rung: Given(rung.change, 80), 3, is_text=True),
        Column("Images/s", "", lambda rung: speed(rung.row), 0),
        Column("Of the example", "", lambda rung: _or_one(rung), 0),
        Column("95 %", "of the example", lambda rung: bounds(rung.to_first), 0),
        Column("Of the rung before", "", lambda rung: effect(rung.to_before), 1),
        Column("95 %", "of the rung before", lambda rung: bounds(rung.to_before), 1),
        Column("Verdict", "on the rung before", lambda rung: verdict(rung.to_before), 5, True),
        Column("Of limit", "%", _share, 4),
    ]
    return Section(
        "From the tutorial to the limit",
        tuple(saying(columns, rungs) for rungs in found),
        tuple(_notes(comparison)),
    )


def _or_one(rung: Rung) -> str:
    return effect(rung.to_first) if rung.to_first else "1"


def _share(rung: Rung) -> str:
    share = rung.row.speed.limit_share
    return NONE if share is None else figure(100 * share)


def _notes(comparison: Comparison) -> list[Note]:
    compared = len(family(comparison, "images_per_s").contrasts)
    return [
        (
            "The first rung is what the framework's own first example writes; each has all changes "
            "of the rungs before it, up to the plain adapter. A tuned rung changes the plain one.",
        ),
        (
            "Ratios are of images/s, paired by block, so that they may differ from the quotients "
            f"of the medians; in the one family of all {compared} comparisons of this set-up.",
        ),
        (levels("images_per_s"),),
    ]
