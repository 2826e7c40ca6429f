"""What a pair measures, with real processes: each revision's own code, wherever it is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.frameworks import built_in, missing, named
from tests.gate.conftest import ROOT, Gate, Repository

ENTRY = "[lenet_bench.frameworks]\nthird = third:framework\n"
FRAMEWORK = (
    "from bench.frameworks import Framework\n"
    "framework = Framework('third', 'Third', 'third.adapter:Third', 'x', (), 'none')\n"
)
ADAPTER = (
    "import time\n"
    "from impls.reference.adapter import ReferenceAdapter\n\n"
    "class Third(ReferenceAdapter):\n"
    "    def train_epoch(self, order, rate):\n"
    "        time.sleep({sleep})\n"
    "        return super().train_epoch(order, rate)\n"
)
SLEEP_S = 0.2  # of an epoch, and so of a window; a window without it takes some 0.01 s of CPU time
FAST, SLOW = ADAPTER.format(sleep=0), ADAPTER.format(sleep=SLEEP_S)
METADATA = "Metadata-Version: 2.1\nName: third\nVersion: 1.0\n"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"

Once = Callable[..., dict[str, Any]]


@pytest.fixture
def environment(gate: Gate, tmp_path: Path) -> Path:
    """Where packages are installed; it has the framework `third`, and a copy of its adapter."""
    folder = tmp_path / "environment"
    package(folder / "third", FAST)
    about = folder / "third-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(METADATA)
    (about / "entry_points.txt").write_text(ENTRY)
    gate.path.append(folder)
    return folder


@pytest.fixture
def once(gate: Gate) -> Once:
    """A gate in a folder of the repository that measures a single pair; with its exit code."""

    def called(*arguments: str, framework: str = "third", below: str = ".") -> dict[str, Any]:
        there = replace(gate, repository=Repository(gate.repository.top / below))
        code, found = there.once("--frameworks", framework, *arguments)
        return found | {"code": code}

    return called


def package(folder: Path, adapter: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text(FRAMEWORK)
    (folder / "adapter.py").write_text(adapter)


def kept(tmp_path: Path) -> Repository:
    """A repository of the package, whose second commit is slow."""
    folder = tmp_path / "kept"
    package(folder, FAST)
    inner = Repository(folder)
    inner.git("init", "--quiet")
    inner.commit("fast")
    package(folder, SLOW)
    inner.commit("slow")
    return inner


def with_submodule(repository: Repository, inner: Repository) -> None:
    local = ("-c", "protocol.file.allow=always")
    repository.git(*local, "submodule", "--quiet", "add", str(inner.top), "third")
    there = Repository(repository.top / "third")
    there.git("checkout", "--quiet", "HEAD~1")
    repository.commit("fast")
    there.git("checkout", "--quiet", "-")
    repository.commit("slow")


def is_slow(found: dict[str, Any]) -> bool:
    """Whether head slept in every window of the pair, and base did not."""
    (pair,) = found["pairs"]
    return min(pair["head"]["seconds"]) >= SLEEP_S > min(pair["base"]["seconds"])


@pytest.mark.parametrize(
    "name",
    [
        # PyTorch has what poses as modules; the others take ten times as long.
        pytest.param(each.name, marks=() if each.name == "torch" else pytest.mark.long)
        for each in built_in()
        if each.default and not each.toolchain
    ],
)
def test_real_frameworks_are_measured_from_each_revision(once, gate, repository, name):
    """With all that they load, some of which only poses as modules."""
    if reason := missing(named(name)):
        pytest.skip(reason)
    for part in (ROOT / "impls").iterdir():
        if part.is_dir() and part.name != "reference":
            shutil.copytree(part, repository.top / "impls" / part.name)
    repository.commit()
    gate.path.clear()
    found = once("--base", "HEAD", framework=name)
    assert (found["code"], len(found["pairs"])) == (3, 1), found["reason"]


def test_an_adapter_in_a_submodule(repository, environment, once, tmp_path):
    with_submodule(repository, kept(tmp_path))
    assert is_slow(once("--base", "HEAD~1"))


def test_an_adapter_in_a_submodule_that_is_not_here(repository, environment, once, tmp_path):
    """The environment has one, too: both sides would be measured with that."""
    inner = kept(tmp_path)
    with_submodule(repository, inner)
    repository.git("submodule", "--quiet", "deinit", "--force", "--all")
    (repository.top / ".git/modules").rename(tmp_path / "away")
    found = once("--base", "HEAD~1")
    assert (found["code"], found["outcome"], found["pairs"]) == (2, "error", [])
    assert f"third.adapter from {environment / 'third/adapter.py'}" in found["reason"]
    assert "the submodule third could not be had" in found["reason"]


def test_an_adapter_in_a_repository_of_its_own(repository, once):
    """Only the adapter is in the repository, and its entry point; the harness is installed."""
    for name in ("bench", "report", "impls"):
        repository.git("rm", "-r", "--quiet", name)
    (repository.top / "pyproject.toml").unlink()
    entry = repository.top / "third-1.0.dist-info"
    entry.mkdir()
    (entry / "METADATA").write_text(METADATA)
    (entry / "entry_points.txt").write_text(ENTRY)
    for message, adapter in (("fast", FAST), ("slow", SLOW)):
        package(repository.top / "third", adapter)
        repository.commit(message)
    assert is_slow(once("--base", "HEAD~1"))


def test_a_module_that_is_loaded_late(repository, environment, once):
    """Only when it trains; the package is over two folders, one of them the environment's."""
    late = "        from parts import late\n"
    adapter = FAST.replace("        time.sleep", f"{late}        time.sleep")
    (repository.top / "parts").mkdir()
    (repository.top / "parts/late.py").touch()
    package(repository.top / "third", adapter)
    repository.commit("base")
    (repository.top / "parts/late.py").unlink()
    repository.commit("head has no such part any more")
    (environment / "parts").mkdir()
    (environment / "parts/late.py").touch()
    found = once("--base", "HEAD~1")
    assert found["code"] == 2
    assert "head: third is not measured from this revision" in found["reason"]
    assert f"parts.late from {environment / 'parts/late.py'}" in found["reason"]


def test_an_editable_install_of_the_repository_is_taken_from_the_revision(
    repository, environment, once
):
    """A folder of the working tree in the path, which is neither the top nor src/."""
    package(repository.top / "lib/third", FAST)
    repository.commit("fast")
    package(repository.top / "lib/third", SLOW)
    repository.commit("slow")
    (environment / "sitecustomize.py").write_text(
        f"import sys\nsys.path.insert(0, {str(repository.top / 'lib')!r})\n"
    )
    assert is_slow(once("--base", "HEAD~1"))


def test_a_project_in_a_folder_of_a_larger_repository(repository, environment, once):
    project = repository.top / "packages/one"
    for text, adapter in (("1", FAST), ("2", SLOW)):
        package(project / "src/third", adapter)
        (project / "pyproject.toml").write_text("[project]\nname = 'third'\nversion = '1'\n")
        (project / "constraints.txt").write_text(f"numpy=={text}\n")
        repository.commit(text)
    found = once("--base", "HEAD~1", "--environments", "shared", below="packages/one/src")
    assert is_slow(found)
    told = "want different packages (packages/one/constraints.txt): one served both"
    assert any(told in note for note in found["notes"])


def test_files_that_git_lfs_has_elsewhere(repository, environment, once):
    package(repository.top / "third", FAST)
    (repository.top / "third/weights.bin").write_text(LFS)
    (repository.top / ".gitattributes").write_text("*.bin filter=lfs\n")
    repository.commit()
    found = once("--base", "HEAD")
    assert found["code"] == 2
    assert "1 of its files are with Git LFS and not here" in found["reason"]


def test_a_copy_of_the_repository_in_the_environment(repository, environment, once):
    """As `pip install ./lib` makes one, which does not follow the revisions."""
    package(repository.top / "third", FAST)
    (environment / "helper.py").touch()
    about = environment / "helper-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: helper\nVersion: 1.0\n")
    (about / "RECORD").write_text("helper.py,,\n")
    url = (repository.top / "lib").as_uri()
    (about / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {}}))
    adapter = repository.top / "third/adapter.py"
    adapter.write_text(f"import helper\n{adapter.read_text()}")
    repository.commit()
    found = once("--base", "HEAD")
    assert found["code"] == 2
    assert f"helper.py, a copy of {repository.top / 'lib'}" in found["reason"]
