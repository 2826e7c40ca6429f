"""The section on phases: what each part of a process took, and when a variant pays for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.results.record import Record
from report.analysis.aggregate import known, median_if_any
from report.analysis.comparison import Comparison, Row
from report.analysis.contrasts import UNTOLD, Family, family
from report.tables.main import Column, figure
from report.tables.sections import Section, saying
from report.text import Given

Duration = Callable[[Record], float | None]

PHASES: tuple[tuple[str, Duration, int], ...] = (
    ("Import", lambda record: record.timing.import_s, 4),
    ("Device start", lambda record: record.timing.device_start_s, 7),
    ("Build", lambda record: record.timing.build_s, 6),
    ("Placement", lambda record: record.timing.placement_s, 5),
    ("First step", lambda record: record.timing.compile_s, 0),
    ("Warm-up", lambda record: record.throughput.warm_up_s, 2),
    (
        "Windows",
        lambda record: sum(record.throughput.windows_s) if record.throughput.windows_s else None,
        3,
    ),
    ("Epoch", lambda record: _epoch_of(record), 0),
    ("Evaluation", lambda record: record.timing.eval_s, 3),
    ("Process", lambda record: record.timing.wall_s, 1),
)


@dataclass(frozen=True, slots=True)
class Phases:
    """The median seconds of each phase over a row's ok records, in the order of PHASES."""

    framework: str
    durations_s: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class BreakEven:
    """From how many epochs on a variant is faster than its framework, compilation counted.

    compile_s and epoch_s are medians, of the variant and of the framework it is a variant of.
    epochs is 0 where the variant is ahead from the start, None where it never is. is_told is False
    where the speeds of the two cannot be told apart, so that neither can it who is ahead.
    """

    framework: str
    base: str
    compile_s: tuple[float, float]
    epoch_s: tuple[float, float]
    epochs: float | None
    is_told: bool = True


def section(comparison: Comparison) -> Section | None:
    """Each row's phases; None where no more than one is known."""
    rows = [
        Phases(row.framework, tuple(_median(comparison, row, phase) for _, phase, _ in PHASES))
        for row in comparison.rows
        if row.runs_ok
    ]
    seen = {place for row in rows for place, value in enumerate(row.durations_s) if value}
    if len(seen) < 2:
        return None
    table = saying(
        [
            Column("Framework", "", lambda row: Given(row.framework), 0, is_text=True),
            *(
                Column(name, "s", _duration(place), drop_priority)
                for place, (name, _, drop_priority) in enumerate(PHASES)
            ),
        ],
        rows,
    )
    note = (
        "Seconds, each the median over the ok records. First step: tracing, compiling, first "
        "kernels. Epoch: training alone. Evaluation: all of a process together, off the training "
        "clock. Process: from its start to its end."
    )
    return Section("Phases", (table,), ((note,),))


def break_even_section(comparison: Comparison) -> Section | None:
    """Variants such as torch:compile against the framework that they are of; None without any."""
    rows = break_evens(comparison)
    if not rows:
        return None
    table = saying(
        [
            Column("Variant", "", lambda row: Given(row.framework), 0, is_text=True),
            Column("Against", "", lambda row: Given(row.base), 0, is_text=True),
            Column("First step", "s", lambda row: _both(row.compile_s), 1),
            Column("Epoch", "s", lambda row: _both(row.epoch_s), 1),
            Column("Ahead after", "epochs", _epochs, 0),
        ],
        rows,
    )
    note = (
        "Ahead after: the difference of the first steps over that of the epochs, medians; never, "
        "where the variant's epoch is no shorter; untold, where their images/s cannot be told "
        "apart. First step and epoch: variant, framework."
    )
    return Section("When a variant pays for itself", (table,), ((note,),))


def break_evens(comparison: Comparison) -> list[BreakEven]:
    """One for each variant of which framework and variant have both times."""
    found: list[BreakEven] = []
    speeds = family(comparison, "images_per_s")
    for row in comparison.rows:
        base_name, is_variant, _ = row.framework.partition(":")
        bases = [one for one in comparison.rows if one.framework == base_name and one.runs_ok]
        if not is_variant or not bases or not row.runs_ok:
            continue
        alike = [one for one in bases if one.framework_version == row.framework_version]
        base = (alike or bases)[0]
        compile_s = [_median(comparison, one, lambda r: r.timing.compile_s) for one in (row, base)]
        epoch_s = [_epoch_s(comparison, one) for one in (row, base)]
        if None in compile_s or None in epoch_s:
            continue
        own, other = known(compile_s), known(epoch_s)
        found.append(
            BreakEven(
                row.framework,
                base.framework,
                (own[0], own[1]),
                (other[0], other[1]),
                break_even_epochs(own[0] - own[1], other[1] - other[0]),
                _is_told(speeds, row, base),
            )
        )
    return found


def _is_told(speeds: Family, row: Row, base: Row) -> bool:
    """Whether one of them is the faster; also where there are no intervals to ask."""
    own, other = (speeds.place(one.framework, one.framework_version) for one in (row, base))
    contrast = None if own is None or other is None else speeds.contrast(own, other)
    return contrast is None or contrast.verdict != UNTOLD


def break_even_epochs(more_compile_s: float, less_epoch_s: float) -> float | None:
    """(compile of variant - of base) / (epoch of base - of variant); 0 if ahead from the start."""
    if less_epoch_s <= 0:
        return None
    return max(0.0, more_compile_s / less_epoch_s)


def _epoch_s(comparison: Comparison, row: Row) -> float | None:
    """The median epoch; of records that measured speed alone, the images over images/s."""
    timed = _median(comparison, row, _epoch_of)
    if timed is None and row.images_per_s:
        return comparison.setup.settings.train_size / row.images_per_s
    return timed


def _epoch_of(record: Record) -> float | None:
    return median_if_any(record.timing.epoch_s) if record.has_clean_training else None


def _median(comparison: Comparison, row: Row, duration: Duration) -> float | None:
    ok = (record for record in comparison.of(row) if record.status.outcome == "ok")
    return median_if_any(known(duration(record) for record in ok))


def _duration(place: int) -> Callable[[Phases], str]:
    return lambda row: seconds(row.durations_s[place])


def seconds(value: float | None) -> str:
    """A duration; those under a millisecond are only told to be so."""
    return "< 0.001" if value is not None and 0 < value < 0.001 else figure(value)


def _both(values: Sequence[float]) -> str:
    return ", ".join(seconds(value) for value in values)


def _epochs(row: BreakEven) -> str:
    if not row.is_told:
        return "untold"
    if row.epochs is None:
        return "never"
    return figure(row.epochs) if row.epochs else "at once"
