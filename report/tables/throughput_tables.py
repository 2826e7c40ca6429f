"""The section on speed: how sure the figures are, ratios, how far from the machine's limit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from report.analysis.comparison import Comparison, Row
from report.analysis.contrasts import Contrast, family
from report.analysis.throughput import limit_gflop_per_s
from report.tables.contrast_cells import (
    CENTRES,
    bounds,
    effect,
    levels,
    p_value,
    tested,
    verdict,
    want_of_blocks,
)
from report.tables.main import DISTURBED, NONE, Column, figure, left_out, marked
from report.tables.sections import Section, saying
from report.text import REASON_LIMIT, Given, Note, between, counted

BUSY_SLACK = 0.1  # of a CPU: a clock's grain and a library's own bookkeeping
DISTURBANCES_SHOWN = 6


def section(comparison: Comparison) -> Section | None:
    """Processes, spread, ratios to the base, GFLOP/s, threads, energy; None of one speed."""
    rows = [row for row in comparison.rows if row.speed.images_per_s is not None]
    if sum(row.speed.processes for row in rows) < 2 and not any(
        row.speed.in_windows for row in rows
    ):
        return None
    base = comparison.base
    to_base = contrasts(comparison)
    versions = len({row.framework for row in rows}) < len(rows)
    table = saying(
        [
            Column("Framework", "", lambda row: Given(row.framework), 0, is_text=True),
            Column("Version", "", _version, 0, is_text=True) if versions else None,
            Column("Processes", "", lambda row: f"{row.speed.processes}", 2),
            Column("CV", "%", _cv, 3),
            Column("Ratio", "", lambda row: "1" if row is base else effect(to_base.get(row)), 0),
            Column("95 %", "ratio", lambda row: bounds(to_base.get(row)), 0),
            Column("p", "", lambda row: p_value(to_base.get(row)), 1),
            Column("Verdict", "", lambda row: verdict(to_base.get(row)), 2, is_text=True),
            Column("GFLOP/s", "", _gflop_per_s, 1),
            Column("Of limit", "%", _share, 1),
            Column("Busy", "threads", _busy, 4),
            Column("Steady", "", _steady, 5),
            Column("Energy", "J/1,000 images", _energy, 6),
        ],
        rows,
    )
    return Section("Speed", (table,), tuple(_notes(comparison, rows)))


def contrasts(comparison: Comparison) -> dict[Row, Contrast]:
    """The speed of each row against that of the base, from the family of all of them."""
    if comparison.base is None:
        return {}
    found = family(comparison, "images_per_s")
    places = {
        row: place
        for row in comparison.rows
        if (place := found.place(row.framework, row.framework_version)) is not None
    }
    to = places[comparison.base]
    return {
        row: contrast
        for row, place in places.items()
        if (contrast := found.contrast(place, to)) is not None
    }


def warnings(comparison: Comparison) -> list[Note]:
    """Loud, where a framework kept more threads busy than it was given."""
    allowed = comparison.setup.threads
    return [
        (
            "MORE THREADS THAN ASKED FOR: ",
            Given(row.framework),
            f" kept {row.speed.busy_threads:.2f} CPUs busy with {allowed} allowed. Its figures of "
            "speed are of other resources than the others'.",
        )
        for row in comparison.rows
        if row.speed.busy_threads is not None and row.speed.busy_threads > allowed + BUSY_SLACK
    ]


def _notes(comparison: Comparison, rows: list[Row]) -> list[Note]:
    return [
        *_of_disturbed(rows),
        *_of_ratios(comparison),
        *_of_limit(comparison, rows),
        *_of_windows(rows),
        *_of_outliers(rows),
        *_disturbances(comparison),
    ]


def _of_disturbed(rows: Sequence[Row]) -> list[Note]:
    """What is left out, and what counts all the same."""
    said = [left_out(row.speed.disturbed, "process", row) for row in rows if row.speed.disturbed]
    return said + [(DISTURBED,)] * any(row.speed.accepted for row in rows)


def _of_ratios(comparison: Comparison) -> list[Note]:
    """What the ratios are over, by which test, and where pairs were missing."""
    compared, base = contrasts(comparison), comparison.base
    if not compared or base is None:
        return []
    every = family(comparison, "images_per_s")
    pairs = sorted({one.pairs for one in compared.values() if one.pairs})
    test = tested(list(compared.values()), len(every.contrasts))
    said: list[Note] = []
    if comparison.baseline not in (None, base.framework):
        said.append((Given(comparison.baseline or ""), " has no speed here: the fastest is 1."))
    if pairs:
        tests = sorted({one.effect.test for one in compared.values() if one.p is not None})
        centres = [CENTRES[one] for one in tests if one in CENTRES]
        centre = f": {' or '.join(centres)}, on logarithms" if centres else ""
        said.append(
            (
                "Ratio: images/s to that of ",
                Given(base.framework),
                f" over {between(pairs[0], pairs[-1], 'pair')} of the same block (run, seed, "
                f"repeat){centre}{f'; {test}' if test else ''}.",
            )
        )
    said += _of_medians(compared, base)
    if test:
        said.append((levels("images_per_s"),))
    return said + want_of_blocks(list(compared.values()), every.pairs_needed)


def _of_medians(compared: Mapping[Row, Contrast], base: Row) -> list[Note]:
    """Where medians stand in for pairs, and where they say the opposite of the pairs."""
    unpaired: list[Note] = [
        (
            "No block in common with ",
            Given(base.framework),
            ": the ratio of ",
            Given(row.framework),
            " is that of the medians, unpaired.",
        )
        for row, one in compared.items()
        if not one.pairs
    ]
    contradicted: list[Note] = [
        (
            Given(row.framework),
            f" is {'below' if one.effect.estimate > 1 else 'above'} ",
            Given(base.framework),
            " by the medians, which are over all processes, and the other way round by the pairs.",
        )
        for row, one in compared.items()
        if one.pairs and _contradicts(one.effect.estimate, row, base)
    ]
    return unpaired + contradicted


def _contradicts(ratio: float, row: Row, base: Row) -> bool:
    """Whether a paired ratio says that one is faster, and the medians that the other is."""
    own, other = row.speed.images_per_s, base.speed.images_per_s
    return own is not None and other is not None and (own - other) * (ratio - 1) < 0


def _of_limit(comparison: Comparison, rows: list[Row]) -> list[Note]:
    limit = limit_gflop_per_s(comparison.records)
    if limit is None or all(row.speed.limit_share is None for row in rows):
        return []
    return [
        (
            f"Limit: {figure(limit)} GFLOP/s, the fastest product of float32 matrices that any of "
            "these processes measured, with the same threads on the same device.",
        )
    ]


def _of_windows(rows: list[Row]) -> list[Note]:
    said: list[Note] = [
        (
            f"No steady state in {row.speed.unsteady} of {row.speed.processes} processes of ",
            Given(row.framework),
            ": their last windows count.",
        )
        for row in rows
        if row.speed.unsteady
    ]
    by_epochs = [row for row in rows if row.speed.in_windows < row.speed.processes]
    if by_epochs and any(row.speed.in_windows for row in rows):
        fragments: list[str | Given] = ["Measured by whole epochs, not in windows: "]
        for row in by_epochs:
            count = row.speed.processes - row.speed.in_windows
            fragments += [Given(row.framework), f" ({count} of {row.speed.processes})", ", "]
        fragments[-1] = "."
        said.append(tuple(fragments))
    return said


def _of_outliers(rows: list[Row]) -> list[Note]:
    flagged = [row for row in rows if row.speed.outliers]
    if not flagged:
        return []
    fragments: list[str | Given] = ["Far from the others (Tukey's outer fences), and kept: "]
    for row in flagged:
        of = f"{row.speed.outliers} of {row.speed.processes} processes of "
        fragments += [of, Given(row.framework), ", "]
    fragments[-1] = "."
    return [tuple(fragments)]


def _disturbances(comparison: Comparison) -> list[Note]:
    """The records' own warnings, those that differ in numbers alone together, most frequent first.

    The text shown is that of the first.
    """
    kinds: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for record in comparison.records:
        for text in record.environment.warnings:
            kind = re.sub(r"\d[\d.,]*", "#", text)
            kinds[kind] += 1
            texts.setdefault(kind, text)
    said: list[Note] = [
        (
            f"{count} of {len(comparison.records)} records warn: ",
            Given(texts[kind], REASON_LIMIT),
        )
        for kind, count in kinds.most_common(DISTURBANCES_SHOWN)
    ]
    if len(kinds) > DISTURBANCES_SHOWN:
        more = len(kinds) - DISTURBANCES_SHOWN
        said.append((f"And {counted(more, 'more kind')} of warning, in records.csv.",))
    return said


def _version(row: Row) -> str | Given:
    return NONE if row.framework_version is None else Given(row.framework_version, 24)


def _sure(text: str, row: Row) -> str:
    return marked(text, row.speed.accepted > 0)


def _gflop_per_s(row: Row) -> str:
    return _sure(figure(row.speed.gflop_per_s), row)


def _cv(row: Row) -> str:
    cv = row.speed.images_per_s_cv
    return NONE if cv is None else _sure(f"{100 * cv:.1f}", row)


def _share(row: Row) -> str:
    share = row.speed.limit_share
    return NONE if share is None else _sure(f"{100 * share:.1f}", row)


def _busy(row: Row) -> str:
    return NONE if row.speed.busy_threads is None else f"{row.speed.busy_threads:.2f}"


def _steady(row: Row) -> str:
    of = row.speed
    return f"{of.in_windows - of.unsteady} of {of.in_windows}" if of.in_windows else NONE


def _energy(row: Row) -> str:
    return _sure(figure(row.speed.energy_j_per_1000_images), row)
