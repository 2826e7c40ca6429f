"""The section on regimes: its two tables, and what must be said beside them.

As in notes.py, sentences are fragments, of which a renderer makes the `Given` ones harmless.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from report.analysis import certificates
from report.analysis.comparison import Comparison
from report.analysis.equality import PROPERTIES, check, check_records
from report.analysis.regimes import Case, Outcome, Pair, cases, pairs
from report.tables.main import NONE, Column, accuracy, figure
from report.text import Given, Note
from report.wording import notes

INTRODUCTION = (
    "Regime native is by design not an equal comparison: each framework trains with its own "
    "defaults, in native.NAME with its default of that name alone."
)
NOT_MATCHED = (
    "No run here is matched: frameworks cannot be compared on equal terms, nor what a default "
    "changes be told; run --regime matched, too."
)
# Equal in every regime at the same seed; initial weights are a framework's own in native.
EQUAL_IN_ALL = tuple(one for one in PROPERTIES if one.name != "initial weights")


def pair_columns(shown: Sequence[Pair]) -> tuple[Column[Pair], ...]:
    """Matched beside native; columns in which nothing would stand are left out."""
    several = len({pair.framework for pair in shown}) < len(shown)
    target = any(side.tried for pair in shown for side in (pair.matched, pair.native) if side)
    sides: list[tuple[str, Callable[[Pair], Outcome | None]]] = []
    if any(pair.matched for pair in shown):
        sides.append(("matched", lambda pair: pair.matched))
    sides.append(("native", lambda pair: pair.native))
    figures: list[tuple[str, str, Callable[[Outcome], str], int]] = [
        ("Test acc.", "%", _accuracy, 0),
        *([("Steps to target", "", _steps, 1)] if target else []),
        ("Images/s", "", lambda outcome: figure(outcome.images_per_s), 2),
    ]
    return (
        Column("Framework", "", lambda pair: Given(pair.framework), 0, is_text=True),
        *((Column("Version", "", _pair_version, 0, is_text=True),) if several else ()),
        *(
            Column(name, f"{side}{', ' * bool(unit)}{unit}", _of(which, cell), drop_priority)
            for name, unit, cell, drop_priority in figures
            for side, which in sides
        ),
    )


def case_columns(shown: Sequence[Case]) -> tuple[Column[Case], ...]:
    """Each regime's own figures, and its gap to matched."""
    several = len({(case.framework, case.regime) for case in shown}) < len(shown)
    paired = any(case.difference for case in shown)
    target = any(case.outcome.tried for case in shown)
    return (
        Column("Framework", "", lambda case: Given(case.framework), 0, is_text=True),
        *((Column("Version", "", _case_version, 0, is_text=True),) if several else ()),
        Column("Regime", "", lambda case: Given(case.regime), 0, is_text=True),
        Column("Test acc.", "%", lambda case: _accuracy(case.outcome), 2),
        *((Column("Gap", "points", _accuracy_gap, 0),) if paired else ()),
        *((Column("Seeds", "", _seeds, 1),) if paired else ()),
        *((Column("Steps to target", "", lambda case: _steps(case.outcome), 4),) if target else ()),
        *((Column("Gap", "steps", _steps_gap, 1),) if paired and target else ()),
        Column("Status", "", lambda case: case.outcome.status, 3, is_text=True),
    )


def introduction(comparison: Comparison) -> list[Note]:
    """What the section is, in a sentence; and another where no run is matched."""
    return [(INTRODUCTION,), *([] if comparison.records else [(NOT_MATCHED,)])]


def warnings(comparison: Comparison) -> list[Note]:
    """Loud, where the regimes differ in more than defaults.

    What differs between the matched runs already stands above their table.
    """
    above = {(one.name, one.seed) for one in check(comparison) if one.differs}
    return [
        notes.difference("REGIMES THAT DIFFER IN MORE THAN DEFAULTS", one)
        for one in check_records(comparison.everything, EQUAL_IN_ALL)
        if one.differs and (one.name, one.seed) not in above
    ]


def notes_below(comparison: Comparison) -> list[Note]:
    """What the gaps are, which defaults are whose, and what became of runs not ok."""
    of = cases(comparison)
    said: list[Note] = []
    if any(case.difference for case in of):
        said.append(
            (
                "Gap, and which default explains it: the regime's value minus the matched one at "
                "the same seed, mean ± standard error over the seeds that both have; no ± for a "
                "single one.",
            )
        )
    if any(case.outcome.tried for case in of):
        said.append(
            (
                "Steps to target: optimizer steps until the end of the first epoch at the target, "
                "median over the runs (k of n reached it); its gap is over the seeds at which "
                "both reached it (k of n).",
            )
        )
    if not comparison.records:  # with matched records, they stand below the main table
        said += certificates.notes(comparison)
    return [*said, *_defaults(of), *_same(comparison), *notes.failures(comparison.others)]


def _defaults(of: Sequence[Case]) -> list[Note]:
    """Each framework's own defaults, as far as the records tell."""
    found: dict[str, dict[tuple[str, str, str], None]] = defaultdict(dict)
    for case in of:
        for name, matched, own in case.changes:
            found[case.framework][name, _value(own), _value(matched)] = None
    said: list[Note] = []
    for framework, changed in found.items():
        fragments: list[str | Given] = ["Own defaults of ", Given(framework), ": "]
        for name, own, matched in changed:
            fragments += [f"{name} ", Given(own), ", matched ", Given(matched), "; "]
        fragments[-1] = "."
        said.append(tuple(fragments))
    return said


def _same(comparison: Comparison) -> list[Note]:
    """The frameworks of which native is matched again."""
    same = dict.fromkeys(pair.framework for pair in pairs(comparison) if pair.is_same)
    return [
        (
            Given(framework),
            ": its own defaults are the matched setting, so that native is matched again.",
        )
        for framework in same
    ]


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of(
    which: Callable[[Pair], Outcome | None], cell: Callable[[Outcome], str]
) -> Callable[[Pair], str]:
    def shown(pair: Pair) -> str:
        outcome = which(pair)
        return NONE if outcome is None else cell(outcome)

    return shown


def _accuracy(outcome: Outcome) -> str:
    return accuracy(outcome.accuracy_mean, outcome.accuracy_std)


def _steps(outcome: Outcome) -> str:
    if outcome.steps_to_target is None:
        return NONE
    steps = f"{'> ' * outcome.is_bound}{_steps_figure(outcome.steps_to_target)}"
    return f"{steps} ({outcome.reached} of {outcome.tried})"


def _accuracy_gap(case: Case) -> str:
    """The difference of accuracies in percentage points."""
    if case.difference is None or case.difference.accuracy_mean is None:
        return NONE
    mean = _signed(f"{100 * case.difference.accuracy_mean:.2f}")
    error = case.difference.accuracy_error
    return mean if error is None else f"{mean} ± {100 * error:.2f}"


def _steps_gap(case: Case) -> str:
    if case.difference is None or not case.difference.tried:
        return NONE
    counts = f"({case.difference.reached} of {case.difference.tried})"
    if case.difference.steps_mean is None:
        return f"{NONE} {counts}"
    mean = _signed(_steps_figure(case.difference.steps_mean))
    error = case.difference.steps_error
    return f"{mean} {counts}" if error is None else f"{mean} ± {_steps_figure(error)} {counts}"


def _steps_figure(steps: float) -> str:
    """Whole steps are whole; a mean or a median of them need not be."""
    return f"{steps:,.0f}" if steps == round(steps) else figure(steps)


def _signed(number: str) -> str:
    """With its sign; nothing that was rounded to zero has one."""
    if not number.strip("-0."):
        return number.lstrip("-")
    return number if number.startswith("-") else f"+{number}"


def _seeds(case: Case) -> str:
    if case.difference is None:
        return NONE
    return f"{len(case.difference.seeds)} of {case.difference.shared}"


def _pair_version(pair: Pair) -> str | Given:
    return _version(pair.version)


def _case_version(case: Case) -> str | Given:
    return _version(case.version)


def _version(version: str | None) -> str | Given:
    return NONE if version is None else Given(version, 24)
