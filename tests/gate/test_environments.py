"""Which commands make the environment of a revision; none of them runs here."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from bench.errors import BenchError
from bench.gate import environments

PROJECT = '[project]\nname = "x"\n[project.optional-dependencies]\ntorch = []\nreport = []\n'
QUIET = ("--quiet", "--disable-pip-version-check", "--no-input")


@pytest.fixture
def ran(monkeypatch):
    """Notes what is run, with what; all of it succeeds but what `fails` names."""
    calls = []
    noted = SimpleNamespace(calls=calls, fails=None, error=None)

    def run(command, **how):
        calls.append((command, how))
        if noted.error:
            raise noted.error
        code = int(noted.fails in command)
        return SimpleNamespace(returncode=code, stderr="".join(f"line {n}\n" for n in range(20)))

    found = SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(environments, "subprocess", found)
    return noted


@pytest.mark.parametrize("below", ["", "packages/one"])
@pytest.mark.parametrize("lock", [None, "", "packages", "packages/one"])
def test_a_project_is_installed_with_its_extras_and_the_nearest_versions(
    tmp_path, ran, monkeypatch, below, lock
):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    checkout = tmp_path / "checkout"
    project, folder = checkout / below, tmp_path / "environment"
    (checkout / "packages/one").mkdir(parents=True)
    (project / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "constraints.txt").touch()  # of no revision
    if lock is not None:
        (checkout / lock / "constraints.txt").touch()
    found = lock is not None and project.is_relative_to(checkout / lock)
    python = environments.build(checkout, project, folder, ("torch:compile", "torch", "flax"))
    assert python == folder / "bin" / "python"
    versions = ("-c", str(checkout / lock / "constraints.txt")) if found else ()
    wanted = ("-e", f"{project}[torch]")
    (made, how), (installed, _) = ran.calls
    assert made == [sys.executable, "-m", "venv", str(folder)]
    assert installed == [str(python), "-m", "pip", "install", *QUIET, *versions, *wanted]
    assert (how["cwd"], how["timeout"]) == (project, environments.INSTALL_LIMIT_S)
    assert "PYTHONPATH" not in how["env"]


@pytest.mark.parametrize("text", [None, "no TOML", "project = 3", '[project]\nname = "x"\n'])
def test_without_extras_that_can_be_read_the_project_alone(tmp_path, ran, text):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    environments.build(tmp_path, tmp_path, tmp_path / "environment", ("torch",))
    assert ran.calls[1][0][-2:] == ["-e", str(tmp_path)]


def test_what_fails_is_told(tmp_path, ran):
    given = (tmp_path, tmp_path, tmp_path / "environment", ())
    ran.fails = "pip"
    with pytest.raises(BenchError) as failed:
        environments.build(*given)
    assert str(failed.value) == "\n    ".join(
        (
            f"the environment for {tmp_path.name} cannot be made:",
            *(f"line {number}" for number in range(8, 20)),
        )
    )
    ran.error = subprocess.TimeoutExpired("pip", 1)
    with pytest.raises(BenchError, match=r"^\['-m', 'venv', '.*'\] took over 3600 s$"):
        environments.build(*given)
    with pytest.raises(BenchError, match=r"^this revision has no folder packages/two$"):
        environments.build(tmp_path, tmp_path / "packages/two", given[2], ())
