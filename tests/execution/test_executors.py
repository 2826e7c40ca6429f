"""What a run on a cluster is made of, one by one: places, slots, facts of hosts, Slurm's jobs."""

from __future__ import annotations

import os
import threading
from collections import deque
from types import SimpleNamespace

import pytest

from bench.config import plan
from bench.config.run_settings import RunSettings
from bench.errors import DataError, UnavailableError, UsageError
from bench.execution import repeats
from bench.execution.executors import cluster, facts, on_host, place, slot, slurm
from bench.execution.executors.link import Host, Link, LostError
from bench.system import machine
from bench.worker import prepared_data
from bench.workload import datasets


@pytest.fixture(scope="module")
def here():
    return facts.of_this_host(["reference"])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("local", place.HERE),
        ("dask:tcp://10.0.0.2:8786", place.Place("dask", address="tcp://10.0.0.2:8786")),
        ("dask:tls://[::1]:1", place.Place("dask", address="tls://[::1]:1")),
        ("slurm:a b.toml", place.Place("slurm", file=place.Path("a b.toml"))),
    ],
)
def test_places_are_read(typed, found):
    assert place.parse(typed) == found


@pytest.mark.parametrize("typed", ["", "Local", "dask", "dask:tcp://10.0.0.2", "slurm:", "ssh:a"])
def test_what_is_no_place_is_refused_with_what_is(typed):
    with pytest.raises(UsageError, match="give local, dask:ADDRESS"):
        place.parse(typed)


def held(folder, *, shares_host):
    """Whether somebody else could take the slot now."""
    waited = []
    try:
        with slot.hold(
            shares_host=shares_host,
            waiting=lambda: waited.append(1),
            is_over=lambda: bool(waited),
            folder=folder,
        ):
            return False
    except UnavailableError:
        return True


def of_cpus(monkeypatch, *cpus):
    monkeypatch.setattr(machine, "usable_cpus", lambda: cpus)


def test_a_host_is_for_one_measurement(tmp_path):
    with slot.hold(shares_host=False, waiting=lambda: None, folder=tmp_path):
        assert held(tmp_path, shares_host=False)
        assert held(tmp_path, shares_host=True)
    assert not held(tmp_path, shares_host=False)


def test_a_shared_host_is_for_those_with_cpus_of_their_own(tmp_path, monkeypatch):
    of_cpus(monkeypatch, 0, 1)
    with slot.hold(shares_host=True, waiting=lambda: None, folder=tmp_path):
        assert held(tmp_path, shares_host=True)
        assert held(tmp_path, shares_host=False)
        of_cpus(monkeypatch, 1, 2)
        assert held(tmp_path, shares_host=True)
        of_cpus(monkeypatch, 2, 3)
        assert not held(tmp_path, shares_host=True)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,GPU-1")
        with slot.hold(shares_host=True, waiting=lambda: None, folder=tmp_path):
            of_cpus(monkeypatch, 4, 5)
            assert held(tmp_path, shares_host=True)
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
            assert not held(tmp_path, shares_host=True)


def test_who_waits_for_a_host_gets_it_when_it_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(slot, "PAUSE_S", 0.01)
    waits, done = threading.Event(), threading.Event()

    def wait():
        with slot.hold(shares_host=False, waiting=waits.set, folder=tmp_path):
            done.set()

    with slot.hold(shares_host=False, waiting=lambda: None, folder=tmp_path):
        thread = threading.Thread(target=wait)
        thread.start()
        assert waits.wait(10)
        assert not done.is_set()
    thread.join(10)
    assert done.is_set()


def test_a_lock_that_is_no_file_is_not_followed(tmp_path):
    (tmp_path / "lenet-bench-host.lock").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(OSError, match="symbolic links"),
        slot.hold(shares_host=False, waiting=lambda: None, folder=tmp_path),
    ):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_host_like_this_one_may_measure(here):
    assert facts.differences(here, here) == []
    assert here.frameworks["reference"].files_sha256 is not None
    assert here.most_threads == machine.most_threads()


def test_a_host_that_differs_is_told_in_what(here):
    named = {"numpy": "0.1", **{f"made-{number}": "1" for number in range(9)}}
    there = here.model_copy(
        update={
            "bench": "0.1",
            "machine": here.machine.model_copy(update={"python": "3.1.4"}),
            "packages": here.packages | named,
            "frameworks": {
                "reference": here.frameworks["reference"].model_copy(
                    update={"files_sha256": "0" * 64}
                )
            },
        }
    )
    told = facts.differences(here, there)
    assert told[:2] == [
        f"lenet-bench 0.1 in place of {here.bench}",
        f"Python 3.1.4 in place of {here.machine.python}",
    ]
    assert told[2] == f"numpy 0.1 in place of {here.packages['numpy']}"
    assert told[3:] == ["other code of lenet-bench or of the adapter for reference"]
    many = there.model_copy(update={"packages": dict.fromkeys(here.packages, "0.1")})
    assert any("more" in one for one in facts.differences(here, many))


def test_a_framework_that_is_not_there_is_no_difference_of_hosts(here):
    absent = facts.Installed(version=None, missing="torch is not installed", files_sha256=None)
    there = here.model_copy(update={"frameworks": {"reference": absent}})
    assert facts.differences(here, there) == []


def test_a_clock_that_is_off_is_told():
    assert facts.clock_note(3.0) is None
    assert "3,600 s ahead of this one" in facts.clock_note(3600.0)
    assert "3,600 s behind this one" in facts.clock_note(-3600.0)


@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "a/../../b", ""])
def test_files_stay_in_their_folder_on_a_host(name, monkeypatch, tmp_path):
    monkeypatch.setenv("LENET_BENCH_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="no name below a folder"):
        on_host.receive("a" * 64, name, 0, b"x")
    with pytest.raises(DataError, match="no hash"):
        on_host.receive("../" + "a" * 61, "name", 0, b"x")
    assert not list(tmp_path.rglob("*passwd"))


def test_a_file_arrives_in_parts(monkeypatch, tmp_path):
    monkeypatch.setenv("LENET_BENCH_CACHE", str(tmp_path))
    key = "a" * 64
    on_host.receive(key, "MNIST/raw/labels.gz", 0, b"abc")
    on_host.receive(key, "MNIST/raw/labels.gz", 3, b"def")
    (path,) = tmp_path.rglob("labels.gz")
    assert path.read_bytes() == b"abcdef"


def test_a_cell_is_never_made_up_for_alone(tmp_path):
    """On a cluster all cells of its block that it is compared with are measured again."""
    source = prepared_data.source(datasets.load("digits", tmp_path, (32, 32), "resize"))
    asked = {"frameworks": ("reference", "torch"), "seeds": (0, 1), "batch_sizes": (8, 16)}
    planned = plan.make({**asked, "data_root": tmp_path}, source)
    (one,) = [
        cell
        for cell in planned.cells()
        if (cell.framework, cell.seed, cell.batch_size) == ("torch", 1, 8)
    ]
    again = repeats.whole_blocks(planned, [one])
    assert {(cell.framework, cell.seed, cell.batch_size) for cell in again} == {
        ("reference", 1, 8),
        ("torch", 1, 8),
    }
    assert tuple(cell for cell in planned.cells() if cell in again) == again


JOBS = 'cpus = 4\nmemory = "8 GB"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cpus = 4", "memory: Field required"),
        (JOBS + "nodes = 3", "nodes: Extra inputs are not permitted"),
        (JOBS + "hosts = 0", "hosts: Input should be greater than or equal to 1"),
        (JOBS + 'prologue = ["a\\nb"]', "prologue.0: String should match pattern"),
        ("cpus = ", "is no TOML"),
    ],
)
def test_jobs_that_cannot_be_are_refused(text, said, tmp_path):
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        slurm.read(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_job_script_has_a_node_for_itself_and_one_slot(tmp_path, monkeypatch):
    """As dask-jobqueue writes it; nothing is started."""
    monkeypatch.setenv("LENET_BENCH_CACHE", str(tmp_path))
    jobqueue = pytest.importorskip("dask_jobqueue.slurm")
    path = tmp_path / "cluster.toml"
    path.write_text(JOBS + 'queue = "compute"\ndirectives = ["--gres=gpu:1"]\n')
    given = slurm._arguments(slurm.read(path))
    script = jobqueue.SLURMJob(scheduler="tcp://127.0.0.1:1", **given).job_script()
    for line in ("--exclusive", "--gres=gpu:1", "-p compute", "--cpus-per-task=4", "-n 1"):
        assert f"#SBATCH {line}" in script
    assert f"#SBATCH -o {tmp_path}/slurm/" in script
    assert "--resources slot=1" in script
    assert "--nthreads 1" in script
    assert os.path.basename(given["python"]) in script


def test_settings_of_a_run_know_nothing_of_where_it_is_measured():
    """The same plan on another place is the same plan."""
    assert not {"on", "share_host"} & set(RunSettings.__dataclass_fields__)


class Future:
    """A task of Dask's that ended so."""

    def __init__(self, status, answer):
        self.status, self._answer = status, answer

    def exception(self):
        return self._answer

    def result(self, timeout):
        assert timeout > 0  # Dask waits for ever for a host that is gone
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("future", "said"),
    [
        (Future("lost", None), "its task was lost"),
        (Future("error", ValueError("of the host")), "ValueError: of the host"),
        # The scheduler has gone while the result, of a task that is finished, came over.
        (Future("finished", ConnectionResetError("reset by peer")), "reset by peer"),
        # The host has gone once it was done.
        (Future("finished", TimeoutError()), "does not arrive within 30 s"),
    ],
)
def test_what_is_lost_with_a_cluster_is_told_as_that(future, said):
    with pytest.raises(LostError, match=said):
        Link(None).result(future)


def test_what_a_task_comes_to():
    assert Link(None).result(Future("finished", 3)) == 3
    with pytest.raises(DataError, match="no such set"):
        Link(None).result(Future("error", DataError("no such set")))


@pytest.mark.parametrize("sent", [(), ("a",), ("a", "b")])
def test_a_host_that_is_lost_once_it_is_done_costs_nothing(sent, tmp_path, monkeypatch):
    """What it has sent a part of begins anew elsewhere, as a whole."""
    host = Host("tcp://198.51.100.1:1", "b", 1.0)
    cells = tuple(SimpleNamespace(name=name) for name in "ab")
    begun = SimpleNamespace(cells=cells, attempt=0, model_copy=lambda update: update)
    work = cluster._Work(lambda block, label: lambda event: None, begun, deque(), running=1)

    def measure(host, work, block, saved):
        saved.update(sent)
        raise LostError("gone")

    of = cluster.Cluster(None, tmp_path, machine.describe(), print)
    monkeypatch.setattr(of, "_measure", measure)
    with pytest.raises(LostError, match="gone"):
        of._try(host, work, 0, begun)
    assert list(work.waiting) == ([] if len(sent) == 2 else [(0, {"attempt": 1})])
    assert work.running == 0
