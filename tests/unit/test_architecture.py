"""The edges between the parts, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "flax", "optax", "juliacall"}
HEAVY = FRAMEWORKS | {
    "pandas",
    "seaborn",
    "matplotlib",
    "sklearn",
    "scipy",
    "numpy",
    "pooch",
    "PIL",
}


def _modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, absolute."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _top(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("path", _modules("bench"), ids=str)
def test_the_harness_imports_no_framework_and_no_implementation(path):
    assert not _top(_imports(path)) & (FRAMEWORKS | {"impls"})


@pytest.mark.parametrize("path", _modules("report"), ids=str)
def test_the_report_reads_records_only(path):
    imports = _imports(path)
    assert not _top(imports) & (FRAMEWORKS | {"impls"})
    of_bench = {module for module in imports if module.startswith("bench.")}
    allowed = (
        "bench.record",
        "bench.certificate",
        "bench.contract",
        "bench.errors",
        "bench.store",
        "bench.stats",
        "bench.training",
        "bench.published",
    )
    assert all(module.startswith(allowed) for module in of_bench), of_bench


@pytest.mark.parametrize("path", _modules("impls"), ids=str)
def test_an_implementation_knows_the_contract_and_its_own_framework(path):
    own = ".".join(path.relative_to(ROOT).parts[:2]).removesuffix(".py")
    for module in _imports(path):
        if module.startswith("impls."):
            assert module.startswith(own), module
        if module.startswith("bench"):
            assert module.startswith(("bench.contract", "bench.errors")), module


@pytest.mark.parametrize(
    "leaf", ["contract", "certificate", "surroundings", "training", "published", "record", "errors"]
)
def test_leaves_import_leaves(leaf):
    path = ROOT / "bench" / leaf
    files = _modules(f"bench/{leaf}") if path.is_dir() else [path.with_suffix(".py")]
    imports = set().union(*(_imports(file) for file in files))
    of_bench = {module for module in imports if module.startswith("bench")}
    names = ("contract", "certificate", "surroundings", "training", "published", "errors")
    leaves = tuple(f"bench.{name}" for name in names)
    assert all(module.startswith(leaves) for module in of_bench), of_bench


def test_only_the_worker_reads_a_clock():
    """Launching, downloading and the display time their own waiting; nothing else does.

    The gate has a measuring process of its own, windows.py, and a budget of time.
    """
    allowed = {
        "worker.py",
        "in_process.py",
        "launch.py",
        "progress.py",
        "download.py",
        "observers.py",
        "event_files.py",
        "watch.py",
        "windows.py",
        "budget.py",
    }
    readers = {
        path.name
        for name in ("bench", "impls")
        for path in _modules(name)
        if "time" in _top(_imports(path))
    }
    assert readers <= allowed


def test_the_measuring_process_of_the_gate_takes_only_what_is_measured():
    """All else that it imported would come from the side, or differ between the sides."""
    found = {module for module in _imports(ROOT / "bench/gate/windows.py") if "bench" in module}
    modules = {".".join(module.split(".")[:2]) for module in found}
    assert modules == {"bench"} | {
        f"bench.{name}" for name in ("contract", "frameworks", "models", "order")
    }


def test_the_rule_of_the_gate_has_no_hands():
    imports = _imports(ROOT / "bench/gate/decision.py")
    assert not _top(imports) & {"time", "subprocess", "os", "random", "psutil"}
    of_bench = {module for module in imports if module.startswith("bench.")}
    assert all(m.startswith(("bench.stats", "bench.gate.cases")) for m in of_bench), of_bench


def _loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return _top(set(done.stdout.splitlines()[-1].split()))


@pytest.mark.parametrize("command", ["run", "gate"])
def test_help_loads_nothing_heavy(command):
    run_help = f"from bench.cli import app\napp(['{command}', '--help'], standalone_mode=False)"
    assert not _loaded(run_help) & HEAVY


def test_planning_and_running_load_no_framework():
    assert not _loaded("import bench.commands.run, bench.runner, bench.datasets") & FRAMEWORKS


def test_only_figures_load_what_draws():
    drawing = {"matplotlib", "seaborn", "pandas"}
    assert not _loaded("import report.build, report.html, report.terminal") & drawing
    of_figures = set().union(*map(_imports, _modules("report/figures")))
    assert _top(of_figures) >= {"matplotlib", "seaborn"}


@pytest.mark.long
def test_figures_load_what_draws():
    assert _loaded("import report.figures.all") >= {"matplotlib", "seaborn", "pandas"}


def test_a_check_that_can_fail():
    assert "json" in _loaded("import json")
    assert _top(_imports(Path(__file__))) >= {"ast", "pytest"}
