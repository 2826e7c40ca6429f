"""Releases of a package of the tests' own, which the NumPy reference is said to be made of."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.frameworks import Package, registry
from bench.gate.releases import environments
from tests.gate.releases.index import Index, wheel

TINY = Package("tinynumbers", "1.0")
SAME = ("1.0", "1.1", "1.2")  # nothing but their versions differs
SLOW = ("1.3", "1.4")  # every call of a function takes longer
BROKEN = "1.5"  # wants what is not there
LARGE, LARGE_BYTES = "2.1", 1_000_000
# What an interpreter runs when it starts: where the packages of the worker are, which are not in
# this index; and what makes a release slow.
WORKERS_PACKAGES = f"{sysconfig.get_paths()['purelib']}\n"
SLOW_CODE = """
import sys


def _look(*_):
    sum(range(99))


sys.setprofile(_look)
"""
SLOWNESS = {"tiny_slowness.pth": "import tiny_slowness\n", "tiny_slowness.py": SLOW_CODE}


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    common = {"tiny_place.pth": WORKERS_PACKAGES}
    for version in SAME:
        wheel(folder, TINY.name, version, common)
    for version in SLOW:
        wheel(folder, TINY.name, version, {**common, **SLOWNESS})
    wheel(folder, TINY.name, BROKEN, needs=["tinyabsent>=1"])
    wheel(folder, TINY.name, "1.6", tag="py3-none-win_arm64")
    wheel(folder, TINY.name, "2.0", common, needs=["tinycompanion>=2"])
    wheel(folder, TINY.name, LARGE, {"tinynumbers/large.txt": "x" * LARGE_BYTES})
    for version in ("1.0", "2.0"):
        wheel(folder, "tinycompanion", version)
    return folder


@pytest.fixture
def index(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The index, and this process set up to use it alone; caches are the test's own."""
    of_pip = [name for name in os.environ if name.startswith("PIP_")]
    for name in of_pip:
        monkeypatch.delenv(name)
    with Index(wheels).served() as served:
        monkeypatch.setenv("PIP_INDEX_URL", served.url)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("LENET_BENCH_CACHE", str(tmp_path / "cache"))
        yield served


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Package:
    """The reference is made of the package; all else that a worker needs is here already."""
    declared = [
        replace(one, packages=(TINY,)) if one.name == "reference" else one
        for one in registry.built_in()
    ]
    monkeypatch.setattr(registry, "built_in", lambda: tuple(declared))
    monkeypatch.setattr(environments, "OF_WORKER", ())
    return TINY
