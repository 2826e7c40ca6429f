"""The CPU quota of the control groups that this process is in, and how long they held it back.

A quota holds for all groups below its own, so that each group from the process's up to the highest
that can be seen is asked. Linux only, versions 1 and 2: see cgroups(7) and the kernel's
admin-guide/cgroup-v2 and scheduler/sched-bwc. Elsewhere nothing is known, and None says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

THIS_PROCESS = Path("/proc/self")


class ControlGroups:
    """The group that rules a process's CPUs, as it is now, and those above it."""

    def __init__(self, process: Path = THIS_PROCESS) -> None:
        self._folders = tuple(_folders(process))

    def quota(self) -> float | None:
        """CPUs that the process may use at a time, the least of its groups; None: no limit."""
        return min(filter(None, map(_quota, self._folders)), default=None)

    def throttled_s(self) -> float | None:
        """Counter: seconds that the quotas have held the group back, the most of its groups."""
        found = [_throttled_s(_read(folder / "cpu.stat")) for folder in self._folders]
        return max((seconds for seconds in found if seconds is not None), default=None)


def _folders(process: Path) -> Iterator[Path]:
    mounts = dict(_mounts(_read(process / "mountinfo")))
    for line in sorted(_read(process / "cgroup").splitlines(), reverse=True):  # 0 is version 2
        _, controllers, path = line.split(":", 2)
        kind = "cgroup" if "cpu" in controllers.split(",") else "" if controllers else "cgroup2"
        if kind not in mounts:
            continue
        root, folder = mounts[kind]
        group = PurePosixPath(path)
        # A process may be told a path that is not below what is mounted: then its group is that.
        inside = group.relative_to(root) if group.is_relative_to(root) else PurePosixPath()
        here = folder / inside if ".." not in inside.parts else folder
        yield from (here, *(above for above in here.parents if above.is_relative_to(folder)))
        return


def _mounts(mountinfo: str) -> Iterator[tuple[str, tuple[PurePosixPath, Path]]]:
    """By the kind of hierarchy which of its groups is mounted, and where; see proc(5)."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, folder = (
            re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)
            for field in before.split()[3:5]
        )
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(",")):
            yield kind, (PurePosixPath(root), Path(folder))


def _quota(group: Path) -> float | None:
    limit, _, period = _read(group / "cpu.max").strip().partition(" ")  # version 2
    if not limit:
        limit = _read(group / "cpu.cfs_quota_us").strip()
        period = _read(group / "cpu.cfs_period_us")
    # "max" in version 2 and -1 in version 1 stand for no limit.
    return int(limit) / int(period) if limit.isdecimal() and period.strip().isdecimal() else None


def _throttled_s(stat: str) -> float | None:
    for name, unit_s in (("throttled_usec", 1e-6), ("throttled_time", 1e-9)):
        if found := re.search(rf"^{name} (\d+)$", stat, re.MULTILINE):
            return int(found[1]) * unit_s
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
