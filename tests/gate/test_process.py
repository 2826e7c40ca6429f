"""What a resident process is given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import bench
from bench.gate import process, window_server
from bench.gate.origin import Origins
from bench.gate.process import Side
from bench.workload import models, order


@pytest.mark.parametrize("given", ["/depot", f"/depot{os.pathsep}/more", None])
def test_each_side_compiles_julia_s_packages_into_a_folder_of_its_own(monkeypatch, given):
    """And finds all else where it was: at the end, nothing stands for Julia's own folders."""
    if given is None:
        monkeypatch.delenv("JULIA_DEPOT_PATH", raising=False)
    else:
        monkeypatch.setenv("JULIA_DEPOT_PATH", given)
    monkeypatch.setenv("HOME", "/home/someone")
    here = Path(__file__).parent
    origins = Origins(here, (), ())
    python = Path(sys.executable)
    sides = [Side(n, python, (here,), here / f"of-{n}", origins) for n in ("base", "head")]
    found = [process._environment(side, 1)["JULIA_DEPOT_PATH"] for side in sides]
    usual = given or f"/home/someone/.julia{os.pathsep}"
    assert found == [f"{here / f'of-{n}'}{os.pathsep}{usual}" for n in ("base", "head")]


def test_a_revision_from_before_there_was_the_folder_workload(monkeypatch, tmp_path):
    """Its own modules are taken, and not those of the folder that is installed."""
    assert window_server._models_and_order() == (models, order)
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(bench, "models", "its models", raising=False)
    monkeypatch.setattr(bench, "order", "its order", raising=False)
    assert window_server._models_and_order() == ("its models", "its order")
