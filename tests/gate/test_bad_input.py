"""Every wrong call: one clear line, exit code 2, nothing started and nothing left behind."""

from __future__ import annotations

import subprocess

import pytest

from bench.errors import UsageError
from bench.gate import repository as repositories
from tests.gate.conftest import Gate, Repository


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base", "no-such-branch"), "unknown revision 'no-such-branch': give a branch"),
        (("--base", "--help-me"), "unknown revision"),
        (("--base", "HEAD", "--head", "v9"), "unknown revision 'v9'"),
        (("--base", "HEAD", "--threshold", "0"), "--threshold '0' is not possible"),
        (("--base", "HEAD", "--threshold", "100%"), "more than 0 and less than 100 %"),
        (("--base", "HEAD", "--threshold", "250%"), "more than 0 and less than 100 %"),
        (("--base", "HEAD", "--threshold", "-5%"), "--threshold '-5%'"),
        (("--base", "HEAD", "--threshold", "a lot"), "--threshold 'a lot'"),
        (("--base", "HEAD", "--threshold", "nan"), "--threshold 'nan'"),
        (("--base", "HEAD", "--budget", "5s"), "--budget 5s is too short"),
        (("--base", "HEAD", "--budget", "soon"), "--budget 'soon' cannot be read"),
        (("--base", "HEAD", "--pairs", "3"), "can never find a regression: give"),
        (("--base", "HEAD", "--threads", "0"), "--threads 0 is not possible"),
        (("--base", "HEAD", "--threads", "9999"), "--threads 9999 is not possible"),
        (("--base", "HEAD", "--batch-size", "0"), "--batch-size"),
        (("--base", "HEAD", "--batch-size", ""), "--batch-size '' is empty: give"),
        (("--base", "HEAD", "--threads", ""), "--threads '' is empty: give whole numbers"),
        (("--base", "HEAD", "--frameworks", ""), "--frameworks '' is empty: give one"),
        (("--base", "HEAD", "--window", "0"), "--window 0 is not possible"),
        (("--base", "HEAD", "--quadruples", "1"), "--quadruples"),
        (("--base", "HEAD", "--device", "tpu"), "--device 'tpu' is not possible"),
        (("--base", "HEAD", "--environments", "maybe"), "give build or shared"),
        (("--base", "HEAD", "--base-python", "/no/such"), "--base-python /no/such is no file"),
        (("--base", "HEAD", "--out", "/no/such/folder/x.json"), "cannot be written"),
        ((), "--base"),
    ],
    ids=lambda value: " ".join(value)[-30:] if isinstance(value, tuple) else "",
)
def test_a_wrong_call_is_refused(refused, arguments, said):
    assert said in refused("--frameworks", "reference", *arguments)


def test_what_is_not_committed_would_not_be_measured(refused, gate):
    gate.repository.edit("bench/workload/models.py", "LeNet-5", "LeNet 5")
    complaint = refused("--base", "HEAD", "--frameworks", "reference")
    assert "bench/workload/models.py" in complaint
    assert "--allow-dirty" in complaint
    # Neither a new file nor an older head is in the way.
    gate.repository.git("checkout", "--", ".")
    (gate.repository.top / "notes.txt").write_text("new")
    assert "too short" in refused("--base", "HEAD", "--frameworks", "reference", "--budget", "1s")


def test_a_dirty_tree_may_be_allowed_or_not_matter(refused, gate):
    gate.repository.commit("another")
    gate.repository.edit("bench/workload/models.py", "LeNet-5", "LeNet 5")
    short = ("--frameworks", "reference", "--budget", "1s")
    assert "too short" in refused("--base", "HEAD", *short, "--allow-dirty")
    assert "too short" in refused("--base", "HEAD", "--head", "HEAD~1", "--tip", *short)


def test_other_packages_need_a_decision(refused, gate):
    (gate.repository.top / "constraints.txt").write_text("numpy==2.3.0\n")
    gate.repository.edit("pyproject.toml", '"numpy>=2.0"', '"numpy>=2.1"')
    gate.repository.commit()
    call = ("--base", "HEAD~1", "--frameworks", "reference")
    complaint = refused(*call)
    assert "(constraints.txt, pyproject.toml)" in complaint
    assert "--environments build" in complaint
    short = ("--budget", "1s")
    assert "too short" in refused(*call, *short, "--environments", "shared")


def test_a_change_of_the_version_is_no_change_of_packages(gate, tmp_path):
    gate.repository.edit("pyproject.toml", "line-length = 100", "line-length = 99")
    gate.repository.commit()
    top = repositories.Repository.around(gate.repository.top, tmp_path)
    assert top.differing(top.revision("HEAD~1"), top.revision("HEAD")) == []


def test_outside_a_repository(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    done = Gate(Repository(folder), folder)("--base", "HEAD", "--frameworks", "reference")
    assert done.returncode == 2
    assert "is not in the working tree of a git repository" in done.stderr


def test_without_git(gate, tmp_path):
    empty = tmp_path / "bin"
    empty.mkdir()
    done = gate("--base", "HEAD", PATH=str(empty))
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: git is not installed" in done.stderr


def test_a_wrong_call_in_a_process_of_its_own(gate):
    """As all others here are called within this one."""
    done = gate.process("--base", "no-such-branch", "--frameworks", "reference")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: unknown revision 'no-such-branch': give a branch")
    assert len(done.stderr.splitlines()) == 1
    assert gate.left_over() == []


def test_a_shallow_clone_is_told_how_to_fetch(repository, tmp_path):
    repository.commit("second")
    subprocess.run(
        [
            "git",
            "clone",
            "--quiet",
            "--depth",
            "1",
            f"file://{repository.top}",
            tmp_path / "shallow",
        ],
        check=True,
        capture_output=True,
    )
    with pytest.raises(UsageError, match="fetch-depth: 0"):
        repositories.Repository.around(tmp_path / "shallow", tmp_path).revision("HEAD~1")


def test_a_head_without_commits_of_its_own_is_no_head(refused, gate):
    gate.repository.commit("another")
    call = ("--base", "HEAD", "--head", "HEAD~1", "--frameworks", "reference", "--budget", "1s")
    assert "has no commit of its own to measure: take --tip" in refused(*call)
    assert "too short" in refused(*call, "--tip")


def test_histories_that_have_nothing_in_common(refused, gate):
    gate.repository.git("checkout", "--quiet", "--orphan", "other")
    gate.repository.commit("another beginning")
    call = ("--base", "main", "--frameworks", "reference", "--budget", "1s")
    assert "main and HEAD have no commit in common" in refused(*call)
    assert "too short" in refused(*call, "--tip")


def test_a_repository_that_another_one_is_around(refused, tmp_path):
    """GIT_DIR as a person sets it names the one that is meant; the gate would take this one."""
    other = tmp_path / "other"
    other.mkdir()
    Repository(other).git("init", "--quiet")
    call = ("--base", "HEAD", "--frameworks", "reference")
    assert "with GIT_DIR unset" in refused(*call, GIT_DIR=str(other / ".git"))
