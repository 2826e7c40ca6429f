"""`NAME:VARIANT`: the same framework in another mode of execution."""

from __future__ import annotations

import importlib
import json
import shutil
import site
import sys
import sysconfig
from pathlib import Path

import pytest

from bench import frameworks
from bench.config.plan import Cell
from bench.errors import UnavailableError, UnknownNameError, UsageError
from bench.execution.certify import _key
from bench.frameworks import Framework, Variant, built_in
from bench.results.certificate import Subject
from bench.worker.messages import FindDevices
from impls.reference.adapter import ReferenceAdapter
from impls.torch.compiler import CPP_COMPILER


class Recorder(ReferenceAdapter):
    """An adapter that keeps what it was made with."""

    def __init__(self, **given):
        super().__init__()
        self.given = given


class Absent:
    def missing(self):
        return "no such tool: buy one"

    def locked(self):
        return "tool 1.2"


ABSENT = Absent()
HERE = sys.modules[__name__]
MINE = Framework(
    "mine",
    "Mine",
    "recorder_module:Recorder",
    "numpy",
    (),
    "no way",
    variants=(
        Variant("quick", "in a hurry"),
        Variant("tooled", "with a tool", "recorder_module:ABSENT"),
    ),
)


@pytest.fixture(autouse=True)
def mine(monkeypatch):
    monkeypatch.setitem(sys.modules, "recorder_module", HERE)
    known = (*built_in(), MINE)
    monkeypatch.setattr(frameworks.registry, "built_in", lambda: known)


def test_a_variant_is_a_framework_of_its_own_name():
    compiled = frameworks.named("torch:compile")
    plain = frameworks.named("torch")
    assert compiled.name == "torch:compile"
    assert compiled.title == "PyTorch, torch.compile"
    assert (compiled.adapter, compiled.modules) == (plain.adapter, plain.modules)
    assert frameworks.named("keras:jit").own == frameworks.named("keras").own
    assert not compiled.default
    assert not compiled.variants


def test_the_adapter_is_told_its_variant():
    assert frameworks.create(frameworks.named("mine:quick")).given == {"variant": "quick"}
    assert frameworks.create(frameworks.named("mine")).given == {}


@pytest.mark.parametrize(
    ("name", "kind", "complaint"),
    [
        ("torch:", UnknownNameError, "unknown variant 'torch:'"),
        ("torch:jit", UnknownNameError, r"'torch:jit' .*: choose from torch:compile"),
        ("keras:jti", UnknownNameError, r"\(did you mean 'keras:jit'\?\): choose from keras:jit"),
        ("torch:compile:x", UnknownNameError, "choose from torch:compile"),
        (
            "reference:fast",
            UsageError,
            "reference has no variants, so there is no 'reference:fast'",
        ),
        ("torhc:compile", UnknownNameError, r"unknown framework 'torhc' \(did you mean 'torch'"),
        (":compile", UnknownNameError, "unknown framework ''"),
    ],
)
def test_an_unknown_variant_lists_what_there_is(name, kind, complaint):
    with pytest.raises(kind, match=complaint):
        frameworks.named(name)


def test_every_variant_is_listed_after_its_framework_and_none_is_taken_by_itself():
    names = list(frameworks.with_variants())
    at = names.index("flux")
    assert names[:4] == ["flax", "flax:scan", "flax:step", "flax:tutorial"]
    assert names[at : at + 4] == ["flux", "flux:tutorial", "flux:tuned", "keras"]
    assert names[at + 4 : at + 6] == ["keras:jit", "keras:step"]
    assert not set(frameworks.catalogue()) & {name for name in names if ":" in name}
    assert all(frameworks.named(name).name == name for name in names)


def test_what_a_variant_needs_is_missing_from_it_alone():
    assert frameworks.missing(frameworks.named("mine")) is None
    assert frameworks.missing(frameworks.named("mine:quick")) is None
    tooled = frameworks.named("mine:tooled")
    assert frameworks.missing(tooled) == "no such tool: buy one"
    assert frameworks.locked(tooled) == ["tool 1.2"]
    with pytest.raises(UnavailableError, match="buy one"):
        frameworks.create(tooled)


def test_names_of_files_have_no_colon_and_differ():
    cells = [
        Cell(framework=name, device="cpu", seed=0, batch_size=1, threads=1).name
        for name in frameworks.with_variants()
    ]
    assert len(set(cells)) == len(cells)
    assert not any(set(cell) & set('<>:"/\\|?*') for cell in cells)


def test_a_variant_on_another_library_has_an_adapter_and_needs_of_its_own():
    plain, other = frameworks.named("keras"), frameworks.named("keras:jax")
    assert (plain.is_mode, other.is_mode, frameworks.named("keras:jit").is_mode) == (
        *(False, False, True),
    )
    assert other.title == "Keras, on JAX"
    assert other.adapter != plain.adapter
    assert other.modules == ("keras", "jax", "optax")
    assert other.plain_name == plain.plain_name == "keras"
    backends = {
        name: frameworks.named(name).variables("gpu", ())["KERAS_BACKEND"]
        for name in ("keras", "keras:jit", "keras:jax", "keras:torch")
    }
    assert backends == {
        "keras": "tensorflow",
        "keras:jit": "tensorflow",
        "keras:jax": "jax",
        "keras:torch": "torch",
    }


def test_what_is_asked_of_a_framework_alone_has_what_it_needs():
    task = FindDevices(framework="keras:torch", threads=1)
    assert task.variables == {"KERAS_BACKEND": "torch"}


def key(name):
    """Of a certificate of that framework."""
    subject = Subject(
        framework=name,
        device="cpu",
        model="lenet5",
        input_shape=(32, 32, 1),
        classes=10,
        optimizers=(),
        threads=1,
    )
    return _key(subject, frameworks.named(name), {})


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """A package, installed as an installer does it, or from where it is developed."""
    monkeypatch.syspath_prepend(tmp_path)
    folder, source = tmp_path / "odd-1.0.dist-info", tmp_path / "source"
    source.mkdir()
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")

    def installed(record, code, editable):
        (folder / "RECORD").write_text(record)
        (source / "odd.py").write_text(code)
        about = {"url": source.as_uri(), "dir_info": {"editable": editable}}
        (folder / "direct_url.json").write_text(json.dumps(about))

    return installed


def test_another_build_of_the_same_version_is_in_the_key(installed):
    seen = set()
    for record in ("odd.so,sha256=one,9\n", "odd.so,sha256=another,9\n"):
        installed(record, "1", editable=False)
        seen.add(key("mine"))
    installed(record, "12", editable=False)  # the folder it came from has no say any more
    assert len(seen | {key("mine")}) == 2


def test_a_framework_that_is_being_developed_is_in_the_key(installed):
    seen = set()
    for code in ("1", "12"):
        installed("", code, editable=True)
        seen.add(key("mine"))
    assert len(seen) == 2


@pytest.mark.parametrize("name", ["mine.pth", "sitecustomize.py", "usercustomize.py"])
def test_what_every_interpreter_runs_first_is_in_the_key(monkeypatch, tmp_path, name):
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(tmp_path)])
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("sitecustomize", "usercustomize"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    seen = {key("mine")}
    for text in ("import os", "import sys"):
        (tmp_path / name).write_text(text)
        importlib.invalidate_caches()
        seen.add(key("mine"))
    assert len(seen) == 3


def test_a_certificate_of_the_one_is_none_of_the_other(monkeypatch):
    first = key("mine:tooled")
    assert first.startswith("mine.tooled-cpu-")
    assert key("mine:quick").startswith("mine.quick-cpu-")
    monkeypatch.setattr(Absent, "locked", lambda self: "tool 1.3")
    assert key("mine:tooled") != first, "another compiler needs another certificate"


def test_a_compiler_that_is_not_there_is_told_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install one, for instance with apt install g++" in CPP_COMPILER.missing()
    assert CPP_COMPILER.locked() == "none"
    monkeypatch.setenv("CXX", "my-c++")
    assert "no my-c++ (CXX=my-c++) on the PATH" in CPP_COMPILER.missing()
    program = tmp_path / "my-c++"
    program.write_text("#!/bin/sh\necho my c++ 1.0\necho more\n")
    program.chmod(0o755)
    assert CPP_COMPILER.locked() == "my c++ 1.0"
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert f"no {Path(tmp_path, 'Python.h')}" in CPP_COMPILER.missing()
    Path(tmp_path, "Python.h").touch()
    assert CPP_COMPILER.missing() is None


@pytest.mark.skipif(not shutil.which("g++"), reason="no g++ here")
def test_the_compiler_of_this_machine(monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    assert "g++" in CPP_COMPILER.locked()


@pytest.mark.parametrize("name", ["torch", "keras", "flax", "flux"])
def test_a_ladder_goes_from_the_tutorial_to_the_plain_framework(name):
    found = frameworks.rungs(name)
    assert found[0].name == f"{name}:tutorial"
    tuned = [one for one in found if one.name == f"{name}:tuned"]
    assert found[-1 - len(tuned) :] == [frameworks.named(name), *tuned]
    assert all(one.is_mode for one in found if one.name != name)
    assert all(one.modules == found[-1].modules for one in found)


def test_a_tuned_variant_is_the_last_rung():
    assert [one.name for one in frameworks.rungs("flux")] == ["flux:tutorial", "flux", "flux:tuned"]


def test_a_framework_without_a_ladder_is_told_which_have_one():
    with pytest.raises(UsageError, match="mlx has no ladder: choose from flax, flux, keras, torch"):
        frameworks.rungs("mlx")
