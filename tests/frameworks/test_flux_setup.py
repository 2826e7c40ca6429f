"""Flux without Julia: whether it can be had, what is said where it cannot, what Julia is told."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import impls
from bench import frameworks
from bench.cli.commands import setup as command
from bench.contract import Conv, Dense, Flatten, ModelOptions, ModelSpec, Pool
from bench.errors import BenchError, UnavailableError
from bench.execution import ChildProcess
from bench.system import environment
from bench.workload.models import lenet5
from bench.workload.order import initial_parameters
from impls._julia import layout, toolchain
from impls.flux.toolchain import FLUX as BOUND
from impls.flux.toolchain import JULIA

MANIFEST = """
julia_version = "1.10.8"
manifest_format = "2.0"

[[deps.Flux]]
uuid = "587475ba-b771-5e3f-ad9e-33799f191a9c"
version = "{flux}"

[[deps.Libdl]]
uuid = "8f399da3-3557-5675-b5ff-fb832c97cbdb"

[[deps.PythonCall]]
uuid = "6099a3de-0909-46bc-b1f4-468b9a2dfc0d"
version = "{python_call}"
"""
FLUX = frameworks.named("flux")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    """A machine with juliacall, on which nobody has named a Julia."""
    monkeypatch.delenv(toolchain.EXE, raising=False)
    monkeypatch.delenv(toolchain.PROJECT, raising=False)
    monkeypatch.setattr(toolchain.importlib.metadata, "version", lambda name: "0.9.34")
    monkeypatch.setattr(frameworks.registry, "_is_importable", lambda module: True)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A named executable and a named project, whose manifest is still to be written."""
    exe = tmp_path / "julia"
    exe.write_text("#!/bin/sh\n")
    exe.chmod(0o755)
    monkeypatch.setenv(toolchain.EXE, str(exe))
    monkeypatch.setenv(toolchain.PROJECT, str(tmp_path))
    return tmp_path


def _juliapkg(monkeypatch, resolve):
    monkeypatch.setitem(sys.modules, "juliapkg", SimpleNamespace(resolve=resolve))


def test_without_juliacall(monkeypatch):
    monkeypatch.setattr(frameworks.registry, "_is_importable", lambda module: False)
    expected = "juliacall is not installed: pip install 'lenet-bench[flux]'"
    assert frameworks.missing(FLUX) == expected
    with pytest.raises(BenchError, match="juliacall is not installed"):
        command.setup("flux", ChildProcess())


def test_without_julia_the_command_that_would_help_is_told_and_nothing_is_fetched(monkeypatch):
    asked = []
    _juliapkg(monkeypatch, lambda **options: asked.append(options) or False)
    assert frameworks.missing(FLUX) == (
        "no Julia with Flux is set up here: python -m bench setup flux"
    )
    with pytest.raises(UnavailableError, match="python -m bench setup flux"):
        frameworks.create(FLUX)
    assert asked == [{"dry_run": True}] * len(asked) != []


def test_a_juliapkg_that_may_not_write_counts_as_none(monkeypatch):
    def refuse(**options):
        raise PermissionError("read-only")

    _juliapkg(monkeypatch, refuse)
    assert "bench setup flux" in frameworks.missing(FLUX)


def test_what_was_set_up_before_is_used(monkeypatch):
    _juliapkg(monkeypatch, lambda **options: True)
    assert frameworks.missing(FLUX) is None


@pytest.mark.parametrize(
    ("given", "absent"),
    [(toolchain.EXE, toolchain.PROJECT), (toolchain.PROJECT, toolchain.EXE)],
)
def test_half_a_name(monkeypatch, given, absent):
    monkeypatch.setenv(given, "/somewhere")
    assert frameworks.missing(FLUX) == f"{given} is set and {absent} is not: set both, or neither"


@pytest.mark.parametrize(
    ("flux", "python_call", "complaint"),
    [
        ("0.16.9", "0.9.34", None),
        ("0.15.2", "0.9.34", "has 0.15.2, Flux 0.16 is needed"),
        ("0.160.0", "0.9.34", "has 0.160.0, Flux 0.16 is needed"),
        ("0.16.0", "0.9.20", "juliacall is 0.9.34 and PythonCall in"),
    ],
)
def test_a_named_project_is_read(project, flux, python_call, complaint):
    manifest = MANIFEST.format(flux=flux, python_call=python_call)
    (project / "Manifest.toml").write_text(manifest)
    reason = frameworks.missing(FLUX)
    assert reason is None if complaint is None else complaint in reason


def test_a_named_project_that_was_not_instantiated(project):
    assert "has no Manifest.toml: instantiate it" in frameworks.missing(FLUX)


def test_a_named_executable_that_is_none(project, monkeypatch):
    monkeypatch.setenv(toolchain.EXE, "/no/julia")
    assert "PYTHON_JULIACALL_EXE=/no/julia is not a program" in frameworks.missing(FLUX)


def test_other_packages_are_another_toolchain(project):
    seen = set()
    for flux in ("0.16.9", "0.16.10"):
        (project / "Manifest.toml").write_text(MANIFEST.format(flux=flux, python_call="0.9.34"))
        seen.add(JULIA.locked())
    assert len(seen) == 2


def test_whatever_else_decides_what_julia_runs_is_another_toolchain(project, monkeypatch, tmp_path):
    """Preferences, replaced libraries, an environment in the load path, another Julia."""
    julia, depot, stacked = tmp_path / "bin/julia", tmp_path / "depot", tmp_path / "stacked"
    for folder in (julia.parent, depot / "artifacts", stacked):
        folder.mkdir(parents=True)
    julia.write_text("#!/bin/sh\n")
    julia.chmod(0o755)
    monkeypatch.setenv(toolchain.EXE, str(julia))
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{depot}{os.pathsep}")
    monkeypatch.setenv("JULIA_LOAD_PATH", f"@{os.pathsep}{stacked}")
    seen = [JULIA.locked()]
    for file, text in (
        (project / "LocalPreferences.toml", "[LenetBenchFlux]\nprecompile_workload = false\n"),
        (depot / "artifacts/Overrides.toml", "0123 = '/another/library'\n"),
        (stacked / "LocalPreferences.toml", "[NNlib]\n"),
        (julia, "#!/bin/sh\n# another one\n"),
    ):
        file.write_text(text)
        seen.append(JULIA.locked())
    assert len(set(seen)) == len(seen)


def test_setup_without_a_network(monkeypatch, capsys):
    def resolve(dry_run=False):
        if dry_run:
            return False
        raise OSError("<urlopen error [Errno -3] Temporary failure in name resolution>")

    _juliapkg(monkeypatch, resolve)
    with pytest.raises(BenchError, match=r"could not be fetched: .*name resolution.*network"):
        command.setup("flux", ChildProcess())
    printed = capsys.readouterr().out
    assert "MB to fetch" in printed
    assert "minutes" in printed


def test_setup_of_a_framework_that_needs_none(capsys):
    assert command.setup("reference", ChildProcess()) == 0
    assert "needs nothing but its packages" in capsys.readouterr().out


def test_julia_is_told_everything_that_matters():
    told = toolchain.settings({"PYTHON_JULIACALL_THREADS": "3"})
    assert told["PYTHON_JULIACALL_THREADS"] == "3"
    assert told["PYTHON_JULIACALL_HANDLE_SIGNALS"] == "yes"
    assert told["PYTHON_JULIAPKG_OFFLINE"] == "yes"
    assert int(toolchain.settings({})["PYTHON_JULIACALL_THREADS"]) >= 1


@pytest.mark.parametrize(
    "name",
    ["PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT", "JULIA_DEPOT_PATH", "JULIA_LOAD_PATH"],
)
def test_a_worker_finds_the_julia_that_was_named(name):
    env = environment.of_worker(2, {name: "/here", "JULIA_NUM_THREADS": "8"})
    assert env[name] == "/here"
    assert env["PYTHON_JULIACALL_THREADS"] == env["OPENBLAS_NUM_THREADS"] == "2"
    assert "JULIA_NUM_THREADS" not in env


def test_what_juliapkg_reads_is_bounded():
    asked = json.loads((Path(impls.__file__).parent / "juliapkg.json").read_text())
    assert " - " in asked["julia"]
    assert asked["packages"]["Flux"]["version"] == BOUND


UNEVEN = ModelSpec(
    "uneven",
    (13, 18, 2),
    10,
    (
        Conv("conv1", (3, 5), 2, 4, "relu"),
        Pool((2, 3)),
        Flatten(5, 4, 4),
        Dense("dense1", 80, 12, "relu"),
        Dense("dense2", 12, 10, "none"),
    ),
)


SLOPES = lenet5((32, 32, 1), 10, ModelOptions("prelu", "average"))


@pytest.mark.parametrize(
    "model", [lenet5((32, 32, 3), 10), UNEVEN, SLOPES], ids=lambda model: model.label
)
def test_parameters_come_back_as_they_went(model):
    parameters = initial_parameters(1, model)
    arrays = layout.to_julia(model, parameters)
    assert all(array.flags.f_contiguous for array in arrays), "Julia would copy element by element"
    again = layout.to_canonical(model, arrays)
    assert list(again) == list(parameters)
    for path, value in parameters.items():
        np.testing.assert_array_equal(again[path], value)
        assert again[path].flags.c_contiguous
        assert not np.shares_memory(again[path], value), "a view on Julia's memory"


def test_a_convolution_is_flipped_and_a_dense_kernel_follows_the_flattening():
    parameters = initial_parameters(1, UNEVEN)
    conv, _, dense, *_ = layout.to_julia(UNEVEN, parameters)
    assert conv.shape == (5, 3, 2, 4)  # (kernel_w, kernel_h, in, out)
    assert conv[0, 0, 1, 2] == parameters["conv1/kernel"][2, 4, 1, 2]
    assert dense.shape == (12, 80)  # (out, in), the features W, H, C from the fastest
    height, width, channel = 3, 1, 2
    canonical = (height * 4 + width) * 4 + channel
    assert dense[7, (channel * 5 + height) * 4 + width] == parameters["dense1/kernel"][canonical, 7]


def test_a_flattening_that_no_dense_layer_follows_is_canonical():
    model = ModelSpec("flat", (8, 8, 6), 256, (Conv("c", (5, 5), 6, 16, "none"), Flatten(4, 4, 16)))
    assert layout.description(model) == (("conv", ("none", (0, 0))), ("flatten", "canonical"))
    assert ("flatten", "reversed") in layout.description(UNEVEN)


def test_an_activation_that_learns_is_a_layer_of_its_own():
    assert layout.description(SLOPES)[:3] == (
        ("conv", ("none", (0, 0))),
        ("prelu", None),
        ("averagepool", (2, 2)),
    )
    padded = Conv("conv", (3, 5), 1, 2, "selu", padding=(1, 2))
    model = ModelSpec("padded", (8, 8, 1), 10, (padded,))
    assert layout.description(model) == (("conv", ("selu", (1, 2))),)


def test_images_are_reversed_and_copied_only_where_channels_must_move():
    grey = np.zeros((2, 4, 5, 1), np.float32)
    assert layout.images_to_julia(grey).shape == (5, 4, 1, 2)
    assert np.shares_memory(layout.images_to_julia(grey), grey)
    colour = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)
    moved = layout.images_to_julia(colour)
    assert moved.flags.f_contiguous
    assert moved[3, 2, 1, 0] == colour[0, 2, 3, 1]
