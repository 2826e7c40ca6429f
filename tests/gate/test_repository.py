"""What the gate takes from a person's repository, and that it leaves nothing there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.gate import repository as repositories
from bench.gate import workspace as workspaces
from bench.gate.workspace import MARK, workspace
from bench.system import git
from tests.gate.conftest import ROOT, Repository

WANTED = ("dependencies", "optional-dependencies", "requires-python", "poetry")
ANYWHERE = ("-c", "protocol.file.allow=always")  # git asks for it where submodules are local
# Checks out, as the gate does, in whatever environment it is given.
IN_PASSING = f"""#!/bin/sh
exec {sys.executable} -P -c '
import sys
from pathlib import Path
sys.path.insert(0, "{ROOT}")
from bench.gate.repository import Repository
from bench.gate.workspace import workspace
with workspace() as folder:
    here = Repository.around(Path.cwd(), folder)
    head = here.revision("HEAD")
    found = here.check_out({{"base": head, "head": head}}, folder)
    text = (found["head"].folder / "file.txt").read_text()
assert text == "first", text
'
"""


@pytest.fixture
def small(tmp_path: Path) -> Repository:
    """A repository of one file, and another commit of it."""
    return made(tmp_path / "small", "file.txt")


def made(top: Path, name: str) -> Repository:
    """`first` in the first commit of a repository, `second` in its second."""
    top.mkdir()
    repository = Repository(top)
    repository.git("init", "--quiet")
    for text in ("first", "second"):
        (top / name).write_text(text)
        repository.commit(text)
    return repository


def taken(repository: Repository, folder: Path, base: str = "HEAD~1", head: str = "HEAD"):
    """Both revisions' files, after all else that the gate asks of a repository."""
    here = repositories.Repository.around(repository.top, folder)
    revisions = {"base": here.revision(base), "head": here.revision(head)}
    here.changed()
    here.differing(*revisions.values())
    return here.check_out(revisions, folder)


def all_of(top: Path) -> dict[str, str]:
    """Every file of git's own, by its hash: index, references, worktrees, settings, objects."""
    own = top / ".git"
    return {
        str(path.relative_to(own)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(own.rglob("*"))
        if path.is_file()
    }


def with_submodule(tmp_path: Path) -> tuple[Repository, Repository]:
    """A repository whose submodule is at its second commit, and was at its first; and that one."""
    inner, outer = made(tmp_path / "inner", "inner.txt"), made(tmp_path / "outer", "file.txt")
    outer.git(*ANYWHERE, "submodule", "--quiet", "add", str(inner.top), "parts/inner")
    there = Repository(outer.top / "parts/inner")
    there.git("checkout", "--quiet", "HEAD~1")
    outer.commit("with the first")
    there.git("checkout", "--quiet", "-")
    outer.commit("with the second")
    return outer, inner


# A person's repository


def test_nothing_is_written_into_the_repository(small, tmp_path):
    small.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "HEAD~1")
    (small.top / "file.txt").touch()  # so that git would like to refresh the index
    before = all_of(small.top)
    with workspace() as folder:
        found = taken(small, folder)
        assert (found["base"].folder / "file.txt").read_text() == "first"
        assert (found["head"].folder / "file.txt").read_text() == "second"
    assert all_of(small.top) == before
    small.git("fsck", "--strict")


def test_a_worktree_whose_disk_is_away_stays(small, tmp_path):
    """A commit on no branch and a staged file of it are in git's own folder alone."""
    tree = tmp_path / "disk/tree"
    small.git("worktree", "add", "--quiet", "--detach", str(tree))
    (tree / "file.txt").write_text("only here")
    Repository(tree).commit("on no branch")
    (tree / "staged.txt").write_text("staged")
    Repository(tree).git("add", "staged.txt")
    (tmp_path / "disk").rename(tmp_path / "away")
    before = all_of(small.top)
    with workspace() as folder:
        taken(small, folder)
    assert all_of(small.top) == before
    (tmp_path / "away").rename(tmp_path / "disk")
    assert Repository(tree).git("log", "-1", "--format=%s") == "on no branch"
    assert "staged.txt" in Repository(tree).git("status", "--porcelain")


@pytest.mark.parametrize("where", ["main", "linked"])
def test_a_hook_keeps_the_commit(small, tmp_path, where):
    """git hands a hook the index of the commit that is being made."""
    tree = small
    if where == "linked":
        small.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
        tree = Repository(tmp_path / "linked")
    tree.git("checkout", "--quiet", "--detach", "HEAD~1")
    hook = small.top / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(IN_PASSING)
    hook.chmod(0o755)
    (tree.top / "file.txt").write_text("third")
    tree.git("commit", "--quiet", "--all", "--message", "third")
    assert tree.git("show", "HEAD:file.txt") == "third"
    assert tree.git("status", "--porcelain") == ""


def test_every_program_that_is_started_is_outside_of_hooks(monkeypatch):
    given = {"GIT_DIR": "/no/such", "GIT_INDEX_FILE": "/no/such/index", "GIT_AUTHOR_NAME": "me"}
    assert {*given} - {*git.outside_hooks(given)} == {"GIT_DIR", "GIT_INDEX_FILE"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with git.hooks_forgotten():
        assert "GIT_DIR" not in os.environ
        assert os.environ["GIT_AUTHOR_NAME"] == "me"
    assert os.environ["GIT_DIR"] == "/no/such"


@pytest.mark.parametrize(
    "given",
    [
        {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "/a",
            "GIT_CONFIG_KEY_1": "core.worktree",
            "GIT_CONFIG_VALUE_1": "/b",
        },
        {"GIT_CONFIG_PARAMETERS": "'safe.directory'='/a' 'core.worktree'='/b'"},
    ],
    ids=["counted", "quoted"],
)
def test_of_the_settings_of_a_call_only_what_is_trusted_is_handed_on(small, monkeypatch, given):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    listed = git.run(small.top, "config", "--list", "--show-scope").stdout
    assert "command\tsafe.directory=/a" in listed
    assert "/b" not in listed


def test_hooks_of_the_repository_are_not_run(small, tmp_path):
    hook = small.top / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)
    small.git("config", "core.hooksPath", str(hook.parent))
    with workspace() as folder:
        taken(small, folder)
    assert not (tmp_path / "ran").exists()
    small.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert (tmp_path / "ran").exists()  # it would have run


# What is checked out


def test_a_sparse_checkout_hides_nothing(small):
    (small.top / "deep").mkdir()
    (small.top / "deep/er.txt").write_text("deeper")
    small.commit()
    small.git("sparse-checkout", "set", "--no-cone", "/file.txt")
    assert not (small.top / "deep").exists()
    with workspace() as folder:
        assert (taken(small, folder)["head"].folder / "deep/er.txt").is_file()


def test_settings_that_say_how_files_are_written_hold(small):
    small.git("config", "core.autocrlf", "true")
    (small.top / "lines.txt").write_text("one\ntwo\n")
    small.commit()
    with workspace() as folder:
        assert (taken(small, folder)["head"].folder / "lines.txt").read_bytes() == b"one\r\ntwo\r\n"


def test_a_folder_that_cannot_be_listed_is_removed_with_what_is_in_it(tmp_path):
    """As rmtree tells of one: a superuser can list any, so that it would never tell."""
    folder = tmp_path / "closed"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "file").write_text("")
    folder.chmod(0)
    workspaces._made_writable(os.scandir, str(folder), None)
    assert not folder.exists()


def test_a_repository_that_borrows_objects_is_shallow_or_has_tags(small, tmp_path):
    for kind in (("--shared",), ("--depth", "1")):
        copy = tmp_path / kind[0]
        small.git("clone", "--quiet", *kind, f"file://{small.top}", str(copy))
        Repository(copy).git("tag", "v1.0")
        with workspace() as folder:
            found = taken(Repository(copy), folder, "HEAD", "HEAD")
            assert (found["head"].folder / "file.txt").read_text() == "second"
            there = Repository(found["head"].folder)
            assert there.git("describe", "--tags") == "v1.0"
            there.git("log")  # not past where the history was cut off


@pytest.mark.parametrize("lacks", ["blob:none", "tree:0"])
def test_what_a_partial_clone_lacks_is_fetched_into_the_gate_s_own_folder(small, tmp_path, lacks):
    small.git("config", "uploadpack.allowFilter", "true")
    small.git("config", "uploadpack.allowAnySHA1InWant", "true")
    (small.top / "pyproject.toml").write_text("[project]\n")
    small.commit()
    (small.top / "pyproject.toml").unlink()
    small.commit()
    copy = tmp_path / "partial"
    small.git("clone", "--quiet", f"--filter={lacks}", f"file://{small.top}", str(copy))
    before = all_of(copy)
    with workspace() as folder:
        found = taken(Repository(copy), folder)
        assert (found["base"].folder / "file.txt").read_text() == "second"
        assert repositories.Repository.around(copy, folder).dependencies(
            repositories.Revision("", small.git("rev-parse", "HEAD~1"), "")
        ) == {"pyproject.toml": dict.fromkeys(WANTED)}
    assert all_of(copy) == before


def test_what_filters_write_down_is_written_elsewhere(small, tmp_path):
    """As Git LFS stores what it makes of a file, when git compares the file with the commit."""
    filtered = 'echo filtered >> "$GIT_DIR/filtered"; cat'
    small.git("config", "filter.mine.clean", filtered)
    (small.top / ".gitattributes").write_text("*.txt filter=mine\n")
    small.commit()
    (small.top / "file.txt").write_text("sixsix")  # as long as what is committed
    before = all_of(small.top)
    with workspace() as folder:
        here = repositories.Repository.around(small.top, folder)
        assert here.changed() == ["file.txt"]
        assert (here.mirror / ".git/filtered").is_file()
    assert all_of(small.top) == before


def test_what_was_changed_just_after_git_looked_is_seen(small, tmp_path):
    """By size and time it is the file of the index; git sees that the index is no younger."""
    small.git("config", "core.trustctime", "false")  # which cannot be set, as the other time can
    then = (1_000_000_000, 1_000_000_000)
    for text in ("second", "sixsix"):
        (small.top / "file.txt").write_text(text)
        os.utime(small.top / "file.txt", then)
        if text == "second":
            small.git("add", "file.txt")
    os.utime(small.top / ".git/index", then)
    assert repositories.Repository.around(small.top, tmp_path).changed() == ["file.txt"]


def test_settings_for_a_folder_and_without_a_value_hold(small, tmp_path, monkeypatch):
    included, config = tmp_path / "included", tmp_path / "config"
    included.write_text("[core]\n\tautocrlf\n")
    config.write_text(f'[includeIf "gitdir:{small.top}/"]\n\tpath = {included}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    (small.top / "lines.txt").write_text("one\ntwo\n")
    small.commit()
    with workspace() as folder:
        assert (taken(small, folder)["head"].folder / "lines.txt").read_bytes() == b"one\r\ntwo\r\n"


def test_what_stands_for_another_commit(small):
    small.git("replace", "HEAD", "HEAD~1")
    with workspace() as folder:
        found = taken(small, folder, base="HEAD")
        assert (found["head"].folder / "file.txt").read_text() == "first"


@pytest.mark.parametrize(
    "name",
    ["with space", "new\nline", '"quoted', "é", b"\xff\r".decode("utf-8", "surrogateescape")],
)
def test_a_folder_of_any_name(tmp_path, name):
    repository = made(tmp_path / name, "file.txt")
    (repository.top / "file.txt").write_text("third")
    with workspace() as folder:
        assert (taken(repository, folder)["head"].folder / "file.txt").read_text() == "second"
        assert repositories.Repository.around(repository.top, folder).changed() == ["file.txt"]


# Submodules


def test_submodules_are_checked_out_as_each_revision_has_them(tmp_path):
    outer, _ = with_submodule(tmp_path)
    before = all_of(outer.top)
    with workspace() as folder:
        found = taken(outer, folder)
        texts = [(found[n].folder / "parts/inner/inner.txt").read_text() for n in ("base", "head")]
        assert [found[name].absent for name in ("base", "head")] == [(), ()]
    assert texts == ["first", "second"]
    assert all_of(outer.top) == before


def test_submodules_of_submodules(tmp_path):
    _, inner = with_submodule(tmp_path)
    top = made(tmp_path / "top", "file.txt")
    top.git(*ANYWHERE, "submodule", "--quiet", "add", str(tmp_path / "outer"), "outer")
    top.git(*ANYWHERE, "submodule", "--quiet", "update", "--init", "--recursive")
    top.commit()
    with workspace() as folder:
        found = taken(top, folder)["head"]
        assert (found.folder / "outer/parts/inner/inner.txt").read_text() == "second"
        assert found.absent == ()
    assert inner.git("status", "--porcelain") == ""


def test_a_submodule_of_an_earlier_revision_is_found_among_git_s_own_files(tmp_path):
    outer, inner = with_submodule(tmp_path)
    outer.git("rm", "--quiet", "parts/inner")
    outer.commit("without it")
    inner.top.rename(tmp_path / "away")
    before = all_of(outer.top)
    with workspace() as folder:
        found = taken(outer, folder)
        assert (found["base"].folder / "parts/inner/inner.txt").read_text() == "second"
        assert not (found["head"].folder / "parts/inner").exists()
    assert all_of(outer.top) == before


def test_a_commit_of_a_submodule_that_is_not_here_is_fetched(tmp_path):
    outer, inner = with_submodule(tmp_path)
    (inner.top / "inner.txt").write_text("third")
    newest = inner.commit("third")
    outer.git("update-index", "--cacheinfo", f"160000,{newest},parts/inner")
    outer.git("commit", "--quiet", "--message", "a commit that was never fetched")
    before = all_of(outer.top)
    with workspace() as folder:
        found = taken(outer, folder)["head"]
        assert (found.folder / "parts/inner/inner.txt").read_text() == "third"
    inner.top.rename(tmp_path / "away")
    with workspace() as folder:
        found = taken(outer, folder)
        assert (found["head"].absent, found["base"].absent) == (("parts/inner",), ())
    assert all_of(outer.top) == before


# Which commits, which project


def test_head_answers_for_its_own_changes_alone(small, tmp_path):
    small.git("checkout", "--quiet", "-b", "feature", "HEAD~1")
    (small.top / "docs.txt").write_text("docs")
    feature = small.commit("docs alone")
    began = small.git("rev-parse", "HEAD~1")
    here = repositories.Repository.around(small.top, tmp_path)
    main, head = here.revision("main"), here.revision("feature")
    base = here.merge_base(main, head)
    assert (base.commit, base.given) == (began, "where feature left main")
    assert here.merge_base(base, head) == base  # nothing has come since
    assert head.commit == feature
    with pytest.raises(UsageError, match="feature~1 is older than main"):
        here.merge_base(main, here.revision("feature~1"))


def test_a_project_in_a_folder_of_its_own(small, tmp_path):
    project = small.top / "packages/one"
    (project / "src/deep").mkdir(parents=True)
    (project / "juliapkg.json").write_text("{}")
    for folder, numpy in ((project, "2.0"), (small.top, "1.0")):
        (folder / "pyproject.toml").write_text("[project]\nname = 'x'\nversion = '1'\n")
        (folder / "uv.lock").write_text(f"numpy {numpy}")
    (small.top / "packages/two").mkdir()
    (small.top / "packages/two/uv.lock").write_text("another one's")
    small.commit()
    here = repositories.Repository.around(project / "src/deep", tmp_path)
    assert str(here.project) == "packages/one"
    assert here.paths(small.top) == (project, project / "src", small.top)
    base = here.revision("HEAD")
    assert sorted(here.dependencies(base)) == [
        *("packages/one/juliapkg.json", "packages/one/pyproject.toml", "packages/one/uv.lock"),
        *("pyproject.toml", "uv.lock"),
    ]
    (project / "uv.lock").write_text("numpy 2.1")
    (project / "juliapkg.json").write_text('{"julia": "1.11"}')
    (small.top / "packages/two/uv.lock").write_text("changed")
    small.commit()
    assert here.differing(base, here.revision("HEAD")) == [
        "packages/one/juliapkg.json",
        "packages/one/uv.lock",
    ]
    other = repositories.Repository.around(small.top / "packages/two", tmp_path)
    assert str(other.project) == "."


# The folder that a gate works in


def test_what_a_killed_gate_has_left_is_removed_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed, working, strange, linked, marked = (tmp_path / f"bench-gate-{name}" for name in "abcde")
    for folder in (killed, working, strange, marked):
        (folder / "base").mkdir(parents=True)
    linked.symlink_to(strange)
    another_file = tmp_path.with_suffix(".mark")  # which is not to be opened
    another_file.touch()
    (marked / MARK).symlink_to(another_file)
    for folder in (killed, working):
        (folder / MARK).touch()
    with (working / MARK).open() as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        with workspace() as folder:
            assert folder.parent == tmp_path
            assert {path.name for path in tmp_path.iterdir()} == {
                *(folder.name, working.name, strange.name, linked.name, marked.name)
            }
            with workspace() as another:  # two gates at once
                assert folder.is_dir()
                assert another != folder
    assert {path.name for path in tmp_path.iterdir()} == {
        *(working.name, strange.name, linked.name, marked.name)
    }


def test_what_cannot_be_removed_yet_is_for_the_next_gate(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    real, refused = shutil.rmtree, []

    def refuse_once(path, **options):
        if not refused:
            refused.append(path)
            raise OSError("a program writes here")
        real(path, **options)

    monkeypatch.setattr(shutil, "rmtree", refuse_once)
    with workspace() as folder:
        (folder / "written").mkdir()
        (folder / "written/locked").mkdir(mode=0o555)
    assert refused
    assert (folder / MARK).is_file()
    with workspace():
        assert not folder.exists()
    assert not list(tmp_path.iterdir())


def test_a_gate_that_is_killed_leaves_a_mark_that_nobody_holds(tmp_path):
    program = (
        "import os, signal\nfrom bench.gate.workspace import workspace\n"
        "with workspace() as folder:\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    (left,) = tmp_path.glob("bench-gate-*")
    with (left / MARK).open() as mark:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_an_interruption_takes_the_folder_along(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def use() -> None:
        with workspace() as folder:
            (folder / "left.txt").write_text("by a program")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert not list(tmp_path.iterdir())


def test_what_git_complains_of_is_told_with_what_it_says_to_type():
    unsafe = """fatal: detected dubious ownership in repository at '/x'
To add an exception for this directory, call:

\tgit config --global --add safe.directory /x
"""
    assert git.complaint(unsafe) == (
        "fatal: detected dubious ownership in repository at '/x'; "
        "type `git config --global --add safe.directory /x`"
    )
    full = "warning: a\nfatal: could not write: No space left on device\n"
    assert git.complaint(full) == "fatal: could not write: No space left on device"
    assert git.complaint("error: one\nerror: other") == "error: other"
    assert git.complaint("") == "no message"


def test_a_place_for_temporary_files_without_room_is_named(small, full_disk):
    folder = full_disk(1 << 16)
    with pytest.raises(UsageError, match=r"cannot write to .*: .*; make room, or name another pl"):
        repositories.Repository.around(small.top, folder).changed()
