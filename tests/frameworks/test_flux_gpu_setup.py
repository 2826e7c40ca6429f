"""Flux on a GPU without one: what is looked at, what is fetched and when, what is said.

The driver is a library of a few lines of C, Julia a script that notes what it is asked; juliapkg,
its files and what is read of them are real.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import frameworks
from bench.cli.commands import setup as command
from bench.errors import BenchError, UsageError
from bench.execution import ChildProcess
from bench.execution.device_listing import Answer
from impls._julia import toolchain
from impls.flux import cuda
from impls.flux.toolchain import JULIA as TOOLCHAIN

from .test_flux_setup import MANIFEST

ROOT = Path(__file__).parents[2]
JULIA_FILES = ROOT / "impls" / "flux" / cuda.PACKAGE
COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler (cc) on the PATH")
needs_juliapkg = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("juliapkg", "juliacall")),
    reason="juliacall is not installed: pip install 'lenet-bench[flux]'",
)
DRIVER = """
int cuDriverGetVersion(int *version) {{ *version = {version}; return 0; }}
int cuInit(unsigned flags) {{ return {begun}; }}
int cuDeviceGetCount(int *count) {{ *count = {count}; return 0; }}
"""
JULIA = r"""#!/bin/sh
[ "$1" = --version ] && echo "julia version 1.10.8" && exit
printf '%s\n' "$*" >> "$NOTES"
project=${1#--project=}
case "$*" in
  *dlpath*) printf '/lib/libjulia.so\0/bin' ;;
  *Pkg.add*CUDA*) [ -z "$NO_NETWORK" ] || exit 1
    cat "$MANIFESTS/Manifest.toml" "$MANIFESTS/CUDA.toml" > "$project/Manifest.toml" ;;
  *Pkg.add*) cp "$MANIFESTS/Manifest.toml" "$project" ;;
  *) [ -z "$NO_START" ] || exit 1 ;;
esac
"""
OF_CUDA = """
[[deps.CUDA]]
uuid = "052768ef-5323-5732-b1bb-66c8b64840ba"
version = "5.11.3"

[[deps.cuDNN]]
uuid = "02a925ec-e4fe-4b08-9a7e-0d78e3d38ccd"
version = "1.4.6"
"""
FITTING = {"CUDA": "5.11.3", "cuDNN": "1.4.6", "Flux": "0.16.9"}


def _driver(folder: Path, version: int = 13000, count: int = 1, begun: int = 0) -> Path:
    source, library = folder / "driver.c", folder / cuda.DRIVER
    source.write_text(DRIVER.format(version=version, count=count, begun=begun))
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, source], check=True)
    return library


@needs_compiler
@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({}, None),
        ({"count": 0}, "sees no GPU: see nvidia-smi and CUDA_VISIBLE_DEVICES"),
        ({"begun": cuda.NO_DEVICE}, "sees no GPU"),
        ({"begun": 999}, r"does not start \(error 999\)"),
        ({"version": 11080}, "is for CUDA 11.8 and CUDA.jl needs one for 12"),
    ],
)
def test_a_driver_is_asked_for_what_it_has(tmp_path, monkeypatch, how, complaint):
    monkeypatch.setattr(cuda, "DRIVER", str(_driver(tmp_path, **how)))
    found = cuda.driver_complaint()
    if complaint is None:
        assert found is None
    else:
        with pytest.raises(BenchError, match=complaint):
            raise BenchError(found)


def test_without_a_driver(monkeypatch):
    monkeypatch.setattr(cuda, "DRIVER", "libcuda-that-is-not-here.so")
    assert "no driver of NVIDIA's is here" in cuda.driver_complaint()


@pytest.mark.parametrize(
    ("there", "complaint"),
    [
        ({}, None),
        ({"CUDA": "5.8.0", "cuDNN": "1.4.3"}, None),
        ({"CUDA": "5.7.3"}, "has no CUDA 5.8 (5.7.3 is there):"),
        ({"CUDA": "6.0.0", "cuDNN": None}, "has no CUDA 5.8 (6.0.0 is there) and no cuDNN 1.4:"),
        ({"cuDNN": "1.3.2"}, "has no cuDNN 1.4 (1.3.2 is there):"),
    ],
)
def test_packages_are_read_with_their_versions(there, complaint):
    versions = {name: version for name, version in (FITTING | there).items() if version}
    found = cuda.absent([versions])
    assert found is None if complaint is None else complaint in found


def test_the_packages_fit_those_of_the_julia_package():
    """One bound in two places: what is fetched, and what our package of Julia's says it needs."""
    project = tomllib.loads((JULIA_FILES / "Project.toml").read_text())
    for name, (uuid, bound) in cuda.PACKAGES.items():
        assert project["deps"][name] == uuid
        assert project["compat"][name] == bound
    ours = tomllib.loads((ROOT / "impls/flux/LenetBenchFlux/Project.toml").read_text())
    assert project["deps"][ours["name"]] == ours["uuid"]
    asked = json.loads((ROOT / "impls/juliapkg.json").read_text())
    assert not asked["packages"].keys() & cuda.PACKAGES.keys(), "CUDA where nobody asked for it"


def test_float32_is_held_before_any_library_is_loaded():
    assert toolchain.settings({})["NVIDIA_TF32_OVERRIDE"] == "0"


@pytest.mark.parametrize("given", ["auto", "", "gpu,auto"])
def test_devices_of_a_setup_are_named(given):
    with pytest.raises(UsageError, match="give cpu, gpu or cpu,gpu"):
        command.setup("flux", ChildProcess(), given)


def test_a_framework_whose_gpu_build_comes_from_pip(capsys):
    assert command.setup("reference", ChildProcess(), "gpu") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"For a GPU: {frameworks.named('reference').for_gpu}" in printed


@pytest.mark.parametrize(
    ("answer", "asked", "outcome"),
    [
        (Answer(devices=("cpu",), versions={"julia": "1.11", "flux": "0.16"}), "cpu", 0),
        (Answer(devices=("cpu", "gpu"), versions={"julia": "1.11"}), "cpu,gpu", 0),
        (Answer(devices=(), versions={}, reason="it broke"), "cpu", "Flux.jl does not start: it b"),
        (Answer(devices=("cpu",), versions={}), "gpu", "Flux.jl starts and sees no GPU: no driver"),
    ],
    ids=["cpu", "gpu", "broken", "no GPU"],
)
def test_what_a_setup_says(answer, asked, outcome, capsys, monkeypatch):
    done = []
    tools = SimpleNamespace(
        expected=lambda devices: "2 GB" * ("gpu" in devices),
        setup=done.append,
        gpu_missing=lambda: "no driver",
    )
    free = iter((5_200_000_000, 4_000_000_000))
    monkeypatch.setattr(frameworks, "toolchain", lambda framework: tools)
    monkeypatch.setattr(frameworks, "absent_modules", lambda framework: None)
    monkeypatch.setattr(command, "_free_bytes", lambda: next(free))
    monkeypatch.setattr(command.device_listing, "probe", lambda *given: answer)
    if isinstance(outcome, str):
        with pytest.raises(BenchError, match=re.escape(outcome)):
            command.setup("flux", ChildProcess(), asked)
        return
    assert command.setup("flux", ChildProcess(), asked) == outcome
    assert done == [tuple(asked.split(","))]
    assert capsys.readouterr().out.splitlines() == [
        f"Flux.jl: {'2 GB' if 'gpu' in asked else 'nothing is to be fetched'}",
        "Starting it once, in which what is new gets compiled: up to some minutes",
        f"Flux.jl is ready: {', '.join(' '.join(one) for one in answer.versions.items())}",
        "0 s, 1.2 GB less room on the disk",
    ]


def test_a_named_project_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(cuda, "driver_complaint", lambda: None)
    monkeypatch.setattr(toolchain.importlib.metadata, "version", lambda name: "0.9.34")
    monkeypatch.setenv(toolchain.EXE, sys.executable)
    monkeypatch.setenv(toolchain.PROJECT, str(tmp_path))
    manifest = tmp_path / "Manifest.toml"
    manifest.write_text(MANIFEST.format(flux="0.16.9", python_call="0.9.34"))
    with pytest.raises(BenchError, match=r"lacks .*: Pkg.add CUDA 5.8 and cuDNN 1.4 there"):
        TOOLCHAIN.setup(("gpu",))
    assert TOOLCHAIN.missing() is None
    assert [*tmp_path.iterdir()] == [manifest]


@dataclass
class Machine:
    """A virtual environment with juliapkg, for which Julia is the script."""

    folder: Path
    python: Path
    environment: dict[str, str]

    @property
    def project(self) -> Path:
        return self.folder / "venv" / "julia_env"

    def ask(self, expression: str, **more: str) -> str:
        """What is printed of an expression with `JULIA`, or of the BenchError that it raises."""
        (told,) = self.ask_together(expression, **more)
        return told

    def ask_together(self, *expressions: str, **more: str) -> list[str]:
        """As `ask`, of one after the other in one process, which knows what it did before."""
        code = (
            "import json\nfrom bench.errors import BenchError\n"
            "from impls.flux.toolchain import JULIA\ntold = []\n"
            + "".join(
                f"try:\n    told.append(str({expression}))\n"
                "except BenchError as error:\n    told.append(f'refused: {error}')\n"
                for expression in expressions
            )
            + "print('\\n->', json.dumps(told))"
        )
        done = subprocess.run(
            [self.python, "-c", code],
            cwd=ROOT,
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told: list[str] = json.loads(done.stdout.rpartition("\n-> ")[2])
        return told

    def notes(self) -> str:
        """What Julia has been asked."""
        return (self.folder / "notes").read_text()

    def files(self) -> dict[str, bytes]:
        """The project's, with their content; not when juliapkg looked at them."""
        found = (file for file in self.project.rglob("*") if file.is_file())
        return {file.name: file.read_bytes() for file in found if file.suffix != ".pid"}


@pytest.fixture
def machine(tmp_path):
    venv.create(tmp_path / "venv", with_pip=False)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    others = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "others.pth").write_text("\n".join(others))
    julia = tmp_path / "julia"
    julia.write_text(JULIA)
    julia.chmod(0o755)
    (tmp_path / "notes").touch()
    manifest = MANIFEST.format(flux="0.16.9", python_call="0.9.34")
    (tmp_path / "Manifest.toml").write_text(manifest)
    (tmp_path / "CUDA.toml").write_text(OF_CUDA)
    _driver(tmp_path)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {
        **kept,
        "PYTHON_JULIAPKG_EXE": str(julia),
        "NOTES": str(tmp_path / "notes"),
        "MANIFESTS": str(tmp_path),
        "LD_LIBRARY_PATH": str(tmp_path),
    }
    found = Machine(tmp_path, tmp_path / "venv" / "bin" / "python", environment)
    assert found.ask("JULIA.setup()") == "None"
    return found


@needs_compiler
@needs_juliapkg
class TestSetup:
    """`JULIA.setup` in an environment in which Flux was set up for the CPU."""

    def test_nothing_of_cuda_is_fetched_unasked(self, machine):
        assert "Flux" in machine.notes()
        assert "CUDA" not in machine.notes()
        missing, gpu_missing = machine.ask_together("JULIA.missing()", "JULIA.gpu_missing()")
        assert missing == "None"
        assert "has no CUDA 5.8 and no cuDNN 1.4" in gpu_missing
        assert cuda.HELP in gpu_missing

    def test_it_is_fetched_once_and_started(self, machine):
        before, expected = machine.ask_together("JULIA.locked()", "JULIA.expected(('gpu',))")
        assert expected == cuda.EXPECTED
        assert machine.ask("JULIA.setup(('gpu',))") == "None"
        for name, (uuid, bound) in cuda.PACKAGES.items():
            assert f'name="{name}", uuid="{uuid}"' in machine.notes()
            project = tomllib.loads(machine.files()["Project.toml"].decode())
            assert project["compat"][name] == f"^{bound}"
        *found, locked = machine.ask_together(
            *("JULIA.gpu_missing()", "JULIA.missing()", "JULIA.version()"),
            *("JULIA.expected(('gpu',))", "JULIA.locked()"),
        )
        assert found == ["None", "None", "0.16.9", "None"]
        assert locked != before, "certificates of other packages"
        started = machine.notes().splitlines()[-1]
        assert started.endswith(f"{Path(cuda.__file__).parent} {cuda.PACKAGE}")

        asked = machine.notes().count("Pkg.add")
        for devices in (("gpu",), ("cpu",), ("cpu", "gpu")):
            assert machine.ask(f"JULIA.setup({devices})") == "None"
        assert machine.notes().count("Pkg.add") == asked
        assert machine.ask("JULIA.gpu_missing()") == "None"

    def test_without_a_network_all_is_as_it_was(self, machine):
        before = machine.files()
        told = machine.ask("JULIA.setup(('gpu',))", NO_NETWORK="1")
        assert told.startswith("refused: CUDA.jl could not be fetched: ")
        assert "CUDA" in machine.notes()
        assert machine.files() == before
        assert machine.ask("JULIA.missing()") == "None", "Flux on the CPU was lost"
        assert machine.ask("JULIA.setup(('gpu',))") == "None", "it cannot be begun again"

    def test_offline_is_told_and_all_is_as_it_was(self, machine):
        before = machine.files()
        told = machine.ask("JULIA.setup(('gpu',))", PYTHON_JULIAPKG_OFFLINE="yes")
        assert told == "refused: PYTHON_JULIAPKG_OFFLINE=yes lets nothing be fetched"
        assert machine.files() == before
        assert machine.ask("JULIA.missing()") == "None"

    def test_without_a_driver_nothing_is_fetched(self, machine):
        asked = machine.notes()
        told = machine.ask("JULIA.setup(('gpu',))", LD_LIBRARY_PATH="")
        assert told.startswith("refused: nothing was fetched: no driver of NVIDIA's is here")
        assert machine.notes() == asked

    def test_a_start_that_fails_is_told(self, machine):
        told = machine.ask("JULIA.setup(('gpu',))", NO_START="1")
        assert told.startswith("refused: CUDA.jl and cuDNN are here and do not start")
        assert machine.ask("JULIA.setup(('gpu',))") == "None"
