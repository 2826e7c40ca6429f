"""A Dask scheduler and workers as a person starts them; each worker a host of its own.

All are on loopback, but where a test gives workers networks of their own.

Root can give each worker an identity of the machine, and a folder of locks, that no other sees:
files are laid over them in a name space of mounts. Without that all workers are one host.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "tests" / "plugins"
START_S = 40.0
LOOPBACK = "127.0.0.1"
OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private", "sh", "-euc")
BOOT_ID = "/proc/sys/kernel/random/boot_id"
LAID_OVER = (
    'mount --bind "$1" /etc/machine-id; '
    f'mount --bind "$1" {BOOT_ID}; '
    'mount --bind "$2" /run/lock; shift 2; exec "$@"'
)


class Cluster:
    """A scheduler and its workers, by their names; all of it ends with the test."""

    def __init__(
        self, folder: Path, env: Mapping[str, str] | None = None, address: str = LOOPBACK
    ) -> None:
        self.folder, self.workers = folder, dict[str, subprocess.Popen[bytes]]()
        self.env = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGINS}",
            "LENET_BENCH_CACHE": str(folder / "cache"),
            **(env or {}),
        }
        port = folder / "scheduler.json"
        self.scheduler = self._start(
            *("scheduler", "--host", address, "--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(port), "--no-show"),
        )
        _wait(port.exists, self.scheduler)
        self.address = str(json.loads(port.read_text())["address"])

    def host(
        self,
        name: str,
        *arguments: str,
        slots: int = 1,
        address: str = LOOPBACK,
        within: tuple[str, ...] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a worker, by the command `within` if there is one; it is there before long."""
        resources = ("--resources", f"slot={slots}") if slots else ()
        local = self.folder / name
        local.mkdir()
        (local / "locks").mkdir()
        (local / "machine-id").write_text(f"{sum(name.encode()):032x}\n")
        mounts = (
            (*OWN_MOUNTS, LAID_OVER, "sh", str(local / "machine-id"), str(local / "locks"))
            if can_be_hosts()
            else ()
        )
        self.workers[name] = self._start(
            *("worker", self.address, "--host", address, "--nthreads", "1", "--no-nanny"),
            *("--no-dashboard", "--name", name, "--local-directory", str(local), *resources),
            *arguments,
            before=(*within, *mounts),
        )
        return self.workers[name]

    def wait_for_hosts(self) -> None:
        """Until all workers are there."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=START_S)

    def end(self) -> None:
        """End what was started."""
        for process in (*self.workers.values(), self.scheduler):
            with ExitStack() as stack:
                stack.callback(process.wait)
                process.kill()

    def _start(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        command = [*before, sys.executable, "-m", "distributed.cli.dask_" + arguments[0]]
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [*command, *arguments[1:]], env=self.env, stdout=log, stderr=log, cwd=self.folder
            )


def can_be_hosts() -> bool:
    """Whether workers can have identities and locks of their own here."""
    if not shutil.which("unshare") or not Path("/etc/machine-id").exists():
        return False
    probe = [
        *OWN_MOUNTS,
        f"mount --bind /etc/hostname /etc/machine-id; mount --bind /etc/hostname {BOOT_ID}",
    ]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def need_hosts() -> None:
    """Skip a test that needs several hosts, where this machine cannot be several."""
    if not can_be_hosts():
        pytest.skip("no name spaces of mounts here: all workers would be one host")


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as a crash does."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def when(is_there: Callable[[], bool], act: Callable[[], object]) -> None:
    """Do it in another thread, as soon as something is there."""

    def wait() -> None:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            if is_there():
                act()
                return
            time.sleep(0.02)

    threading.Thread(target=wait, daemon=True).start()


def _wait(is_there, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while not is_there():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < deadline, "it does not start"
        time.sleep(0.05)
