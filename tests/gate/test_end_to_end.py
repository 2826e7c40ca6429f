"""The gate from its command line to its exit code, with real processes that really compute."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bench.gate.result import Result
from tests.gate.conftest import SMALL

LOADS = Path(__file__).with_name("loads.py")
ADAPTER = "impls/reference/adapter.py"
STEP = "            losses[step], gradients = self.gradients64(indices, draws)\n"
# The gradients of a quarter of the batch once more: 20 to 25 % more work.
SLOWER = f"{STEP}            self.gradients64(indices[::4])\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need POSIX pipes")


def test_identical_revisions_are_no_regression(gate):
    code, found = gate.result("--base", "HEAD")
    assert code in (0, 3), found["findings"]
    assert found["outcome"] in ("pass", "inconclusive")
    assert any("same commit" in note for note in found["notes"])
    assert gate.left_over() == []
    assert len(gate.repository.worktrees()) == 1


def test_a_library_that_unblocks_standard_input(gate):
    """As Julia does."""
    first = "import numpy as np\n"
    gate.repository.edit(ADAPTER, first, f"import os\n{first}os.set_blocking(0, False)\n")
    gate.repository.commit("unblock standard input")
    code, found = gate.result("--base", "HEAD")
    assert code in (0, 3), found["findings"]


def test_a_slowdown_of_a_fifth_is_a_regression(gate, tmp_path):
    gate.repository.edit(ADAPTER, STEP, SLOWER)
    gate.repository.commit("more work | <b>than</b> `before`")
    out, summary = tmp_path / "gate.json", tmp_path / "summary.md"
    files = ("--out", str(out), "--markdown", str(summary))
    done = gate("--base", "HEAD~1", *SMALL, *files)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "regression: 1 of 1 cells slower by" in done.stdout
    found = Result.model_validate_json(out.read_text())
    (cell,) = found.findings
    assert 0.10 < cell.slowdown < 0.40
    assert cell.failed_blocks == 2
    assert "❌ regression" in summary.read_text()
    assert gate.left_over() == []
    # All windows are there: the verdict can be had again, and another rule gives another one.
    assert found.judged_anew().outcome == "regression"
    lenient = Result.model_validate(
        found.model_dump() | {"settings": {**found.settings.model_dump(), "threshold": 0.6}}
    )
    assert lenient.judged_anew().outcome == "pass"


def test_a_load_that_comes_and_goes_is_no_regression(gate):
    with loaded("now-and-then"):
        code, found = gate.result("--base", "HEAD")
    assert code in (0, 3), found["findings"]
    assert found["findings"][0]["other_cpus"] > 0.1


def test_a_load_that_follows_one_side_is_no_regression(gate):
    """The worst case: another program computes whenever, and only when, head does."""
    with loaded("with-head"):
        # Long windows, so that the other program has them noticed soon after they begin.
        code, found = gate.result("--base", "HEAD", "--window", "0.1", "--budget", "200s")
    (cell,) = found["findings"]
    assert code in (0, 3), found["findings"]
    # On a machine that is overloaded anyway it makes no difference; elsewhere it halves the speed.
    if cell["p_values"] and cell["slowdown"] > 0.05:
        assert code == 3
        assert "other processes were busier" in cell["reason"]


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (ADAPTER, "import numpy as np\n", "import no_such_module\n", "no_such_module"),
        (ADAPTER, STEP, f"{STEP}            raise OSError('out of luck')\n", "out of luck"),
        (ADAPTER, STEP, f"{STEP}            __import__('os')._exit(7)\n", "exit code 7"),
        ("bench/order.py", "import numpy as np\n", "import numpy as np\n1 +\n", "SyntaxError"),
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
    backwards = gate("--base", "HEAD", "--head", "HEAD~1", "--tip", *SMALL)
    assert backwards.returncode == 2
    assert "error: base: reference" in backwards.stderr


def test_a_framework_that_only_one_side_has(gate):
    gate.repository.edit("bench/frameworks.py", '"reference",\n', '"oracle",\n')
    gate.repository.commit()
    done = gate("--base", "HEAD~1", *SMALL)
    assert done.returncode == 2
    assert "error: head: reference" in done.stderr
    assert "unknown framework 'reference'" in done.stderr


def test_what_comes_from_another_place_is_not_measured(gate):
    """Were the installed package measured on both sides, no gate could ever fail."""
    gate.repository.git("mv", "bench", "harness")
    gate.repository.git("mv", "impls", "adapters")
    gate.repository.commit()
    done = gate("--base", "HEAD", *SMALL)
    assert done.returncode == 2
    assert "not measured from this revision" in done.stderr


def test_an_adapter_in_a_repository_of_its_own(gate):
    """Only the adapter is in the repository, and its entry point; the harness is installed."""
    top = gate.repository.top
    for name in ("bench", "report", "impls"):
        gate.repository.git("rm", "-r", "--quiet", name)
    (top / "pyproject.toml").unlink()
    entry = top / "third_party-1.0.dist-info"
    entry.mkdir()
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (entry / "entry_points.txt").write_text(
        "[lenet_bench.frameworks]\nthird = third_party:framework\n"
    )
    (top / "third_party.py").write_text(
        "from bench.frameworks import Framework\n"
        "framework = Framework('third', 'Third', 'third_adapter:Third', 'x', (), 'none')\n"
    )
    text = (
        "from impls.reference.adapter import ReferenceAdapter\n\nclass Third(ReferenceAdapter):\n"
    )
    (top / "third_adapter.py").write_text(f"{text}    pass\n")
    gate.repository.commit()
    (top / "third_adapter.py").write_text(
        f"{text}    def train_epoch(self, order, rate):\n"
        "        super().train_epoch(order, rate)\n"
        "        return super().train_epoch(order, rate)\n"
    )
    gate.repository.commit("twice the work")
    code, found = gate.result("--base", "HEAD~1", "--frameworks", "third")
    assert code == 1, found
    assert 0.7 < found["findings"][0]["slowdown"] < 1.4


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
        return [child.pid for child in children if "windows.py" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def _wait_for(condition, limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
