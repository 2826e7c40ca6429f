"""The catalogue, and frameworks that third parties bring."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import impls
from bench import frameworks
from bench.config import plan
from bench.config.split_sizes import AvailableImages
from bench.errors import UnavailableError, UnknownNameError
from bench.execution.examined_files import examined_files
from bench.frameworks import registry

ROOT = Path(__file__).resolve().parents[2]


KNOWN = ["flax", "flux", "keras", "torch", "equinox", "lux", "mlx", "reference"]
KNOWN += ["simplechains", "tinygrad"]


def test_the_built_in_ones():
    assert list(frameworks.catalogue())[: len(KNOWN)] == KNOWN


def test_a_misspelt_name_gets_a_hint():
    with pytest.raises(UnknownNameError) as caught:
        frameworks.named("pytroch")
    assert f"choose from {', '.join(KNOWN)}" in str(caught.value)
    with pytest.raises(UnknownNameError, match="did you mean 'torch'"):
        frameworks.named("troch")


def test_what_is_missing_is_told_with_its_remedy():
    absent = frameworks.Framework(
        "x", "X", "x:X", "x", ("no_such_module", "no.such"), "pip install x"
    )
    assert frameworks.missing(absent) == "no_such_module, no.such are not installed: pip install x"
    assert frameworks.version(absent) is None
    with pytest.raises(UnavailableError, match="pip install x"):
        frameworks.create(absent)


@pytest.mark.parametrize(
    ("module", "kind"),
    [("impls.no_such", ImportError), ("bench.no_such", ImportError), ("json.no_such", None)],
)
def test_a_module_of_ours_that_is_missing_is_a_mistake(module, kind):
    broken = frameworks.Framework("x", "X", f"{module}:X", "x", (), "pip install x")
    complaint = f"X is installed but cannot be imported: No module named '{module}'"
    with pytest.raises(kind or UnavailableError, match=None if kind else complaint) as caught:
        frameworks.create(broken)
    assert isinstance(caught.value, UnavailableError) == (kind is None)


def _with_plugins(code: str, plugins: Path) -> str:
    env = {"PYTHONPATH": f"{ROOT}:{plugins}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_entry_point_adds_a_framework():
    code = "from bench import frameworks as f; print(*f.catalogue(), f.named('slow').title)"
    printed = _with_plugins(code, ROOT / "tests" / "plugins")
    assert "slow" in printed
    assert "a framework that is slow" in printed


PLUGINS = {  # name of the entry point → what it names, and what is said of it
    "nowhere": ("nowhere:framework", "cannot be loaded: No module named 'nowhere'"),
    "raises": ("plugins_raises:it", "cannot be loaded: no such luck; uninstall or repair it"),
    "again": ("plugins_wrong:again", "declares the framework 'torch', which exists already"),
    "torch": ("plugins_wrong:again", "declares the framework 'torch', which exists already"),
    "dotted": ("plugins_wrong:dotted", "'torch.compile': a name is of letters, digits, - and _"),
    "thing": ("plugins_wrong:thing", "it declares 'a thing', and not a Framework"),
}


@pytest.fixture
def plugins(monkeypatch, tmp_path):
    """Entry points that are wrong, each in its own way, and one that is right."""
    (tmp_path / "plugins_raises.py").write_text("raise OSError('no such luck')\n")
    (tmp_path / "plugins_wrong.py").write_text(
        "from dataclasses import replace\n"
        "from impls.torch.framework import FRAMEWORK as again\n"
        "dotted = replace(again, name='torch.compile')\n"
        "fine = replace(again, name='fine')\n"
        "thing = 'a thing'\n"
    )
    info = tmp_path / "wrong-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wrong\nVersion: 1.0\n")
    points = "".join(f"{name} = {target}\n" for name, (target, _) in PLUGINS.items())
    (info / "entry_points.txt").write_text(
        f"[{frameworks.GROUP}]\n{points}fine = plugins_wrong:fine\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("plugins_raises", "plugins_wrong"):
        sys.modules.pop(name, None)


def test_a_wrong_entry_point_is_a_row_with_its_reason_and_the_others_are_there(plugins):
    known = frameworks.catalogue()
    assert known["fine"].fault == ""
    assert known["torch"].fault == ""
    for point, (target, complaint) in PLUGINS.items():
        row = "torch-2" if point == "torch" else point
        of = frameworks.named(row)
        assert of.name == row
        assert not of.default
        said = frameworks.missing(of)
        assert said.startswith(f"the entry point {point!r} ({target}) is wrong: ")
        assert complaint in said
        assert frameworks.version(of) is None
        with pytest.raises(UnavailableError, match=re.escape(complaint)):
            frameworks.create(of)
    assert "plugins_raises" not in frameworks.entry_modules(known["fine"])


TOY = """
from bench.frameworks import Framework

FRAMEWORK = Framework(
    name="toy",
    title="Toy",
    adapter="impls.toy.adapter:Toy",
    version="numpy",
    modules=("numpy",),
    install="pip install toy",
)
"""


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """A folder beside those of the other frameworks, and nothing else."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "framework.py").write_text(TOY)
    (folder / "adapter.py").write_text(
        "from impls.reference.adapter import ReferenceAdapter as Toy\n"
    )
    places = [*impls.__path__, str(tmp_path)]
    monkeypatch.setattr(impls, "__path__", places)
    monkeypatch.setattr(impls.__spec__, "submodule_search_locations", places)
    kept = (registry.built_in, registry._own_declarations)
    for cached in kept:
        cached.cache_clear()
    yield folder
    for cached in kept:
        cached.cache_clear()
    for name in [name for name in sys.modules if name.startswith("impls.toy")]:
        del sys.modules[name]


def test_a_folder_is_all_that_a_new_framework_takes(toy):
    assert "toy" in frameworks.catalogue()
    found = frameworks.named("toy")
    assert frameworks.missing(found) is None
    assert frameworks.create(found).devices() == ("cpu",)
    assert any(file.parent.name == "toy" for file in examined_files(found))
    planned = plan.make({"frameworks": ("toy", "torch")}, AvailableImages(1797, 0, 1, 10, None))
    assert {cell.framework for cell in planned.cells()} == {"toy", "torch"}


def test_an_adapter_of_an_earlier_contract_is_told_what_it_lacks(toy):
    (toy / "adapter.py").write_text("class Toy:\n    def devices(self): return ('cpu',)\n")
    with pytest.raises(UnavailableError) as refused:
        frameworks.create(frameworks.named("toy"))
    told = str(refused.value)
    assert told.startswith("the adapter of Toy has no build, compile, compiled_since, export, ")
    assert "begin with bench.contract.AdapterBase" in told


def test_the_names_of_frameworks_stand_in_their_folders():
    """And in help that gives examples: where a list names them, a new one would be forgotten."""
    known = "|".join(f'"{one.name}"' for one in frameworks.built_in() if one.default)
    listed = re.compile(rf"({known})\W+({known})")
    for package in ("bench", "report"):
        for file in (ROOT / package).rglob("*.py"):
            assert not listed.search(file.read_text()) or file.name == "palette.py", file
