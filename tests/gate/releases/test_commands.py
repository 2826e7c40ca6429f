"""`bench bisect` and `bench matrix` from end to end, and every wrong call of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from bench.cli.commands.speed import releases as command
from bench.gate.decision import Rule
from bench.gate.pairs import Shape
from bench.gate.releases import environments, pip
from tests.calling import NoExecutor, call
from tests.gate.releases.conftest import BROKEN, TINY

ROOT = Path(__file__).resolve().parents[3]
SMALL = ("--batch-size", "2", "--seed", "0")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return call(list(arguments), dict(os.environ) | {"COLUMNS": "160"}, NoExecutor)


# Wrong calls


@pytest.fixture
def listed(monkeypatch, tmp_path):
    """An index that lists some releases; nothing can be installed."""
    monkeypatch.setenv("LENET_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pip, "released", lambda name: ("2.8.0", "2.9.0", "2.9.1", "2.10.0"))

    def install(*_, **__):
        raise AssertionError("something was installed")

    monkeypatch.setattr(environments, "install", install)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bisect", "numpy", "2.0..2.4"), "unknown package of a framework 'numpy'"),
        (("bisect", "torch", "2.10..2.9"), "goes backwards"),
        (("bisect", "torch", "3..4"), "no release that fits this Python is within '3..4'"),
        (("bisect", "torch", "2.10..2.13"), "only 2.10.0 of torch is within '2.10..2.13'"),
        (("bisect", "torch", "2.8"), "no release within '2.8' is torch 2.9 or later"),
        (
            ("bisect", "torch", "2.8..2.9.0"),
            "torch 2.8.0: the adapter is written for 2.9 and later",
        ),
        (("bisect", "torch", "new"), "'new' is no version"),
        (("bisect", "torch", "2.9..2.10", "--frameworks", "flax"), "flax is not made of torch"),
        (("bisect", "torch", "2.9..2.10", "--frameworks", ","), "--frameworks ',' is empty"),
        (("bisect", "torch", "2.9..2.10", "--with", "numpy"), "--with 'numpy' names no version"),
        (("bisect", "torch", "2.9..2.10", "--threshold", "0"), "--threshold 0 is not a share"),
        (("bisect", "torch", "2.9..2.10", "--threshold", "x"), "--threshold 'x' cannot be read"),
        (("bisect", "torch", "2.9..2.10", "--budget", "5"), "--budget '5' cannot be read"),
        (("bisect", "torch", "2.9..2.10", "--budget", "0s"), "--budget 0 is not"),
        (("bisect", "torch", "2.9..2.10", "--threads", "0"), "--threads 0 is not possible"),
        (("bisect", "torch", "2.9..2.10", "--batch-size", "0"), "--batch-size 0 is too small"),
        (("bisect", "torch"), "releases"),
        (("matrix",), "holds no measured releases: measure some"),
        (("matrix", "torch:2.9"), "releases are named for --measure alone"),
        (("matrix", "--measure"), "--measure needs releases"),
        (("matrix", "--measure", "torch"), "'torch' names no releases"),
        (("matrix", "--measure", "torch:x"), "'x' is no version"),
        (("matrix", "--measure", "torch:2.9", "--pairs", "5"), "--pairs 5 is too small"),
        (("matrix", "--json", "--markdown"), "--json and --markdown exclude each other"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, tuple) else "",
)
def test_a_wrong_call_is_refused(listed, arguments, said, tmp_path):
    done = bench(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said.casefold() in done.stderr.casefold()
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_when_the_time_is_up_nothing_more_is_installed(listed):
    done = bench("bisect", "torch", "2.9..2.10", "--budget", "0.000001s", "--out", "out")
    assert done.returncode == 3
    assert "the time is up: what was installed and measured is kept" in done.stderr


def test_without_a_network_it_says_so(listed, monkeypatch):
    def unreachable(_):
        raise pip.NoNetworkError("pip cannot reach an index")

    monkeypatch.setattr(pip, "released", unreachable)
    done = bench("bisect", "torch", "2.9..2.10")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: pip cannot reach an index" in done.stderr
    # Releases that are installed need no index.
    monkeypatch.setattr(environments, "versions_installed", lambda of: ("2.9.0", "2.9.1"))
    chosen = command._chosen(
        command.packages.subject("torch", None), "2.9..2.14", Console(quiet=True)
    )
    assert chosen == ["2.9.0", "2.9.1"]


@pytest.mark.parametrize("content", ["", "{}", "[]", "\x00", '{"format": "lenet-bench gate 1"}'])
def test_a_file_that_holds_something_else(content, tmp_path):
    (tmp_path / "torch.json").write_text(content)
    done = bench("matrix", "--results", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not hold measured releases" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# From end to end: pip, an index, environments, examinations, pairs


@pytest.fixture
def small(monkeypatch):
    """Few short windows in few pairs, which are enough for a release that is far slower."""
    monkeypatch.setattr(command, "Shape", lambda: Shape(2, 0.01))
    monkeypatch.setattr(command, "rule_of", lambda least: Rule(least, pairs=6, alpha=0.02))


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_the_release_that_became_slower_is_named(index, tiny, small, tmp_path):
    kept = tmp_path / "kept"
    settings = (*SMALL, "--threshold", "15%", "--out", str(kept))
    search = ("bisect", TINY.name, "1.1..1.3,1.5,1.9", *settings)
    done = bench(*search, "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    (searched,) = found["searches"]
    assert [(one["earlier"], one["later"]) for one in searched["changes"]] == [("1.2", "1.3")]
    assert searched["changes"][0]["outcome"] == "slower"
    assert set(found["left_out"]) == {BROKEN}
    assert "tinyabsent" in found["left_out"][BROKEN]
    assert f"without {TINY.name} 1.9" in done.stderr

    file = kept / f"{TINY.name}.json"
    content = file.read_text()
    again = bench(*search)  # all is known: nothing more is measured
    assert again.returncode == 1
    assert "tinynumbers 1.3 is" in again.stdout
    assert "slower than 1.2" in again.stdout
    stored, before = json.loads(file.read_text()), json.loads(content)
    assert stored["compared"] == before["compared"]
    of_slow = next(one for one in stored["releases"] if one["version"] == "1.3")
    assert of_slow["packages"] == {"tinynumbers": "1.3"}
    assert of_slow["examined"][0]["parameters"] == 61_706
    assert of_slow["examined"][0]["certificate"]["versions"]["numpy"]

    same = bench("bisect", TINY.name, "1.1..1.2", *settings)
    assert same.returncode == 0, same.stderr
    assert "tinynumbers 1.1 and 1.2 do not differ" in same.stdout
    assert "--every" in same.stdout


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_a_matrix_goes_on_where_it_stopped(index, tiny, small, tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    measure = ("matrix", "--measure", f"{TINY.name}:1.2,1.3", "--pairs", "6", *SMALL)
    measure += ("--results", str(kept))
    done = bench(*measure, "--budget", "6s", "--json")
    assert done.returncode == 3, done.stderr
    assert "the time is up" in done.stderr
    before = json.loads((kept / f"{TINY.name}.json").read_text())
    done = bench(*measure)
    assert done.returncode == 0, done.stderr
    shown = json.loads(bench("matrix", "--results", str(kept), "--json").stdout)
    rows = {row["version"]: row for row in shown[0]["rows"]}
    assert set(rows) == {"1.2", "1.3"}
    after = json.loads((kept / f"{TINY.name}.json").read_text())
    whole = {one["head"]: one["pairs"] for one in after["compared"]}
    assert after["releases"] == before["releases"] or len(before["releases"]) < 2
    for one in before["compared"]:
        assert whole[one["head"]][: len(one["pairs"])] == one["pairs"]
    for row in rows.values():
        assert row["reference"] == "1.3"
        assert row["pairs"] == 6
        assert row["low"] <= row["ratio"] <= row["high"]
        assert row["certificate"].startswith("equivalent, ")
        assert row["parameters"] == 61_706
    assert rows["1.2"]["ratio"] > 1.05
    text = bench("matrix", "--results", str(kept), "--markdown").stdout
    assert "| 1.2 |" in text
    assert "61,706" in text
    table = bench("matrix", "--results", str(kept)).stdout
    assert "The reference is tinynumbers 1.3." in table


@pytest.mark.long
def test_ctrl_c_while_pip_installs_leaves_nothing_half_installed(index, tmp_path):
    """In a process of its own; the reference is made of the package there, too."""
    index.delay_s = 60.0
    program = (
        "import sys\n"
        "from dataclasses import replace\n"
        "from bench.cli.app import call\n"
        "from bench.frameworks import Package, registry\n"
        "from bench.gate.releases import environments\n"
        "environments.OF_WORKER = ()\n"
        "tiny = (Package('tinynumbers', '1.0'),)\n"
        "own = tuple(replace(one, packages=tiny) if one.name == 'reference' else one\n"
        "            for one in registry.built_in())\n"
        "registry.built_in = lambda: own\n"
        "sys.exit(call(['bisect', 'tinynumbers', '1.0..1.4', '--out', 'kept']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    made = tmp_path / "cache" / "releases" / "environments"
    try:
        deadline = time.monotonic() + 60
        while not list(made.glob("tinynumbers-1.0-*/bin/python")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(1.0)  # pip waits for the wheel now
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, told
    assert "interrupted: what was installed and measured is kept" in told
    assert list(made.iterdir()) == []
