"""Runs on the hosts of a Dask cluster: real schedulers and workers on loopback."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.execution.executors import cluster as executing
from bench.execution.executors import link, slot
from bench.results import store
from tests.dask_hosts import Cluster, kill, need_hosts, when
from tests.quick_host import PRELOAD

pytestmark = pytest.mark.xdist_group("cluster")

ROOT = Path(__file__).resolve().parents[2]
SAME = ("initial_weights_sha256", "order_sha256", "split_sha256", "data_sha256")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    """Two hosts, where this machine can be two; else two workers that wait for each other."""
    found = Cluster(tmp_path_factory.mktemp("dask"))
    found.host("a")
    found.host("b")
    yield found
    found.end()


@pytest.fixture
def alone(tmp_path):
    """A scheduler to which a test adds hosts, and from which it takes them."""
    found = Cluster(tmp_path)
    yield found
    found.end()


def records(folder):
    return {one.identity.cell: one for one in store.read_records([folder])[0]}


def test_what_is_learned_there_is_what_is_learned_here(bench, hosts):
    many = ("--seeds", "0,1", "--save", "last", "--frameworks", "reference,twofold")
    on = ("--on", f"dask:{hosts.address}", "--tensorboard")
    assert bench.run("reference", *many, *on).returncode == 0
    there = bench.only_run()
    found = records(there)
    assert len(found) == 4
    assert {one.name for one in (there / "tensorboard").iterdir()} == found.keys()
    assert bench.run("reference", *many).returncode == 0
    (here,) = (folder for folder in bench.out.iterdir() if folder != there)
    for name, local in records(here).items():
        remote = found[name]
        assert remote.learning == local.learning
        for field in SAME:
            assert getattr(remote.provenance, field) == getattr(local.provenance, field)
        (checkpoint,) = remote.weights.checkpoints
        assert (there / "checkpoints" / checkpoint).is_file()
        assert (there / "logs" / f"{name}.log").is_file()
    pairs = {(one.identity.seed, one.environment.machine.host) for one in found.values()}
    assert len(pairs) == 2  # the cells of a seed ran on one host
    assert not list(there.glob(".*"))
    assert not (there / "state.json").exists()


@pytest.mark.long
def test_a_framework_that_a_host_has_not_is_a_row_of_its_own(bench, hosts):
    """And the other one is examined there before it is timed."""
    done = bench.run("reference,absent", "--on", f"dask:{hosts.address}", "--json", verified=True)
    assert done.returncode == 1
    found = {one["identity"]["framework"]: one for one in json.loads(done.stdout)["records"]}
    outcomes = {name: one["status"]["outcome"] for name, one in found.items()}
    assert outcomes == {"reference": "ok", "absent": "unavailable"}
    assert found["reference"]["provenance"]["certificate"] is not None


@pytest.mark.long
def test_another_user_of_a_host_is_waited_for(bench, hosts, monkeypatch):
    """A slot is a host for itself: a lock that other programs may hold, too."""
    need_hosts()
    with ExitStack() as held:
        for name in ("a", "b"):
            locks = hosts.folder / name / "locks"
            held.enter_context(slot.hold(shares_host=False, waiting=lambda: None, folder=locks))
        note = executing.Cluster._note

        def noted(cluster, host, said):
            found = note(cluster, host, said)
            if found:
                held.close()
            return found

        monkeypatch.setattr(executing.Cluster, "_note", noted)
        done = bench.run("reference", "--on", f"dask:{hosts.address}")
    assert done.returncode == 0
    assert ": somebody else measures there: waiting" in done.stderr


@pytest.mark.long
def test_hosts_and_a_scheduler_that_are_lost_cost_a_block_and_no_record(bench, alone):
    """A host first, of whose block nothing is missing in the end; then the scheduler."""
    need_hosts()
    alone.host("a")
    alone.host("b")
    many = ("--seeds", "0,1,2,3,4,5", "--on", f"dask:{alone.address}")

    def ended():
        return len([*bench.out.glob("*/records/*.json")])

    when(lambda: ended() >= 1, lambda: kill(alone.workers["a"]))
    when(lambda: ended() >= 3, lambda: kill(alone.scheduler))
    done = bench.run("reference", *many)
    assert done.returncode == 1, done.stderr
    assert "a: lost:" in done.stderr
    assert "the scheduler does not answer any more" in done.stderr
    bench.complaints.clear()  # how many cells were saved by then differs
    kept = records(bench.only_run())
    assert 3 <= len(kept) < 6
    assert all(one.status.outcome == "ok" for one in kept.values())
    again = ("run", "--resume", str(bench.only_run()))
    gone = ("--on", f"dask:{alone.address}")
    assert bench(*again, *gone, "--dry-run").returncode == 0  # which needs nobody there
    done = bench(*again)
    assert done.returncode == 0, done.stderr
    again = records(bench.only_run())
    assert len(again) == 6
    assert all(again[name] == one for name, one in kept.items())


@pytest.mark.long
def test_a_block_that_ends_its_host_three_times_is_given_up(bench, alone, monkeypatch):
    """A framework that takes the host with it: its cells fail, with the reason."""
    need_hosts()
    for name in "abc":
        alone.host(name)
    alone.wait_for_hosts()
    monkeypatch.setattr(executing, "HOSTS_S", 1.0)
    done = bench.run("assassin", "--on", f"dask:{alone.address}")
    assert done.returncode == 1
    (record,) = records(bench.only_run()).values()
    assert record.status.outcome == "failed"
    assert record.status.reason.startswith("3 hosts were lost while its block ran there; the last")
    assert record.identity.attempt == 2


def test_a_precision_is_that_of_each_host(bench, alone):
    """Cells whose speeds differ too much to reach it: each host has the most blocks in the end."""
    need_hosts()
    for name in "ab":
        alone.host(name, *PRELOAD)
    alone.wait_for_hosts()
    asked = ("--precision", "1%", "--min-repeats", "4", "--max-repeats", "6", "--throughput-only")
    done = bench.run("reference", *asked, "--on", f"dask:{alone.address}")
    assert done.returncode == 0, done.stderr
    hosts = [one.environment.machine.host for one in records(bench.only_run()).values()]
    assert sorted(Counter(hosts).values()) == [6, 6]
    for host in hosts:
        assert f", host {host[:12]}: ±" in done.stderr
    bench.complaints.clear()  # they name the hosts


@pytest.mark.long
def test_a_wrong_clock_is_told_and_a_large_record_comes_in_pieces(bench, tmp_path):
    cluster = Cluster(tmp_path, {"BENCH_TEST_AHEAD_S": "3600", "BENCH_TEST_LOG": "11000000"})
    try:
        cluster.host("late", *PRELOAD)
        cluster.wait_for_hosts()
        done = bench.run("reference", "--on", f"dask:{cluster.address}")
    finally:
        cluster.end()
    assert done.returncode == 0, done.stderr
    assert re.search(r"late: its clock is 3,[56]\d\d s ahead of this one", done.stderr)
    (record,) = records(bench.only_run()).values()
    assert len(record.status.log_tail) == 11_000_000 > 2 * executing.PIECE_BYTES


def test_hosts_that_cannot_measure_say_why(bench, alone, monkeypatch):
    alone.host("none", slots=0)
    alone.wait_for_hosts()
    monkeypatch.setattr(executing, "HOSTS_S", 1.0)
    done = bench.run("reference", "--on", f"dask:{alone.address}")
    assert done.returncode == 1
    assert "none: measures nothing of this run: it has no slot: start it with" in done.stderr
    bench.complaints.clear()  # they name the port


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere", "--on 'nowhere': give local, dask:ADDRESS"),
        ("dask:10.0.0.2", "--on 'dask:10.0.0.2': give local, dask:ADDRESS"),
        ("dask:tcp://127.0.0.1:9", "--on: no Dask scheduler answers at tcp://127.0.0.1:9"),
        ("slurm:nothing.toml", "--on: cannot read nothing.toml: No such file"),
    ],
)
def test_a_place_that_is_none(bench, place, said, monkeypatch):
    monkeypatch.setattr(link, "CONNECT_S", 0.5)
    done = bench.run("reference", "--on", place)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {said}")
    assert not bench.out.exists()


@pytest.mark.long
def test_no_record_is_lost_or_doubled_by_kills():
    """A part of the campaign; 200 kills are a matter of an hour."""
    campaign = [sys.executable, str(ROOT / "tests" / "cluster_kills.py"), "--kills", "8"]
    done = subprocess.run(campaign, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
