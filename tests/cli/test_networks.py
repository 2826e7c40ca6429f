"""A run on two hosts that are reached by networks of their own, one of which is unplugged."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack

import pytest

from bench.results import store
from tests.dask_hosts import Cluster, need_hosts, when

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("cluster")]

# Of the addresses that are set aside for tests of networks (RFC 2544): no other host has them.
NETWORKS = {"a": "198.18.71", "b": "198.19.71"}
SILENCE = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s"}  # until a peer counts as gone


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def networks():
    """A name space of network for each host, with a wire to this one."""
    if shutil.which("ip") is None or os.geteuid():
        pytest.skip("no iproute2 here, or no right to use it: apt-get install iproute2")
    with ExitStack() as stack:
        for name, network in NETWORKS.items():
            space, here, there = f"lenet-bench-{name}", f"lenet-{name}-0", f"lenet-{name}-1"
            try:
                _ip("netns", "add", space)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"no name spaces of networks here: {error.stderr.decode().strip()}")
            stack.callback(_ip, "netns", "del", space)  # and the wire with it
            _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
            _ip("addr", "add", f"{network}.1/24", "dev", here)
            _ip("link", "set", here, "up")
            for arguments in (
                ("addr", "add", f"{network}.2/24", "dev", there),
                ("link", "set", there, "up"),
                ("link", "set", "lo", "up"),
                ("route", "add", "default", "via", f"{network}.1"),
            ):
                _ip("-n", space, *arguments)
        yield


def test_a_host_that_is_unplugged_is_lost_and_the_other_does_its_work(bench, networks, tmp_path):
    need_hosts()
    cluster = Cluster(tmp_path, SILENCE, address=f"{NETWORKS['a']}.1")
    try:
        for name, network in NETWORKS.items():
            within = ("ip", "netns", "exec", f"lenet-bench-{name}")
            cluster.host(name, address=f"{network}.2", within=within)
        cluster.wait_for_hosts()

        def both_measure() -> bool:
            records = store.read_records([bench.out])[0] if bench.out.exists() else []
            return len({one.environment.machine.host for one in records}) == 2

        when(both_measure, lambda: _ip("link", "set", "lenet-b-0", "down"))
        seeds = ("--seeds", ",".join(map(str, range(12))))
        done = bench.run("reference", *seeds, "--on", f"dask:{cluster.address}")
    finally:
        cluster.end()
    assert done.returncode == 0, done.stderr
    assert "b: lost:" in done.stderr
    found = store.read_records([bench.only_run()])[0]
    assert len(found) == 12
    assert all(one.status.outcome == "ok" for one in found)
    assert {one.identity.attempt for one in found} == {0, 1}
