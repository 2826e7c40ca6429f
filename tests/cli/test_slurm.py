"""A run on a real Slurm, set up by the test on this machine: a controller and one node."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.results import store

NEEDED = ("slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "munged")
START_S = 30.0
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
ReturnToService=2
MpiDefault=none
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=compute Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture
def slurm(monkeypatch):
    """Slurm's daemons, for as long as the test takes."""
    missing = [name for name in NEEDED if _path(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not here: apt-get install slurmctld slurmd munge")
    if os.geteuid():
        pytest.skip("the daemons of Slurm want root")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        folder.chmod(0o755)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        conf = folder / "slurm.conf"
        conf.write_text(
            CONF.format(
                host=socket.gethostname().partition(".")[0],
                folder=folder,
                ports=_free_ports(),
                cpus=os.cpu_count(),
                memory_mb=1000,
            )
        )
        monkeypatch.setenv("SLURM_CONF", str(conf))
        env = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
        munge = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
        for command in (
            ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *munge],
            ["slurmctld", "-D", "-f", str(conf)],
            ["slurmd", "-D", "-f", str(conf)],
        ):
            with (folder / "printed.txt").open("ab") as log:
                process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            time.sleep(1)
        deadline = time.monotonic() + START_S
        while "idle" not in _told("sinfo", "-h", "-o", "%T"):
            assert time.monotonic() < deadline, (folder / "printed.txt").read_text()
            time.sleep(0.2)
        yield folder


def _path(name):
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def _told(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _free_ports():
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.mark.long
def test_a_run_on_hosts_that_slurm_gives(bench, slurm, tmp_path):
    """A job for itself, whose worker measures; none is left in the queue."""
    file = tmp_path / "cluster.toml"
    file.write_text('cpus = 1\nmemory = "500 MB"\nqueue = "compute"\ninterface = "lo"\n')
    bench.env |= {"SLURM_CONF": str(slurm / "slurm.conf")}
    done = bench.run("reference", "--seeds", "0,1", "--on", f"slurm:{file}")
    assert done.returncode == 0, done.stderr
    found = store.read_records([bench.only_run()])[0]
    assert [one.status.outcome for one in found] == ["ok", "ok"]
    deadline = time.monotonic() + START_S
    while _told("squeue", "-h"):
        assert time.monotonic() < deadline, "a job is left"
        time.sleep(0.2)
