"""The layers of the code, as docs/architecture.md draws them: imports go down, never up."""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pydantic
import pytest

import bench
import report

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "flax", "optax", "juliacall"} | {
    *("equinox", "mlx", "tinygrad"),
}
HEAVY = FRAMEWORKS | {"pandas", "seaborn", "matplotlib", "scipy", "numpy", "pooch", "PIL"}

# From the ground up. What a part may import: itself, and the parts in the lines above its own. A
# part is a folder or a file right below bench; `gate` has a process of its own, see below.
LAYERS = (
    ("errors", "choices", "stats"),
    ("contract",),
    ("workload",),
    ("frameworks", "system"),
    ("config",),
    ("results",),
    ("verification",),
    ("worker",),
    ("execution",),
    ("gate",),
    ("cli",),
)
LEVEL = {part: number for number, parts in enumerate(LAYERS) for part in parts}
# The same within report. Tables and sentences about them need each other.
REPORT_LAYERS = (
    ("text",),
    ("sharing",),
    ("analysis",),
    ("tables", "wording"),
    ("report_data",),
    ("figures",),
    ("formats",),
    ("build",),
    ("site",),
)
# What of the harness a report may know: records and what they are made of.
KNOWN_TO_REPORT = (
    "__version__",
    "choices",
    "contract",
    "errors",
    "results",
    "stats",
    "system",
    "workload",
    "config",
    "frameworks",
)
MOST_ENTRIES = 16  # of a folder, for a reader to see it at a glance


def _classes() -> Iterator[type]:
    for package in (bench, report):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(("__main__", "window_server")):  # which are programs
                module = importlib.import_module(found.name)
                for one in vars(module).values():
                    if isinstance(one, type) and one.__module__ == found.name:
                        yield one


def test_models_do_not_change_and_have_no_fields_that_nobody_knows():
    models = {one for one in _classes() if issubclass(one, pydantic.BaseModel)}
    assert len(models) > 40
    for model in models:
        config = model.model_config
        assert (config.get("frozen"), config.get("extra")) == (True, "forbid"), model


def _modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, absolute."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _top(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def _parts(modules: set[str], package: str) -> set[str]:
    """The parts of a package that are imported."""
    return {module.split(".")[1] for module in modules if module.startswith(f"{package}.")}


def _upward(package: str, layers: tuple[tuple[str, ...], ...], *, within: bool) -> list[str]:
    """The imports that go up, or across to another part of the same layer unless `within`."""
    level = {part: number for number, parts in enumerate(layers) for part in parts}
    found = []
    for path in _modules(package):
        own = _name(path).split(".")[1:2]
        if not own or own[0] not in level:
            continue
        for part in _parts(_imports(path), package) & level.keys():
            higher = level[part] > level[own[0]]
            across = level[part] == level[own[0]] and part != own[0] and not within
            if higher or across:
                found.append(f"{_name(path)} imports {package}.{part}")
    return found


def test_every_part_has_a_layer():
    files = {path.stem for path in (ROOT / "bench").glob("*.py")}
    folders = {path.parent.name for path in (ROOT / "bench").glob("*/__init__.py")}
    assert (files | folders) - {"__init__", "__main__"} == LEVEL.keys()


def test_imports_go_down():
    assert _upward("bench", LAYERS, within=False) == []
    assert _upward("report", REPORT_LAYERS, within=True) == []


def test_no_two_modules_import_each_other():
    """Nor do more of them in a circle, but for what is imported when a function runs."""
    paths = [path for package in ("bench", "report", "impls") for path in _modules(package)]
    names = {_name(path): path for path in paths}
    edges = {}
    for name, path in names.items():
        found = set()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    found.add(whole if whole in names else node.module)
        edges[name] = {one for one in found if one in names and one != name}
    while leaves := {name for name, others in edges.items() if not others & edges.keys()}:
        edges = {name: others for name, others in edges.items() if name not in leaves}
    assert not edges, f"in or above a circle: {sorted(edges)}"


@pytest.mark.parametrize("package", ["bench", "report", "impls"])
def test_folders_can_be_seen_at_a_glance(package):
    folders = {path.parent for path in _modules(package)}
    for folder in folders:
        entries = [e.name for e in folder.iterdir() if e.name != "__pycache__"]
        assert len(entries) <= MOST_ENTRIES, (folder, sorted(entries))


def _described(path: Path) -> str:
    """The first line of a module's description."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def _map_of(package: str, first: tuple[str, ...]) -> list[str]:
    """A line for each folder and file of a package, the parts in `first` before others."""

    def lines(folder: Path, depth: int) -> list[str]:
        entries = [path for path in folder.iterdir() if (path / "__init__.py").is_file()]
        entries += [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        known = {name: number for number, name in enumerate(first)} if not depth else {}
        found = []
        for path in sorted(entries, key=lambda one: (known.get(one.stem, len(known)), one.name)):
            init = path / "__init__.py"
            name = "  " * (depth + 1) + (f"{path.name}/" if path.is_dir() else path.name)
            found.append(f"{name:28} {_described(init if path.is_dir() else path)}".rstrip())
            if path.is_dir():
                found += lines(path, depth + 1)
        return found

    return [f"{package}/", *lines(ROOT / package, 0)]


def test_the_map_names_every_file():
    """To write it anew: python tests/test_architecture.py."""
    text = PAGE.read_text()
    assert text == _with_map(text)


def _with_map(text: str) -> str:
    """The page with the map of the code as it is."""
    before, _, rest = text.partition("<!-- map -->\n")
    _, end, after = rest.partition("<!-- end of the map -->\n")
    order = {"bench": LAYERS, "report": REPORT_LAYERS, "impls": ()}
    blocks = [
        "\n".join(_map_of(package, tuple(itertools.chain(*layers))))
        for package, layers in order.items()
    ]
    fenced = "".join(f"```\n{block}\n```\n" for block in blocks)
    return f"{before}<!-- map -->\n{fenced}{end}{after}"


def test_the_harness_imports_no_framework_and_no_implementation():
    for path in _modules("bench"):
        assert not _top(_imports(path)) & (FRAMEWORKS | {"impls"}), path


def test_the_report_reads_records_only():
    for path in _modules("report"):
        imports = _imports(path)
        assert not _top(imports) & (FRAMEWORKS | {"impls"}), path
        assert _parts(imports, "bench") <= set(KNOWN_TO_REPORT), path


def test_an_implementation_knows_the_contract_and_its_own_framework():
    """And what several implementations on one library share, in folders that begin with _."""
    for path in _modules("impls"):
        own = ".".join(path.relative_to(ROOT).parts[:2]).removesuffix(".py")
        imports = _imports(path)
        declares = path.name in ("framework.py", "compiler.py")
        known = {"frameworks"} if declares else {"contract", "errors"}
        assert _parts(imports, "bench") <= known, path
        assert not declares or not _top(imports) & HEAVY, path
        for module in imports:
            known_here = module.startswith((own, "impls._"))
            assert not module.startswith("impls.") or known_here, (path, module)


def test_only_the_worker_reads_a_clock():
    """Whoever starts, downloads, awaits or shows something times that; nothing else does.

    The gate has a measuring process of its own, window_server.py, and a budget of time.
    """
    allowed = {
        "bench/worker/tasks.py",
        "bench/execution/in_process.py",
        *(f"bench/execution/executors/{name}.py" for name in ("cluster", "facts", "slot")),
        "bench/execution/observing/progress.py",
        "bench/execution/observing/observers.py",
        "bench/execution/observing/tensorboard.py",
        "bench/system/launch.py",
        "bench/system/quiet.py",
        "bench/workload/datasets/download.py",
        "bench/cli/commands/watch.py",
        "bench/gate/window_server.py",
        "bench/gate/budget.py",
    }
    paths = [path for package in ("bench", "impls") for path in _modules(package)]
    readers = {
        path.relative_to(ROOT).as_posix() for path in paths if "time" in _top(_imports(path))
    }
    assert readers == allowed


def test_the_measuring_process_of_the_gate_takes_only_what_is_measured():
    """All else that it imported would come from the side, or differ between the sides."""
    parts = _parts(_imports(ROOT / "bench/gate/window_server.py"), "bench")
    # The last two are where an earlier revision has what is in workload now.
    assert parts == {"contract", "frameworks", "workload", "models", "order"}


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
    run_help = f"from bench.cli.app import app\napp(['{command}', '--help'], standalone_mode=False)"
    assert not _loaded(run_help) & HEAVY


def test_planning_and_running_load_no_framework():
    loaded = "import bench.cli.commands.run, bench.execution.runner, bench.workload.datasets"
    assert not _loaded(loaded) & FRAMEWORKS


def test_only_figures_load_what_draws():
    drawing = {"matplotlib", "seaborn", "pandas"}
    plain = "import report.build, report.formats.html, report.formats.terminal"
    assert not _loaded(plain) & drawing
    assert _loaded("import report.figures.registry") >= drawing


def test_checks_that_can_fail(tmp_path):
    assert "json" in _loaded("import json")
    assert _top(_imports(Path(__file__))) >= {"ast", "pytest"}
    assert _upward("bench", tuple(reversed(LAYERS)), within=False)


if __name__ == "__main__":
    PAGE.write_text(_with_map(PAGE.read_text()))


# What changes while it is made; all other dataclasses are values.
CHANGING = {
    *("bench/execution/block.py Fields", "bench/gate/decision.py Cell"),
    *(f"bench/execution/executors/{name}" for name in ("cluster.py _Work", "on_host.py _Session")),
    *("bench/gate/schedule.py Run", "bench/worker/epochs.py _Within"),
    "report/figures/canvas.py Drawing",
}


def test_dataclasses_are_values():
    """Frozen, so that nobody changes what others hold, too."""
    changing = set()
    for path in itertools.chain(*map(_modules, ("bench", "report", "impls"))):
        for node in ast.walk(ast.parse(path.read_text())):
            for of in node.decorator_list if isinstance(node, ast.ClassDef) else ():
                told = ast.unparse(of)
                if told.startswith("dataclass") and "frozen=True" not in told:
                    changing.add(f"{path.relative_to(ROOT).as_posix()} {node.name}")
    assert changing == CHANGING
