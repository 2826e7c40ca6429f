"""Which cells a run has yet to do, and how precise its figures of speed have become.

Cells come in whole blocks (`Plan.block`). More blocks follow those of the plan, of the groups of
cells (framework apart) in which a speed was disturbed by others and is missing now, or in which
some interval is still wider than the precision that was asked for. So whatever is compared has been
repeated equally often, side by side. Hosts of a cluster differ, and each has intervals of its own:
there each host is given the blocks that it has need of.
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

    host        its identity, where a run is on several; each has figures of its own
    half_width  of their 95 % interval, as a share of the median; None from fewer than 3 processes
    """

    framework: str
    device: str
    regime: str
    batch_size: int
    threads: int
    processes: int
    half_width: float | None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """Cells to be run next.

    host  the identity of that whose figures want them; None where any will do
    """

    cells: tuple[Cell, ...]
    host: str | None = None


def pending(plan: Plan, records: Sequence[Record], tried: Collection[str] = ()) -> list[Cell]:
    """The cells to run next, in their order; none when the run is complete.

    `tried` are names of cells that have failed just now, and are not to be tried again.
    """
    return [cell for one in due(plan, records, tried) for cell in one.cells]


def due(plan: Plan, records: Sequence[Record], tried: Collection[str] = ()) -> list[Due]:
    """As `pending`, with the hosts that want them."""
    first = [cell for cell in unsettled(plan, records) if cell.name not in tried]
    if first:
        return [Due(tuple(first))]
    done = {*_settled(records), *tried}
    by_host = _by_host(records)
    if plan.settings.precision is None or len(by_host) == 1:
        further = _more(plan, records, done, _most(plan))
        return [Due(tuple(further))] if further else []
    found = []
    for host, of_host in by_host.items():
        blocks = {(one.identity.repeat, one.identity.seed) for one in of_host}
        if len(blocks) >= _most(plan):
            continue
        elsewhere = done - {one.identity.cell for one in of_host}
        end = _most(plan) * len(by_host)
        if further := _more(plan, of_host, done, end, elsewhere):
            found.append(Due(tuple(further), host))
            done |= {cell.name for cell in further}
    return found


def unsettled(plan: Plan, records: Iterable[Record]) -> list[Cell]:
    """The cells of the plan that have yet to end well or diverge, in its order."""
    settled = _settled(records)
    return [cell for cell in plan.cells() if cell.name not in settled]


def whole_blocks(plan: Plan, cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells, and before or after each those of its block that it is compared with.

    For what does not make up for a cell elsewhere: cells on two hosts are no pair.
    """
    of = {(cell.repeat, cell.seed, *cell.group) for cell in cells}
    numbers = dict.fromkeys((cell.repeat, cell.seed) for cell in cells)
    seeds = plan.settings.seeds
    return tuple(
        cell
        for repeat, seed in numbers
        for cell in plan.block(repeat * len(seeds) + seeds.index(seed))
        if (repeat, seed, *cell.group) in of
    )


def any_disturbed(records: Iterable[Record]) -> bool:
    """Whether a speed is missing since others disturbed it."""
    return any(not record.has_clean_speed for record in records)


def precisions(plan: Plan, records: Iterable[Record]) -> list[Precision]:
    """What was reached for every kind of cell of the plan that has a figure."""
    by_host = _by_host(list(records))
    conditions = dict.fromkeys(cell.condition for cell in plan.block(0))
    found = []
    for host, of_host in by_host.items():
        speeds = _speeds(of_host)
        told = host if len(by_host) > 1 else None
        found += [
            Precision(*condition, len(speeds[condition]), _half_width(speeds[condition]), told)
            for condition in conditions
            if condition in speeds
        ]
    return found


def _by_host(records: Sequence[Record]) -> dict[str, list[Record]]:
    """The records of each host, in the order of their identities."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.environment.machine.host or ""].append(record)
    return {host: found[host] for host in sorted(found)}


def _settled(records: Iterable[Record]) -> set[str]:
    return {record.identity.cell for record in records if record.status.outcome in SETTLED}


def _more(
    plan: Plan,
    records: Sequence[Record],
    done: Collection[str],
    end: int,
    elsewhere: Collection[str] = (),
) -> list[Cell]:
    """What is left of the first block, after the planned ones, that a group has need of.

    It comes before the block `end`, and nothing of it is done `elsewhere`, on another host.
    """
    speeds = _speeds(records)
    disturbed = {_condition(record) for record in records if not record.has_clean_speed}
    repeated = disturbed if plan.settings.wait_for_quiet_s else set()
    measured = speeds.keys() | disturbed
    wanting = {
        condition[1:]
        for condition in measured
        if _is_wide(plan, speeds[condition])
        or (condition in repeated and len(speeds[condition]) < plan.settings.min_repeats)
    }
    for planned in plan.blocks(plan.settings.min_repeats, end):
        block = [cell for cell in planned if cell.condition in measured]
        begun = [cell for cell in block if cell.name in done]
        if any(cell.name in elsewhere for cell in begun):
            continue
        cells = [
            cell
            for cell in block
            if cell.name not in done
            # A block that was begun is ended: it is no block else.
            and (cell.group in wanting or any(cell.group == one.group for one in begun))
        ]
        if cells:
            return cells
    return []


def _most(plan: Plan) -> int:
    """Blocks at most; without a precision, one to take the place of each of the plan's."""
    if plan.settings.precision is not None:
        return plan.settings.max_repeats
    return 2 * plan.settings.min_repeats


def _is_wide(plan: Plan, speeds: Sequence[float]) -> bool:
    half_width, precision = _half_width(speeds), plan.settings.precision
    return precision is not None and (half_width is None or half_width > precision)


def _speeds(records: Iterable[Record]) -> dict[Condition, list[float]]:
    speeds: dict[Condition, list[float]] = defaultdict(list)
    for record in records:
        speed = record.throughput.images_per_s
        if record.status.outcome == "ok" and speed is not None and record.has_clean_speed:
            speeds[_condition(record)].append(speed)
    return speeds


def _condition(record: Record) -> Condition:
    of = record.identity
    return of.framework, of.device, of.regime, of.batch_size, of.threads


def _half_width(speeds: Sequence[float]) -> float | None:
    if len(speeds) < LEAST_REPEATS:
        return None
    interval = stats.median_interval(speeds)
    return interval.relative_half_width if interval else None
