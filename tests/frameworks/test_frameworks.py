"""The catalogue, and frameworks that third parties bring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import frameworks
from bench.errors import UnavailableError, UnknownNameError

ROOT = Path(__file__).resolve().parents[2]


def test_the_built_in_ones():
    assert list(frameworks.catalogue())[:5] == ["torch", "keras", "flax", "flux", "reference"]


def test_a_misspelt_name_gets_a_hint():
    with pytest.raises(UnknownNameError) as caught:
        frameworks.named("pytroch")
    assert "choose from torch, keras, flax, flux, reference" in str(caught.value)
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


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("nowhere:framework", "cannot be loaded: No module named 'nowhere'"),
        ("clash:it", "exists already"),
    ],
)
def test_a_wrong_entry_point_is_named(tmp_path, target, complaint):
    (tmp_path / "clash.py").write_text("from bench.frameworks import BUILT_IN\nit = BUILT_IN[0]\n")
    info = tmp_path / "wrong-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wrong\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{frameworks.GROUP}]\nwrong = {target}\n")
    code = (
        "from bench import errors, frameworks\n"
        "try:\n    frameworks.catalogue()\n"
        "except errors.BenchError as error:\n    print(error)\n"
    )
    printed = _with_plugins(code, tmp_path)
    assert "'wrong'" in printed
    assert complaint in printed
