"""The gate from its command line to its exit code, with real processes that really compute.

Each way in which a gate ends is gone through in a process of its own: pass, regression, an error,
an interruption, and a hook of git's. There one side has several times the work to do, so that the
verdict is the same on any machine; what becomes of closer figures is in test_decision.py and
test_replay.py, and here in the long ones.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bench.gate.result import Result
from tests.gate.conftest import LONGER, SMALL

LOADS = Path(__file__).with_name("loads.py")
ADAPTER = "impls/reference/adapter.py"
NUMPY = "import numpy as np\n"
STEP = "            losses[step], gradients = self.gradients64(indices, draws)\n"
# The gradients of a quarter of the batch once more: 20 to 25 % more work.
SLOWER = f"{STEP}            self.gradients64(indices[::4])\n"
# Those of the whole batch four times: figures that no other program's load makes doubtful. A head
# that sleeps would not do, since others are busier while it does, and the rule takes account of it.
FOURFOLD = STEP + 3 * "            self.gradients64(indices)\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need POSIX pipes")


# In processes of their own


def test_a_pass_from_beginning_to_end(gate, tmp_path):
    gate.repository.edit(ADAPTER, STEP, FOURFOLD)
    gate.repository.commit("four times the work")
    gate.repository.edit(ADAPTER, FOURFOLD, STEP)
    gate.repository.commit("as little as before")
    out = tmp_path / "gate.json"
    done = gate.process("--base", "HEAD~1", *SMALL, "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass: the cell is not slower by" in done.stdout
    assert re.search(r"^base: [0-9a-f]{10} \(HEAD~1\) four times the work$", done.stderr, re.M)
    assert re.search(r"^head: [0-9a-f]{10} \(HEAD\) as little as before$", done.stderr, re.M)
    found = Result.model_validate_json(out.read_text())
    assert (found.outcome, found.head.subject) == ("pass", "as little as before")
    assert found.findings[0].slowdown < -0.3
    assert gate.left_over() == []
    assert len(gate.repository.worktrees()) == 1


def test_a_regression_from_beginning_to_end(gate, tmp_path):
    gate.repository.edit(ADAPTER, STEP, FOURFOLD)
    gate.repository.commit("more work | <b>than</b> `before`")
    out, summary = tmp_path / "gate.json", tmp_path / "summary.md"
    files = ("--out", str(out), "--markdown", str(summary))
    done = gate.process("--base", "HEAD~1", *SMALL, *files)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "regression: the cell is slower by" in done.stdout
    assert "❌ regression" in summary.read_text()
    assert gate.left_over() == []
    found = Result.model_validate_json(out.read_text())
    (cell,) = found.findings
    assert cell.failed_blocks == 2
    assert cell.pairs in (14, 21)  # a block that other tests disturb decides nothing
    assert 0.5 < cell.slowdown < 4
    # All windows are there: the verdict can be had again, and another rule gives another one.
    assert found.judged_anew().outcome == "regression"
    rule = found.settings.model_dump() | {"threshold": 1000.0}
    lenient = Result.model_validate(found.model_dump() | {"settings": rule})
    assert lenient.judged_anew().outcome == "pass"


def test_an_error_from_beginning_to_end(gate, tmp_path):
    gate.repository.edit(ADAPTER, NUMPY, f"{NUMPY}import no_such_module\n")
    gate.repository.commit()
    summary = tmp_path / "summary.md"
    done = gate.process("--base", "HEAD~1", *SMALL, "--markdown", str(summary))
    assert done.returncode == 2
    assert "error: head: reference" in done.stderr
    assert "no_such_module" in done.stderr
    assert "no_such_module" in summary.read_text()
    assert gate.left_over() == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_removes_what_was_made(gate, sign):
    process = gate.start("--base", "HEAD", *SMALL)
    _wait_for(lambda: _workers(process.pid))
    workers = _workers(process.pid)
    process.send_signal(sign)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert gate.left_over() == []
    assert len(gate.repository.worktrees()) == 1
    _wait_for(lambda: not any(psutil.pid_exists(pid) for pid in workers))


@pytest.mark.long
def test_the_case_of_a_hook_from_beginning_to_end(gate):
    """A commit whose hook runs a whole gate is the commit that was meant."""
    repository = gate.repository
    repository.commit("another")
    hook = repository.top / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    arguments = ("--base", "HEAD~1", *SMALL, "--allow-dirty", "--threshold", "90%")
    # Undecided is well enough here: a machine may be too busy to say.
    call = f"{' '.join(gate.command(*arguments))} >hook.log 2>&1"
    hook.write_text(f"#!/bin/sh\n{call}\ncode=$?\ntest $code -eq 0 -o $code -eq 3\n")
    hook.chmod(0o755)
    repository.edit("bench/workload/models.py", "LeNet-5", "LeNet 5")
    done = subprocess.run(
        ["git", "-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "-qam", "x"],
        cwd=repository.top,
        env=gate.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (repository.top / "hook.log").read_text()
    verdict = (repository.top / "hook.log").read_text()
    assert "pass: the cell is" in verdict or "inconclusive: the cell could" in verdict
    assert repository.git("show", "--stat", "--format=", "HEAD").startswith(
        "bench/workload/models.py"
    )
    assert repository.git("status", "--porcelain", "--untracked-files=no") == ""


# Revisions that cannot be measured


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (ADAPTER, NUMPY, "import no_such_module\n", "no_such_module"),
        (ADAPTER, STEP, f"{STEP}            raise OSError('out of luck')\n", "out of luck"),
        (ADAPTER, STEP, f"{STEP}            __import__('os')._exit(7)\n", "exit code 7"),
        ("bench/workload/order.py", NUMPY, f"{NUMPY}1 +\n", "SyntaxError"),
    ],
    ids=["import", "raises", "exits", "syntax"],
)
def test_a_revision_that_cannot_run_is_an_error(gate, tmp_path, path, old, new, said):
    gate.repository.edit(path, old, new)
    gate.repository.commit()
    summary = tmp_path / "summary.md"
    done = gate("--base", "HEAD~1", *SMALL, "--markdown", str(summary))
    assert done.returncode == 2
    assert "error: head: reference" in done.stderr
    assert said in done.stderr
    assert said in summary.read_text()
    assert gate.left_over() == []


def test_a_base_that_cannot_run_is_an_error(gate):
    gate.repository.edit(ADAPTER, NUMPY, "import no_such_module\n")
    gate.repository.commit()
    backwards = gate("--base", "HEAD", "--head", "HEAD~1", "--tip", *SMALL)
    assert backwards.returncode == 2
    assert "error: base: reference" in backwards.stderr
    assert "no_such_module" in backwards.stderr


def test_a_framework_that_only_one_side_has(gate):
    gate.repository.edit("impls/reference/framework.py", 'name="reference"', 'name="oracle"')
    gate.repository.commit()
    done = gate("--base", "HEAD~1", *SMALL)
    assert done.returncode == 2
    assert "error: head: reference" in done.stderr
    assert "unknown framework 'reference'" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_comes_from_another_place_is_not_measured(gate):
    """Were the installed package measured on both sides, no gate could ever fail."""
    gate.repository.git("mv", "bench", "harness")
    gate.repository.git("mv", "impls", "adapters")
    gate.repository.commit()
    done = gate("--base", "HEAD", *SMALL)
    assert done.returncode == 2
    assert "not measured from this revision" in done.stderr


# What a pair and a gate find


def test_the_same_commit_on_both_sides_tests_the_gate(gate):
    code, found = gate.once("--base", "HEAD")
    assert (code, found["outcome"], len(found["pairs"])) == (3, "inconclusive", 1)
    assert any("same commit" in note for note in found["notes"])
    assert gate.left_over() == []
    assert len(gate.repository.worktrees()) == 1


def test_a_library_that_unblocks_standard_input(gate):
    """As Julia does."""
    gate.repository.edit(ADAPTER, NUMPY, f"import os\n{NUMPY}os.set_blocking(0, False)\n")
    gate.repository.commit("unblock standard input")
    code, found = gate.once("--base", "HEAD")
    assert (code, len(found["pairs"])) == (3, 1), found["reason"]


def test_what_other_programs_do_is_watched(gate):
    with loaded("always"):
        # Longer than the hundredth of a second in which a system counts.
        _, found = gate.once("--base", "HEAD", "--window", "0.03")
    (pair,) = found["pairs"]
    for side in ("base", "head"):
        assert len(pair[side]["other_cpus"]) == 4
        assert sum(pair[side]["other_cpus"]) / 4 > 0.1


@pytest.mark.long
def test_identical_revisions_are_no_regression(gate):
    """At the usual threshold. That the rule keeps to it, recordings show: see test_replay.py."""
    code, found = gate.result("--base", "HEAD", *LONGER)
    assert code in (0, 3), found["findings"]
    assert found["outcome"] in ("pass", "inconclusive")


@pytest.mark.long
@pytest.mark.alone
def test_a_slowdown_of_a_fifth_is_a_regression(gate):
    """Of that much work, which a machine must be quiet for."""
    gate.repository.edit(ADAPTER, STEP, SLOWER)
    gate.repository.commit("more work")
    code, found = gate.result("--base", "HEAD~1", *LONGER)
    assert code == 1, found["findings"]
    (cell,) = found["findings"]
    assert 0.10 < cell["slowdown"] < 0.40
    assert cell["failed_blocks"] == 2


@pytest.mark.long
def test_a_load_that_comes_and_goes_is_no_regression(gate):
    with loaded("now-and-then"):
        code, found = gate.result("--base", "HEAD", *LONGER)
    assert code in (0, 3), found["findings"]
    assert found["findings"][0]["other_cpus"] > 0.1


@pytest.mark.long
@pytest.mark.alone
def test_a_load_that_follows_one_side_is_no_regression(gate):
    """The worst case: another program computes whenever, and only when, head does."""
    # Long windows, so that the other program has them noticed soon after they begin.
    long = (*LONGER, "--window", "0.1", "--budget", "200s")
    with loaded("with-head"):
        code, found = gate.result("--base", "HEAD", *long)
    (cell,) = found["findings"]
    assert code in (0, 3), found["findings"]
    # On a machine that is overloaded anyway it makes no difference; elsewhere it halves the speed.
    if cell["p_values"] and cell["slowdown"] > 0.05:
        assert code == 3
        assert "other processes were busier" in cell["reason"]


@contextmanager
def loaded(*arguments: str) -> Iterator[None]:
    """Other processes at work; they end with this block."""
    command = [sys.executable, str(LOADS), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            yield
            assert process.poll() is None, "the load has ended too early"
        finally:
            process.kill()


def _workers(pid: int) -> list[int]:
    try:
        children = psutil.Process(pid).children(recursive=True)
        return [child.pid for child in children if "window_server.py" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def _wait_for(condition: Callable[[], object], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
