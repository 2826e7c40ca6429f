"""Environments of releases: whole or not at all, and with the same packages as far as that goes."""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench import frameworks
from bench.errors import BenchError
from bench.execution.examined_files import WORKER
from bench.frameworks import Package
from bench.gate.releases import environments, pip
from bench.gate.releases.packages import Subject
from bench.system.import_closure import import_closure
from tests.gate.releases.conftest import BROKEN, LARGE, LARGE_BYTES, TINY

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ALONE = Subject(TINY, ("reference",), ())


def _floors(requirements: list[str]) -> dict[str, str]:
    """The least version that is asked for, by name."""
    found = {}
    for one in map(Requirement, requirements):
        found[one.name] = next((s.version for s in one.specifier if s.operator == ">="), "")
    return found


# What is declared


def test_packages_are_those_of_the_extras():
    extras = {name: _floors(of) for name, of in PROJECT["optional-dependencies"].items()}
    declared = {
        name.replace(":", "-"): one
        for name, one in frameworks.with_variants().items()
        if one.packages and not one.is_mode
    }
    assert {"torch", "keras", "keras-jax", "keras-torch", "flax", "equinox"} <= declared.keys()
    for name, one in declared.items():
        builds = {other for package in one.packages for _, other in package.builds}
        own = {package.name: package.least for package in one.packages}
        names = {other.partition("[")[0] for other in builds}
        assert {k: v for k, v in extras[name].items() if k not in names - own.keys()} == own


def test_a_worker_finds_what_it_imports():
    """Every package that its code imports, but those of frameworks."""
    modules = import_closure([WORKER, "impls.reference.adapter"], ("bench", "impls"))
    installed = importlib.metadata.packages_distributions()
    needed = set()
    for module in modules.values():
        if module.file and "impls" not in module.name.replace("impls.reference", ""):
            for line in module.file.read_text().splitlines():
                words = line.split()
                if words[:1] in (["import"], ["from"]) and len(words) > 1:
                    needed |= {*installed.get(words[1].partition(".")[0], ())}
    of_worker = {one.name: one.least for one in environments.OF_WORKER}
    # pydantic brings its core; rich shows downloads, of which a worker has none.
    needed = {name.lower() for name in needed} - {"lenet-bench", "pydantic_core", "rich"}
    assert needed <= of_worker.keys()
    assert {"numpy", "pydantic"} <= needed
    floors = _floors(PROJECT["dependencies"])
    assert of_worker == {name: floors[name] for name in of_worker}


def test_what_is_asked_of_pip():
    """The same other packages for all releases; or, where these do not go with one, any later."""
    subject = Subject(Package("torch", "2.9"), ("keras:torch",), (Package("numpy", "2.0"),))
    every = (*subject.others, *environments.OF_WORKER)
    here = environments.requirements(subject, "2.9.1", here=every)
    assert here[:2] == ["torch==2.9.1", f"numpy=={importlib.metadata.version('numpy')}"]
    assert environments.requirements(subject, "2.9.1", here=())[:2] == [
        "torch==2.9.1",
        "numpy>=2.0",
    ]
    absent = Subject(Package("torch", "2.9"), (), (Package("no-such-package", "7"),))
    assert "no-such-package>=7" in environments.requirements(absent, "2.9", here=absent.others)
    held = Subject(subject.package, (), subject.others, ("NumPy==2.1", "ml_dtypes<1"))
    for of in (every, ()):
        asked = environments.requirements(held, "2.9.1", here=of)
        assert (asked[1], asked[-1]) == ("NumPy==2.1", "ml_dtypes<1")


# Whole or not at all, with pip's part done here


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Folders where pip would have made environments; what it is asked for is noted."""
    monkeypatch.setenv("LENET_BENCH_CACHE", str(tmp_path))
    folders, asked = [], []

    def make(folder):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()
        folders.append(folder)
        return folder / "bin" / "python"

    monkeypatch.setattr(pip, "make_environment", make)
    monkeypatch.setattr(pip, "install", lambda python, wanted, cache: asked.append(wanted))
    return folders, asked


def test_an_environment_is_made_once(made):
    folders, asked = made
    first = environments.install(ALONE, "1.0")
    assert environments.install(ALONE, "1.0") == first
    assert environments.installed(ALONE, "1.0") == first
    assert environments.installed(ALONE, "1.1") is None
    assert environments.versions_installed(ALONE) == ("1.0",)
    assert (len(folders), len(asked)) == (1, 1)


@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt(), pip.NoRoomError("full"), pip.PipError("no such release")]
)
def test_what_is_not_installed_to_the_end_is_not_there(made, monkeypatch, raised):
    folders, _ = made

    def fail(*_):
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr(pip, "install", fail)
        with pytest.raises(type(raised)):
            environments.install(ALONE, "1.0")
    assert not folders[0].exists()
    assert environments.installed(ALONE, "1.0") is None
    environments.install(ALONE, "1.0")
    assert environments.installed(ALONE, "1.0") is not None


def test_what_a_killed_installation_left_is_removed_first(made):
    folders, _ = made
    environments.install(ALONE, "1.0")
    (folders[0] / environments.COMPLETE).unlink()
    (folders[0] / "half").touch()
    assert environments.versions_installed(ALONE) == ()
    environments.install(ALONE, "1.0")
    assert len(folders) == 2
    assert not (folders[0] / "half").exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '"x"', "\x00"])
def test_a_last_file_that_says_nothing_counts_as_none(made, text):
    folders, _ = made
    environments.install(ALONE, "1.0")
    (folders[0] / environments.COMPLETE).write_text(text)
    assert environments.installed(ALONE, "1.0") is None


def test_two_installations_wait_for_each_other(made, tmp_path):
    place = tmp_path / "releases"
    place.mkdir()
    held = os.open(place / environments.LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    told = []

    def waiting():
        told.append("waiting")
        os.close(held)  # the other one is done

    environments.install(ALONE, "1.0", waiting=waiting)
    assert told == ["waiting"]


def test_a_folder_that_cannot_be_written_to(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LENET_BENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(BenchError, match="LENET_BENCH_CACHE names another folder"):
        environments.install(ALONE, "1.0")


# With pip itself, from an index on the loopback


@pytest.mark.long
def test_what_an_index_has(index):
    assert set(pip.released(TINY.name)) == {"1.0", "1.1", "1.2", "1.3", "1.4", BROKEN, "2.0", LARGE}
    with pytest.raises(pip.PipError, match="pip finds no release of tinyabsent"):
        pip.released("tinyabsent")


@pytest.mark.long
def test_an_index_that_cannot_be_reached(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(pip.NoNetworkError, match=r"cannot reach .* releases of tinynumbers"):
        pip.released(TINY.name)
    monkeypatch.setattr(environments, "OF_WORKER", ())
    with pytest.raises(pip.NoNetworkError, match=r"tinynumbers==1\.0 cannot be installed, pip can"):
        environments.install(ALONE, "1.0")
    assert environments.installed(ALONE, "1.0") is None


@pytest.mark.long
def test_releases_are_installed_side_by_side(index, monkeypatch):
    monkeypatch.setattr(environments, "OF_WORKER", ())
    one, other = (environments.install(ALONE, version) for version in ("1.0", "1.3"))
    assert one.packages == {"tinynumbers": "1.0"}
    assert (other.version("tinynumbers"), other.version("pip")) == ("1.3", None)
    assert one.python.exists()
    assert one.python != other.python
    assert environments.versions_installed(ALONE) == ("1.0", "1.3")
    with pytest.raises(pip.PipError, match=r"tinynumbers==1\.5 cannot be installed") as refused:
        environments.install(ALONE, BROKEN)
    assert "tinyabsent" in str(refused.value)
    assert environments.versions_installed(ALONE) == ("1.0", "1.3")


@pytest.mark.long
def test_other_packages_change_only_where_they_must(index, monkeypatch):
    companion = Package("tinycompanion", "1.0")
    subject = Subject(TINY, ("reference",), (companion,))
    monkeypatch.setattr(environments, "OF_WORKER", ())
    monkeypatch.setattr(environments, "installed_here", lambda name: "1.0")
    assert environments.install(subject, "1.0").version("tinycompanion") == "1.0"
    assert environments.install(subject, "2.0").version("tinycompanion") == "2.0"


@pytest.mark.long
def test_a_full_disk_ends_an_installation_and_leaves_nothing(index, full_disk, monkeypatch):
    monkeypatch.setattr(environments, "OF_WORKER", ())
    folder = full_disk(LARGE_BYTES // 2, 0)
    monkeypatch.setenv("LENET_BENCH_CACHE", str(folder))
    with pytest.raises(pip.NoRoomError, match=r"the disk is full at .*LENET_BENCH_CACHE"):
        environments.install(ALONE, LARGE)
    assert not list((folder / "releases").rglob("tinynumbers-*"))
