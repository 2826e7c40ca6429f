"""How contrasts are spelled: in the cells of tables, and in the sentences below them."""

from __future__ import annotations

from collections.abc import Sequence

from report.analysis.contrasts import UNTOLD, Contrast
from report.analysis.samples import Metric
from report.tables.main import NONE, marked, probability, ratio
from report.text import Note

CENTRES = {  # of the pairs, with the interval that goes with each test
    "t": "geometric mean and Student's interval",
    "signed rank": "Hodges and Lehmann's estimate and interval",
}


def kind(metric: Metric) -> str:
    """What the effects of a metric are."""
    return "Difference" if metric == "test_accuracy" else "Ratio"


def effect(contrast: Contrast | None) -> str:
    """The ratio, or the difference in points."""
    if contrast is None:
        return NONE
    value = contrast.effect.estimate
    if contrast.metric == "test_accuracy":
        return f"{100 * value:+.2f}"
    return marked(ratio(value), contrast.accepted)


def tested(found: Sequence[Contrast], comparisons: int) -> str:
    """By which test, and over how many comparisons p was corrected; empty where nothing was."""
    tests = sorted({one.effect.test for one in found if one.p is not None})
    over = f", by Holm over all {comparisons} comparisons" if comparisons > 1 else ""
    return f"p: {' or '.join(tests)}, two-sided{over}" if tests else ""


def levels(metric: Metric) -> str:
    """How interval, p and verdict go together."""
    none = 0 if metric == "test_accuracy" else 1
    return (
        "Each interval is at the level of its corrected test, 95 % or more, so that it leaves out "
        f"{none} just where p is at most 0.05; else the two cannot be told apart."
    )


def want_of_blocks(contrasts: Sequence[Contrast], pairs_needed: int) -> list[Note]:
    """Said where something cannot be told apart and ranks could not have told it."""
    few = [one.pairs for one in contrasts if one.verdict == UNTOLD and one.pairs]
    if not few or min(few) >= pairs_needed:
        return []
    return [
        (
            "What cannot be told apart may be so for want of blocks: "
            f"{too_few(min(few), pairs_needed)}.",
        )
    ]


def too_few(blocks: int, needed: int) -> str:
    """How many blocks there are, and what more would bring: see `bench.stats.paired_ratio`."""
    if blocks < 2:
        return f"{blocks} in common, and a test needs 2 or more"
    return f"{blocks} here, by which Student's t decides; from {needed} on signed ranks do"


def bounds(contrast: Contrast | None) -> str:
    """From where to where an effect lies."""
    found = contrast and contrast.effect.interval
    if not contrast or not found:
        return NONE
    if contrast.metric == "test_accuracy":
        return f"{100 * found.low:+.2f} to {100 * found.high:+.2f}"
    return marked(f"{ratio(found.low)}–{ratio(found.high)}", contrast.accepted)


def p_value(contrast: Contrast | None) -> str:
    """Its p, corrected, in a cell."""
    return marked(probability(contrast.p), contrast.accepted) if contrast else NONE


def verdict(contrast: Contrast | None) -> str:
    """What one is to the other, in a cell."""
    return marked(contrast.verdict, contrast.accepted) if contrast else NONE
