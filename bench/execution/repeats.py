"""Which cells a run has yet to do, and how precise its figures of speed have become.

Cells come in whole blocks (`Plan.block`). Without a precision to reach, the blocks of the plan are
all. With one, more blocks follow, of the groups of cells (framework apart) in which some interval
is still too wide, so that whatever is compared has been repeated equally often, side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bench import stats
from bench.config.plan import Cell, Plan
from bench.config.resolve import LEAST_REPEATS
from bench.results.record import Record

SETTLED = ("ok", "diverged")

Condition = tuple[str, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Precision:
    """How well a kind of cell's images per second are known.

    half_width  of their 95 % interval, as a share of the median; None from fewer than 3 processes
    """

    framework: str
    device: str
    regime: str
    batch_size: int
    threads: int
    processes: int
    half_width: float | None


def pending(plan: Plan, records: Sequence[Record], tried: Collection[str] = ()) -> list[Cell]:
    """The cells to run next, in their order; none when the run is complete.

    `tried` are names of cells that have failed just now, and are not to be tried again.
    """
    settled = {record.identity.cell for record in records if record.status.outcome in SETTLED}
    planned = [cell for cell in plan.cells() if cell.name not in settled]
    first = [cell for cell in planned if cell.name not in tried]
    if first or plan.settings.precision is None:
        return first
    return _more(plan, records, {*settled, *tried})


def precisions(plan: Plan, records: Iterable[Record]) -> list[Precision]:
    """What was reached for every kind of cell of the plan that has a figure."""
    speeds = _speeds(records)
    return [
        Precision(*condition, len(speeds[condition]), _half_width(speeds[condition]))
        for condition in dict.fromkeys(cell.condition for cell in plan.block(0))
        if condition in speeds
    ]


def _more(plan: Plan, records: Sequence[Record], done: Collection[str]) -> list[Cell]:
    """What is left of the first block, after the planned ones, that a wide interval asks for."""
    reached = {condition: _half_width(speeds) for condition, speeds in _speeds(records).items()}
    wide = {
        condition[1:]
        for condition, half_width in reached.items()
        if half_width is None or half_width > (plan.settings.precision or 0.0)
    }
    for number in range(plan.settings.min_repeats, plan.settings.max_repeats):
        block = [cell for cell in plan.block(number) if cell.condition in reached]
        begun = [cell for cell in block if cell.name in done]
        cells = [
            cell
            for cell in block
            if cell.name not in done
            # A block that was begun is ended: it is no block else.
            and (cell.group in wide or any(cell.group == one.group for one in begun))
        ]
        if cells:
            return cells
    return []


def _speeds(records: Iterable[Record]) -> dict[Condition, list[float]]:
    speeds: dict[Condition, list[float]] = defaultdict(list)
    for record in records:
        if record.status.outcome == "ok" and record.throughput.images_per_s is not None:
            key = (
                record.identity.framework,
                record.identity.device,
                record.identity.regime,
                record.identity.batch_size,
                record.identity.threads,
            )
            speeds[key].append(record.throughput.images_per_s)
    return speeds


def _half_width(speeds: Sequence[float]) -> float | None:
    if len(speeds) < LEAST_REPEATS:
        return None
    interval = stats.median_interval(speeds)
    return interval.relative_half_width if interval else None
