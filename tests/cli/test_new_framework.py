"""`bench new-framework`: what it writes is found, proved as it stands, and never half there."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from string import Template

import pytest

from bench import frameworks
from bench.cli.commands import new_framework as command
from bench.errors import UsageError
from bench.frameworks import registry
from tests.calling import NoExecutor, call

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-framework.md"


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    """A checkout without frameworks, in which one is made."""
    (tmp_path / "impls").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(command, "_implementations", lambda: tmp_path / "impls")
    return tmp_path


def test_the_page_shows_what_is_written():
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    skeleton = (command.SKELETON / "adapter.py.txt").read_text(encoding="utf-8")
    words = {"class_name": "NumpyAdapter", "title": "NumPy"}
    assert Template(skeleton).substitute(words) == code


def test_in_a_checkout(checkout, capsys):
    assert command.new_framework("my-fw", "My Framework", None) == 0
    folder = checkout / "impls" / "my_fw"
    assert sorted(file.name for file in folder.iterdir()) == [
        *("__init__.py", "adapter.py", "framework.py"),
    ]
    assert not [file for file in (checkout / "impls").iterdir() if file != folder]
    said = capsys.readouterr().out
    assert f"wrote {folder / 'adapter.py'}" in said
    assert "python -m bench verify --frameworks my-fw --optimizers sgd:momentum=0.9" in said
    assert "pip install" not in said
    names: dict = {}
    exec(compile((folder / "framework.py").read_text(), "framework.py", "exec"), names)
    found = names["FRAMEWORK"]
    assert (found.name, found.title) == ("my-fw", "My Framework")
    assert found.adapter == "impls.my_fw.adapter:MyFwAdapter"


def test_a_package_of_its_own_is_found_by_its_entry_point(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "a {folder}"
    assert command.new_framework("toy", None, folder) == 0
    assert f"python -m pip install -e '{folder}'" in capsys.readouterr().out
    about = tomllib.loads((folder / "pyproject.toml").read_text())
    points = about["project"]["entry-points"][registry.GROUP]
    assert points == {"toy": "lenet_bench_toy.framework:FRAMEWORK"}
    # As an installer would leave it.
    info = tmp_path / "lenet_bench_toy-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lenet-bench-toy\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\ntoy = {points['toy']}\n")
    for place in (tmp_path, folder):
        monkeypatch.syspath_prepend(place)
    found = frameworks.named("toy")
    adapter = frameworks.create(found)
    assert type(adapter).__name__ == "ToyAdapter"
    assert adapter.devices() == ("cpu",)
    for name in [name for name in sys.modules if name.partition(".")[0] == "lenet_bench_toy"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("torch", "there is a framework 'torch' already"),
        ("Torch", "there is a framework 'Torch' already"),
        ("torch:fast", "is no name for a framework: give a letter, then letters"),
        ("../x", "is no name for a framework"),
        ("9lives", "is no name for a framework"),
        ("class", r"is no name for a framework \(a word of Python's own\): give"),
        ("", "is no name for a framework"),
    ],
)
def test_a_name_that_cannot_be(checkout, name, complaint):
    with pytest.raises(UsageError, match=complaint):
        command.new_framework(name, None, None)
    assert not [*(checkout / "impls").iterdir()]


def test_nothing_is_written_over(checkout, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes").write_text("mine")
    with pytest.raises(UsageError, match="is there already and not empty"):
        command.new_framework("toy", None, folder)
    assert [file.name for file in folder.iterdir()] == ["notes"]
    command.new_framework("toy", None, None)
    with pytest.raises(UsageError, match="is there already and not empty"):
        command.new_framework("toy", None, None)


def test_a_disk_that_fails_leaves_nothing(checkout, monkeypatch):
    def full(self, text, encoding):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        command.new_framework("toy", None, None)
    assert not [*(checkout / "impls").iterdir()]


def test_a_title_that_would_break_the_code_is_refused(checkout):
    for title in ('a"b', "a\\b", "a\nb"):
        with pytest.raises(UsageError, match="--title"):
            command.new_framework("toy", title, None)


def test_where_there_is_no_checkout(monkeypatch, tmp_path):
    class Spec:
        submodule_search_locations = (str(tmp_path / "impls"),)

    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: Spec())
    with pytest.raises(UsageError, match="give --package FOLDER"):
        command._implementations()


def test_the_command(tmp_path):
    folder = str(tmp_path / "made")
    done = call(["new-framework", "toy", "--package", folder], dict(os.environ), NoExecutor)
    assert (done.returncode, done.stderr) == (0, "")
    assert "passes as it is" in done.stdout
    done = call(["new-framework", "toy", "--package", folder], dict(os.environ), NoExecutor)
    assert done.returncode == 2
    assert "nothing was written" in done.stderr
