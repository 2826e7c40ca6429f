"""What a pair measures, with real processes: each revision's own code, wherever it is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import cli
from bench.frameworks import BUILT_IN, missing, named
from bench.gate import schedule
from tests.gate.conftest import ROOT, SMALL, Repository

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
SLEEP_S = 0.4  # of an epoch, and so of a window; a window without it takes some 0.03 s of CPU time
FAST, SLOW = ADAPTER.format(sleep=0), ADAPTER.format(sleep=SLEEP_S)
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"

Once = Callable[..., dict[str, Any]]


@pytest.fixture
def environment(tmp_path, monkeypatch) -> Path:
    """Where packages are installed; it has the framework `third`, and a copy of its adapter."""
    folder = tmp_path / "environment"
    package(folder / "third", FAST)
    about = folder / "third-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: third\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(folder))))
    return folder


@pytest.fixture
def once(monkeypatch, capsys) -> Once:
    """A gate in a folder that measures a single pair; what it found, with its exit code."""
    monkeypatch.setattr(schedule.Run, "go", lambda run: run._round())

    def called(folder: Path, *arguments: str, framework: str = "third") -> dict[str, Any]:
        monkeypatch.chdir(folder)
        line = ["bench", "gate", "--json", "--frameworks", framework, *SMALL[2:], *arguments]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert said.out, said.err
        return json.loads(said.out) | {"code": ended.value.code, "said": said.err}

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
    "name", [each.name for each in BUILT_IN if each.default and not each.toolchain]
)
def test_real_frameworks_are_measured_from_each_revision(once, repository, monkeypatch, name):
    """With all that they load, some of which only poses as modules."""
    if reason := missing(named(name)):
        pytest.skip(reason)
    for part in (ROOT / "impls").iterdir():
        if part.is_dir() and part.name != "reference":
            shutil.copytree(part, repository.top / "impls" / part.name)
    repository.commit()
    monkeypatch.delenv("PYTHONPATH", raising=False)
    found = once(repository.top, "--base", "HEAD", framework=name)
    assert (found["code"], len(found["pairs"])) == (3, 1), found["reason"]


def test_an_adapter_in_a_submodule(repository, environment, once, tmp_path):
    with_submodule(repository, kept(tmp_path))
    assert is_slow(once(repository.top, "--base", "HEAD~1"))


def test_an_adapter_in_a_submodule_that_is_not_here(repository, environment, once, tmp_path):
    """The environment has one, too: both sides would be measured with that."""
    inner = kept(tmp_path)
    with_submodule(repository, inner)
    repository.git("submodule", "--quiet", "deinit", "--force", "--all")
    (repository.top / ".git/modules").rename(tmp_path / "away")
    found = once(repository.top, "--base", "HEAD~1")
    assert (found["code"], found["outcome"], found["pairs"]) == (2, "error", [])
    assert f"third.adapter from {environment / 'third/adapter.py'}" in found["reason"]
    assert "the submodule third could not be had" in found["reason"]


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
    found = once(repository.top, "--base", "HEAD~1")
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
    assert is_slow(once(repository.top, "--base", "HEAD~1"))


def test_a_project_in_a_folder_of_a_larger_repository(repository, environment, once):
    project = repository.top / "packages/one"
    for text, adapter in (("1", FAST), ("2", SLOW)):
        package(project / "src/third", adapter)
        (project / "pyproject.toml").write_text("[project]\nname = 'third'\nversion = '1'\n")
        (project / "constraints.txt").write_text(f"numpy=={text}\n")
        repository.commit(text)
    found = once(project / "src", "--base", "HEAD~1", "--environments", "shared")
    assert is_slow(found)
    assert any("packages/one/constraints.txt" in note for note in found["notes"])


def test_files_that_git_lfs_has_elsewhere(repository, environment, once):
    package(repository.top / "third", FAST)
    (repository.top / "third/weights.bin").write_text(LFS)
    (repository.top / ".gitattributes").write_text("*.bin filter=lfs\n")
    repository.commit()
    found = once(repository.top, "--base", "HEAD")
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
    found = once(repository.top, "--base", "HEAD")
    assert found["code"] == 2
    assert f"helper.py, a copy of {repository.top / 'lib'}" in found["reason"]


def test_the_case_of_a_hook_from_beginning_to_end(gate):
    """A commit whose hook runs a whole gate is the commit that was meant."""
    repository = gate.repository
    repository.commit("another")
    arguments = (
        *("--base", "HEAD~1", "--frameworks", "reference", "--batch-size", "16", "--allow-dirty"),
        *("--quadruples", "2", "--window", "0.02", "--budget", "100s", "--threshold", "90%"),
    )
    hook = repository.top / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    # Undecided is well enough here: a machine may be too busy to say.
    call = f"{' '.join(gate.command(*arguments))} >hook.log 2>&1"
    hook.write_text(f"#!/bin/sh\n{call}\ncode=$?\ntest $code -eq 0 -o $code -eq 3\n")
    hook.chmod(0o755)
    repository.edit("bench/models.py", "LeNet-5", "LeNet 5")
    done = subprocess.run(
        ["git", "-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "-qam", "x"],
        cwd=repository.top,
        env=gate.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (repository.top / "hook.log").read_text()
    verdict = (repository.top / "hook.log").read_text()
    assert "pass: no cell of 1" in verdict or "inconclusive: 1 of 1" in verdict
    assert repository.git("show", "--stat", "--format=", "HEAD").startswith("bench/models.py")
    assert repository.git("status", "--porcelain", "--untracked-files=no") == ""
