"""CPU quotas of the control groups that a process is in, in folders like those that Linux shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.system.control_group import ControlGroups


def a_process(folder: Path, cgroup: str, mounts: list[tuple[str, str, str]]) -> ControlGroups:
    """Of a process in such groups; each mount is (root, kind, options), in a folder of its kind."""
    process = folder / "self"
    process.mkdir()
    (process / "cgroup").write_text(cgroup)
    (process / "mountinfo").write_text(
        "".join(
            f"31 23 0:28 {root} {folder}/{kind} rw,relatime shared:9 - {kind} none rw,{options}\n"
            for root, kind, options in mounts
        )
    )
    return ControlGroups(process)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_version_2_with_the_quota_of_a_group_above(tmp_path):
    groups = a_process(tmp_path, "0::/jobs/mine\n", [("/", "cgroup2", "nsdelegate")])
    write(tmp_path / "cgroup2/jobs/cpu.max", "150000 100000\n")
    write(tmp_path / "cgroup2/jobs/cpu.stat", "nr_throttled 3\nthrottled_usec 2500000\n")
    write(tmp_path / "cgroup2/jobs/mine/cpu.max", "max 100000\n")
    write(tmp_path / "cgroup2/jobs/mine/cpu.stat", "usage_usec 9\nthrottled_usec 1000000\n")
    assert groups.quota() == 1.5
    assert groups.throttled_s() == 2.5


def test_version_1_in_a_container_that_sees_its_own_group_alone(tmp_path):
    cgroup = "5:memory:/docker/a1\n4:cpu,cpuacct:/docker/a1\n0::/docker/a1\n"
    mounts = [("/docker/a1", "cgroup", "cpu,cpuacct"), ("/", "cgroup2", "nsdelegate")]
    groups = a_process(tmp_path, cgroup, mounts)
    write(tmp_path / "cgroup/cpu.cfs_quota_us", "50000\n")
    write(tmp_path / "cgroup/cpu.cfs_period_us", "100000\n")
    write(tmp_path / "cgroup/cpu.stat", "nr_periods 7\nnr_throttled 2\nthrottled_time 3000000000\n")
    assert groups.quota() == 0.5
    assert groups.throttled_s() == 3.0


def test_version_1_without_a_limit(tmp_path):
    groups = a_process(tmp_path, "4:cpu:/x\n", [("/", "cgroup", "cpu")])
    write(tmp_path / "cgroup/x/cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "cgroup/x/cpu.cfs_period_us", "100000\n")
    assert groups.quota() is None
    assert groups.throttled_s() is None


@pytest.mark.parametrize("path", ["/elsewhere/y", "/../.."])
def test_a_path_that_is_not_below_the_mount(tmp_path, path):
    groups = a_process(tmp_path, f"0::{path}\n", [("/seen", "cgroup2", "")])
    write(tmp_path / "cgroup2/cpu.max", "100000 100000\n")
    assert groups.quota() == 1.0


def test_a_mount_with_a_blank_in_its_name(tmp_path):
    process = tmp_path / "self"
    process.mkdir()
    (process / "cgroup").write_text("0::/\n")
    line = f"31 23 0:28 / {tmp_path}/my\\040groups rw - cgroup2 none rw\n"
    (process / "mountinfo").write_text(line)
    write(tmp_path / "my groups/cpu.max", "200000 100000\n")
    assert ControlGroups(process).quota() == 2.0


def test_a_system_without_control_groups(tmp_path):
    groups = ControlGroups(tmp_path)
    assert (groups.quota(), groups.throttled_s()) == (None, None)
