"""What others took of the CPUs that a process may use, from one moment to another.

Linux counts it: the time of each CPU and what the hypervisor took of it in /proc/stat, how long
threads were ready to run and waited for a CPU in /proc/self/task/*/schedstat. What a system does
not count is None: not known, which is never the same as nothing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.system.control_group import ControlGroups
from bench.system.machine import usable_cpus

TICK_S = 0.01  # by which /proc/stat counts
LEAST_TICKS = 5  # in a stretch that can be judged
# CPUs' worth of work of others that a stretch bears, by the root of the number of CPUs, since the
# grain of the ticks adds up so. Over a long stretch it is LASTING; over a short one that grain,
# which goes with the root of the time, hides more: of 115 windows of a quarter of a second on a
# quiet machine the greatest was 0.05 of a CPU with one CPU and 0.08 with two.
LASTING, GRAIN = 0.028, 0.042
STOLEN, STOLEN_SHORT = 0.02, 0.05  # shares; the second of less than SHORT_S
THROTTLED = 0.01
SHORT_S = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at a moment, in seconds.

    wall      of a monotonic clock
    own       CPU time of this process
    counted   of all that /proc/stat counts on the CPUs, idle time too
    busy      CPU time of whoever computed on them
    stolen    that the hypervisor gave to others, of the CPUs
    waited    by thread, how long it was ready to run and had no CPU
    throttled that a quota held the control group back
    """

    wall: float
    own: float
    counted: float | None = None
    busy: float | None = None
    stolen: float | None = None
    waited: Mapping[int, float] | None = None
    throttled: float | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Of a stretch of time, in shares of the time of the CPUs that the process may use.

    seconds    how long it was, on so many cpus
    others     computed by other processes
    stolen     taken by the hypervisor
    waited     own threads were ready to run, and no CPU was free for them; others of their own
               process may have had it
    throttled  of the wall time, a quota held the process back
    """

    seconds: float = 0.0
    cpus: int = 1
    others: float | None = None
    stolen: float | None = None
    waited: float | None = None
    throttled: float | None = None

    @property
    def is_disturbed(self) -> bool | None:
        """Whether others took more than a measurement bears; None where it is not known."""
        allowed = (
            (self.others, most_of_others(self.seconds, self.cpus)),
            (self.stolen, STOLEN_SHORT if self.seconds < SHORT_S else STOLEN),
            (self.throttled, THROTTLED),
        )
        if any(share is not None and share > most for share, most in allowed):
            return True
        return None if self.others is None else False


class Watch:
    """Reads the counters of the CPUs that this process may use.

    wall, own   the clocks, of `bench.system.clocks.Clocks`
    cpus        others than those that it may use now
    """

    def __init__(
        self,
        wall: Callable[[], float],
        own: Callable[[], float],
        cpus: Collection[int] | None = None,
        proc: Path = Path("/proc"),
    ) -> None:
        self.cpus = frozenset(usable_cpus() if cpus is None else cpus)
        self._wall, self._own, self._proc = wall, own, proc
        self._names = {b"cpu%d" % cpu for cpu in self.cpus}
        self._groups = ControlGroups(proc / "self")

    def __call__(self) -> Reading:
        """The counters now."""
        counted = self._counted()
        return Reading(
            *(self._wall(), self._own(), *counted),
            waited=self._waited(),
            throttled=self._groups.throttled_s(),
        )

    def _counted(self) -> tuple[float | None, float | None, float | None]:
        """All time that is counted on the CPUs, what of it was computed, what was stolen."""
        try:
            lines = (self._proc / "stat").read_bytes().splitlines()
        except OSError:
            return None, None, None
        rows = [line.split() for line in lines if line.startswith(b"cpu")]
        times = [[int(n) * TICK_S for n in row[1:9]] for row in rows if row[0] in self._names]
        if len(times) != len(self.cpus) or any(len(one) < 8 for one in times):
            return None, None, None
        sums = [sum(of_cpus) for of_cpus in zip(*times, strict=True)]
        _, _, _, idle, waiting, _, _, stolen = sums  # see proc_stat(5)
        return sum(sums), sum(sums) - idle - waiting - stolen, stolen

    def _waited(self) -> Mapping[int, float] | None:
        found: dict[int, float] = {}
        folder = f"{self._proc}/self/task"
        try:
            for thread in os.listdir(folder):
                try:
                    counters = _read(f"{folder}/{thread}/schedstat")
                except (ProcessLookupError, FileNotFoundError):  # the thread has ended meanwhile
                    if os.path.exists(f"{folder}/{thread}"):
                        return None
                    continue
                found[int(thread)] = int(counters.split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return None
        return found


def watch(wall: Callable[[], float], own: Callable[[], float]) -> Callable[[], Callable[[], Taken]]:
    """What begins to watch, for `bench.system.clocks.Clocks`, whose two clocks it is given."""
    read = Watch(wall, own)

    def begin() -> Callable[[], Taken]:
        before = read()
        return lambda: between(before, read(), len(read.cpus))

    return begin


def most_of_others(seconds: float, cpus: int) -> float:
    """The share of the CPUs' time that other processes may compute."""
    return max(LASTING, GRAIN / math.sqrt(max(seconds, TICK_S))) / math.sqrt(cpus)


def between(before: Reading, after: Reading, cpus: int) -> Taken:
    """What was taken between two readings of so many CPUs."""
    wall_s = after.wall - before.wall
    whole_s = wall_s * cpus
    if whole_s <= 0:
        return Taken(cpus=cpus)
    waited_s = None
    if before.waited is not None and after.waited is not None:
        # One that is new began with nothing; of one that has ended nothing is known any more.
        waited_s = sum(now - before.waited.get(tid, 0.0) for tid, now in after.waited.items())
    throttled_s = _growth(before.throttled, after.throttled)
    taken = Taken(
        seconds=wall_s,
        cpus=cpus,
        waited=None if waited_s is None else waited_s / whole_s,
        throttled=None if throttled_s is None else throttled_s / wall_s,
    )
    counted_s = _growth(before.counted, after.counted)
    # Some systems show such a file, but do not count in it, or not for these CPUs.
    if wall_s < LEAST_TICKS * TICK_S or counted_s is None or counted_s < whole_s / 2:
        return taken
    busy_s = _growth(before.busy, after.busy) or 0.0
    stolen_s = _growth(before.stolen, after.stolen) or 0.0
    others_s = busy_s - (after.own - before.own)  # a little below 0 by the grain of the ticks
    return replace(taken, others=others_s / whole_s, stolen=stolen_s / whole_s)


def total(stretches: Sequence[Taken]) -> Taken:
    """What was taken in all of the stretches together, as far as it is known."""

    def share(name: str) -> float | None:
        known = [one for one in stretches if getattr(one, name) is not None]
        whole_s = sum(one.seconds for one in known)
        taken_s = sum(getattr(one, name) * one.seconds for one in known)
        return max(taken_s / whole_s, 0.0) if whole_s else None

    return Taken(
        seconds=sum(one.seconds for one in stretches),
        cpus=stretches[0].cpus if stretches else 1,
        others=share("others"),
        stolen=share("stolen"),
        waited=share("waited"),
        throttled=share("throttled"),
    )


def _read(path: str) -> bytes:
    """A short file; a fourth of what `Path.read_text` takes, and some are read for each thread."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 256)
    finally:
        os.close(file)


def _growth(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(after - before, 0.0)
