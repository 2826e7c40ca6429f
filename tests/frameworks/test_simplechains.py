"""SimpleChains without Julia: what it is refused for, and how it is set up."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from bench import frameworks
from bench.contract import ModelOptions
from bench.workload import models
from impls._julia import toolchain
from impls.simplechains.limits import lacking
from impls.simplechains.toolchain import JULIA, SIMPLE_CHAINS

HELP = "no Julia with SimpleChains is set up here: python -m bench setup simplechains"
SHAPE = (32, 32, 1)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_what_it_has_is_trained(activation):
    assert lacking(models.build("lenet5", SHAPE, 10, ModelOptions(activation))) is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (ModelOptions("elu"), "no activation elu"),
        (ModelOptions(pooling="average"), "no average pooling"),
        (ModelOptions(dropout=0.5), "no random layer"),
        (ModelOptions(noise=0.1), "no random layer"),
    ],
)
def test_what_it_has_not_is_refused(options, reason):
    assert reason in lacking(models.build("lenet5", SHAPE, 10, options))


def test_a_pooling_with_a_remainder_is_refused():
    assert "leaves rows or columns out" in lacking(models.lenet5((30, 32, 1), 10))


@pytest.mark.parametrize(
    ("version", "missing"), [(None, HELP), ("0.3.9", HELP), ("0.4.8", None), ("0.5.0", HELP)]
)
def test_the_julia_of_flux_is_not_enough(monkeypatch, tmp_path, version, missing):
    for name in (toolchain.EXE, toolchain.PROJECT):
        monkeypatch.delenv(name, raising=False)
    here = SimpleNamespace(resolve=lambda **options: True, project=lambda: str(tmp_path))
    monkeypatch.setitem(sys.modules, "juliapkg", here)
    manifest = f'[[deps.SimpleChains]]\nversion = "{version}"\n' if version else ""
    (tmp_path / "Manifest.toml").write_text(manifest)
    assert JULIA.missing() == missing
    assert JULIA.version() == version
    assert JULIA.added["SimpleChains"][1] == SIMPLE_CHAINS
    assert "CPU only" in JULIA.gpu_missing()
    assert frameworks.named("simplechains").default is False
