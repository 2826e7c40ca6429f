"""What a person gets from `pip install`: everything that the program reads, and it runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from bench import frameworks
from bench.execution.examined_files import examined_files

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("bench", "impls", "report")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info")
ABSENT = [name for name in ("pip", "setuptools") if importlib.util.find_spec(name) is None]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
ALONE = ("--no-deps", "--no-index")
pytestmark = pytest.mark.skipif(
    bool(ABSENT), reason=f"a wheel cannot be built here without {', '.join(ABSENT)}"
)


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _sources(root: Path) -> set[str]:
    return {
        file.relative_to(root).as_posix()
        for package in PACKAGES
        for file in (root / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def _build(source: Path, target: Path) -> Path:
    _run(*PIP, "wheel", *ALONE, "--no-build-isolation", "-w", target, source, cwd=source)
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is built from: setuptools leaves files beside its sources."""
    copy = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, copy / package, ignore=NOT_COPIED)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / file, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(source, tmp_path_factory.mktemp("wheel"))


def _held(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel, source):
    held = _held(wheel)
    assert held == _sources(source)
    for needed in (
        "impls/juliapkg.json",
        "impls/_julia/LenetBenchJulia/src/LenetBenchJulia.jl",
        "impls/flux/LenetBenchFlux/Project.toml",
        "impls/flux/LenetBenchFlux/src/LenetBenchFlux.jl",
        "report/formats/templates/report.md.j2",
    ):
        assert needed in held


def test_a_file_that_the_build_does_not_know_is_noticed(source, tmp_path):
    changed = tmp_path / "source"
    shutil.copytree(source, changed, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    (changed / "impls" / "flux" / "LenetBenchFlux" / "Extra.toml").write_text("")
    assert _sources(changed) - _held(_build(changed, tmp_path)) == {
        "impls/flux/LenetBenchFlux/Extra.toml"
    }


@pytest.mark.long
def test_an_installed_wheel_runs(wheel, tmp_path):
    """In an environment of its own, which finds the other packages where this one has them."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    _run(*PIP, "--python", python, "install", *ALONE, wheel, cwd=tmp_path)
    where = Path(_run(python, "-c", "import bench; print(bench.__file__)", cwd=tmp_path).strip())
    assert folder in where.parents
    others = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (where.parents[1] / "others.pth").write_text("\n".join(others) + os.linesep)
    listed = _run(python, "-m", "bench", "list", cwd=tmp_path)
    for name in ("torch", "keras", "flax", "flux", "mnist", "lenet5"):
        assert name in listed
    code = (
        "from bench import frameworks; from bench.execution.examined_files import examined_files; "
        "print(*examined_files(frameworks.named('flux')), sep='\\n')"
    )
    examined = _run(python, "-c", code, cwd=tmp_path).splitlines()
    ours = examined_files(frameworks.named("flux"))
    assert {Path(file).relative_to(where.parents[1]) for file in examined} == {
        file.relative_to(REPOSITORY) for file in ours
    }
