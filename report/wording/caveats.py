"""What stands against a comparison's figures: everything in the records that makes them unsure."""

from __future__ import annotations

from collections.abc import Sequence

from report.analysis.comparison import Comparison, Row
from report.text import Given, Note, listed
from report.wording import notes

WIDE = 0.05  # half of an interval of images/s over its figure: more is worth a word


def doubts(comparison: Comparison) -> list[Note]:
    """In sentences, the gravest first; one that says so where there is nothing.

    What the report warns of loudly (`report.wording.notes.warnings`) is not said again.
    """
    rows = [row for row in comparison.rows if row.runs_ok]
    said = [
        *_failed(comparison),
        *_left_out(rows),
        *_shared(comparison),
        *_single(rows),
        *_wide(rows),
        *_unsteady(rows),
        *_outliers(rows),
        *_disturbed(comparison),
    ]
    nothing = "Nothing else" if notes.warnings(comparison) else "Nothing"
    return said or [(f"{nothing} in the records speaks against these figures.",)]


def _failed(comparison: Comparison) -> list[Note]:
    return [
        (Given(row.framework), f": {row.status}; see what failed, below.")
        for row in comparison.rows
        if row.runs_ok < row.runs
    ]


def _left_out(rows: Sequence[Row]) -> list[Note]:
    """What others disturbed, so that it is in no figure."""
    said: list[Note] = [
        (
            f"Others disturbed {row.speed.disturbed} of "
            f"{row.speed.processes + row.speed.disturbed} processes of ",
            Given(row.framework),
            ", which count in no figure of speed.",
        )
        for row in rows
        if row.speed.disturbed
    ]
    said += [
        (
            f"Others disturbed {row.times_disturbed} of {row.target_runs} trainings of ",
            Given(row.framework),
            ", whose times to the target are left out.",
        )
        for row in rows
        if row.times_disturbed
    ]
    if not said:
        return []
    again = notes.measured_again(
        "--resume",
        speeds=any(row.speed.disturbed for row in rows),
        times=any(row.times_disturbed for row in rows),
    )
    return [
        *said,
        (
            "End the other programs, or let the run wait for them with --wait-for-quiet 30m; "
            f"{again}; --accept-disturbed lets what is disturbed count.",
        ),
    ]


def _shared(comparison: Comparison) -> list[Note]:
    """That its speeds are held against nothing."""
    if not comparison.setup.shares_host:
        return []
    return [
        (
            "Others could measure on the same host meanwhile (--share-host): its speeds are in no "
            "ratio and no rank.",
        )
    ]


def _single(rows: Sequence[Row]) -> list[Note]:
    alone = [Given(row.framework) for row in rows if row.speed.processes == 1]
    if not alone:
        return []
    return [("One process only, so no interval: ", *listed(alone), ". Repeats would tell more.")]


def _wide(rows: Sequence[Row]) -> list[Note]:
    found: list[Note] = []
    for row in rows:
        low, high, middle = (
            row.speed.images_per_s_low,
            row.speed.images_per_s_high,
            row.speed.images_per_s,
        )
        if low is None or high is None or not middle:
            continue
        half = (high - low) / 2 / middle
        if half > WIDE:
            found.append(
                (
                    "The speed of ",
                    Given(row.framework),
                    f" is known to {_within(half)}; more processes narrow that.",
                )
            )
    return found


def _within(half: float) -> str:
    """Half of an interval as a share of the figure, in words."""
    return f"± {100 * half:.0f} % only" if half < 1 else "no more than its order of magnitude"


def _unsteady(rows: Sequence[Row]) -> list[Note]:
    return [
        (
            f"No steady state in {row.speed.unsteady} of {row.speed.processes} processes of ",
            Given(row.framework),
            ".",
        )
        for row in rows
        if row.speed.unsteady
    ]


def _outliers(rows: Sequence[Row]) -> list[Note]:
    return [
        (
            f"{row.speed.outliers} of {row.speed.processes} processes of ",
            Given(row.framework),
            " lie far from the others; they count.",
        )
        for row in rows
        if row.speed.outliers
    ]


def _disturbed(comparison: Comparison) -> list[Note]:
    warned = sum(bool(record.environment.warnings) for record in comparison.records)
    if not warned:
        return []
    verb = "warns" if warned == 1 else "warn"
    return [
        (
            f"{warned} of {len(comparison.records)} records {verb} of something that may have "
            "disturbed them; which, stands under Speed.",
        )
    ]
