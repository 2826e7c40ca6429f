"""A load for the machine, as a program of its own; it runs until it is ended.

python loads.py now-and-then   every CPU busy for some tenths of a second, then idle, at random
python loads.py always         one CPU busy
python loads.py with-head      busy on head's CPUs while the gate's process of head computes
"""

from __future__ import annotations

import random
import sys
import time

import psutil

BURNERS = 2  # beside one process of head's: they leave it a third of its CPU


def main(kind: str) -> None:
    for number in range(0 if kind == "always" else BURNERS - 1):
        psutil.Popen([sys.executable, __file__, kind, str(number)])
    parent = psutil.Process().parent()
    program = {"now-and-then": now_and_then, "always": always, "with-head": with_head}[kind]
    steps = program()
    while parent is not None and parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
        for _ in range(100):
            next(steps)


def now_and_then():
    chance = random.Random()
    while True:
        burn(chance.uniform(0.001, 0.02))
        if chance.random() < 0.05:
            time.sleep(chance.uniform(0.05, 0.5))
        yield


def always():
    while True:
        burn(0.005)
        yield


def with_head():
    known: list[psutil.Process] = []
    while True:
        known = known or heads()
        try:
            for process in known:
                if process.status() == psutil.STATUS_RUNNING:
                    share_cpus(process)
                    burn(0.005)
        except psutil.Error:
            known = []
        time.sleep(0.001 if known else 0.05)
        yield


def heads() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if "window_server.py" in " ".join(process.cmdline()) and process.cwd().endswith(
                "/head"
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def share_cpus(process: psutil.Process) -> None:
    own = psutil.Process()
    if hasattr(own, "cpu_affinity"):
        own.cpu_affinity(process.cpu_affinity())


def burn(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(500))


if __name__ == "__main__":
    if len(sys.argv) > 2:  # one burner more
        BURNERS = 1
    main(sys.argv[1])
