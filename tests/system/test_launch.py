"""A worker from its start to its ending."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from bench import __main__ as program
from bench.system import environment, launch, machine
from bench.worker.messages import Ended, FindDevices, FrameworkAnswered, event_from, to_line

TASK = to_line(FindDevices(framework="reference", threads=1))


def test_a_worker_runs_the_harness_of_its_parent(tmp_path, monkeypatch):
    """Also in a folder that has another one: a command that is installed does not look there."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/__init__.py").write_text("raise SystemExit('another harness')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    monkeypatch.setenv("PYTHONPATH", str(Path(launch.__file__).parents[2]))
    lines, log = [], tmp_path / "log"
    launch.run_worker(TASK, (), environment.of_worker(1, os.environ), log, 60, lines.append)
    assert event_from(lines[-1]) == Ended(outcome="ok"), log.read_text()
    # Where this process looks there first, as with python -m, the worker does so, too.
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert launch._flags()[:1] != ["-P"]


def test_the_program_looks_for_no_module_in_the_current_folder(tmp_path, monkeypatch):
    """As `python -m` would; in the checkout that runs it does."""
    checkout = str(Path(launch.__file__).parents[2])
    for here, left in ((tmp_path, ["elsewhere"]), (Path(checkout), [checkout, "elsewhere"])):
        monkeypatch.chdir(here)
        monkeypatch.setattr(sys, "path", [str(here), "elsewhere"])
        program._leave_out_current_folder()
        assert sys.path == left
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["elsewhere", str(tmp_path)])  # as a person has it
    program._leave_out_current_folder()
    assert sys.path == ["elsewhere", str(tmp_path)]


def test_a_probe_of_the_real_worker(tmp_path):
    lines = []
    env = environment.of_worker(1, os.environ)
    log = tmp_path / "log"
    ending = launch.run_worker(TASK, (), env, log, 60, lines.append)
    assert ending.exit_code == 0, log.read_text()
    assert not ending.timed_out
    assert ending.peak_rss_bytes > 10_000_000
    assert ending.cpu_s > 0
    assert 0 < ending.wall_s < 60
    answer, end = map(event_from, lines)
    assert isinstance(answer, FrameworkAnswered)
    assert answer.devices == ("cpu",)
    assert end == Ended(outcome="ok")


def test_a_worker_is_ended_when_its_listener_raises(tmp_path):
    class StopError(Exception):
        pass

    def listen(event):
        raise StopError

    before = psutil.Process().children()
    with pytest.raises(StopError):
        launch.run_worker(
            TASK, (), environment.of_worker(1, os.environ), tmp_path / "log", 60, listen
        )
    assert psutil.Process().children() == before


def test_a_worker_without_time(tmp_path):
    env = environment.of_worker(1, os.environ)
    ending = launch.run_worker(TASK, (), env, tmp_path / "log", 0.001, print)
    assert ending.timed_out
    assert ending.exit_code == -signal.SIGTERM


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (3, "ended with exit code 3"),
        (-signal.SIGSEGV, "ended by SIGSEGV"),
        (-signal.SIGKILL, "ended by SIGKILL: perhaps the system ran out of memory"),
    ],
)
def test_an_ending_in_words(code, text):
    assert launch.Ending(code, False, 1, 1, 1).describe() == text


def test_threads_are_spread_over_usable_cpus():
    usable = machine.usable_cpus()
    assert len(machine.spread_cpus(1)) == 1
    assert sorted(machine.spread_cpus(10_000)) == sorted(usable)
