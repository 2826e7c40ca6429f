"""Where interpreters have their packages."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from bench.system.interpreter import packages, packages_of


def test_packages_of_this_interpreter():
    found = packages()
    assert Path(np.__file__).parents[1] in found
    assert all(folder.is_dir() for folder in found)
    assert len(set(found)) == len(found)


def test_what_is_on_the_path_and_no_folder_of_packages_is_passed_over(monkeypatch, tmp_path):
    debian, absent = tmp_path / "dist-packages", tmp_path / "gone" / "site-packages"
    debian.mkdir()
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), str(absent), str(debian)])
    assert packages() == (debian,)


def test_packages_of_an_environment(tmp_path):
    folder = tmp_path / "lib" / "python3.12" / "site-packages"
    folder.mkdir(parents=True)
    assert packages_of(tmp_path / "bin" / "python") == (folder,)
    assert packages_of(tmp_path / "elsewhere" / "bin" / "python") == ()
