"""1 means a regression and nothing else: the verdict comes first, and survives what comes after."""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli import app as cli
from bench.cli.commands.speed import gate as command
from bench.errors import BenchError
from bench.gate.result import Result
from bench.system import machine
from tests.gate.conftest import Repository
from tests.gate.test_summary import made

FOUND = {
    "pass": made(0.0),
    "regression": made(0.2, pairs=60),
    "inconclusive": made(0.2, pairs=8),
    "error": made(0.0, error="head: torch failed"),
}
FULL = Path("/dev/full")  # takes nothing that is written to it
CODES = {"pass": 0, "regression": 1, "error": 2, "inconclusive": 3}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one commit without files; nothing is written to it."""
    repository = Repository(tmp_path_factory.mktemp("empty"))
    repository.git("init", "--quiet")
    repository.commit()
    return repository.top


@pytest.fixture
def call(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`bench gate` in a repository, with all but the measuring; its exit code."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(machine, "busy_cpus", lambda: 0.0)  # looks for half a second
    monkeypatch.chdir(empty)

    def called(found: Result | BaseException, *arguments: str) -> int:
        def measured(*_: object) -> Result:
            if isinstance(found, BaseException):
                raise found
            return found

        monkeypatch.setattr(command, "_measure", measured)
        line = ["bench", "gate", "--base", "HEAD", "--frameworks", "reference", *arguments]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not list(temporary.iterdir())
        return int(ended.value.code)

    return called


@pytest.mark.parametrize("outcome", FOUND)
def test_every_outcome_has_its_code(call, outcome):
    assert call(FOUND[outcome]) == CODES[outcome]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BenchError("out of luck"), "error: out of luck\n"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (ZeroDivisionError("a fault of the program"), "Traceback"),
    ],
    ids=["known", "disk", "unknown"],
)
def test_an_error_before_the_verdict_is_no_regression(call, capsys, error, said):
    assert call(error) == 2
    assert said in capsys.readouterr().err


def test_an_interruption_is_no_regression(call):
    assert call(KeyboardInterrupt()) == 130


@pytest.mark.parametrize("outcome", ["pass", "regression"])
@pytest.mark.parametrize("option", ["--out", "--markdown"])
def test_a_full_disk_comes_after_the_verdict(call, capsys, full_disk, tmp_path, outcome, option):
    other = {"--out": "--markdown", "--markdown": "--out"}[option]
    spare = tmp_path / "spare"
    file = full_disk(4096) / "file"
    assert call(FOUND[outcome], option, str(file), other, str(spare)) == 2
    said = capsys.readouterr()
    assert f"{outcome}: " in said.out
    assert f"error: cannot write {file}: No space left on device" in said.err
    assert said.err.rstrip().endswith(f"the verdict is the one above: {outcome}")
    assert "Traceback" not in said.err
    assert spare.stat().st_size > 500  # the other file is there all the same


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_device_is_written_to_and_not_replaced(call, capsys, tmp_path):
    link = tmp_path / "full"
    link.symlink_to(FULL)
    assert call(FOUND["pass"], "--out", str(link)) == 2
    assert f"error: cannot write {link}: No space left on device" in capsys.readouterr().err
    assert link.is_symlink()
    assert FULL.is_char_device()


@pytest.mark.parametrize("outcome", FOUND)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_a_reader_that_has_gone_changes_no_verdict(call, monkeypatch, tmp_path, outcome, form):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        out = tmp_path / "gate.json"
        assert call(FOUND[outcome], *form, "--out", str(out)) == CODES[outcome]
        assert json.loads(out.read_text())["outcome"] == outcome


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_verdict_that_cannot_be_printed_is_an_error(call, monkeypatch, capsys, tmp_path):
    with FULL.open("w") as full_device:
        monkeypatch.setattr(sys, "stdout", full_device)
        assert call(FOUND["pass"], "--out", str(tmp_path / "gate.json")) == 2
    said = capsys.readouterr().err
    assert said.endswith("\nerror: cannot write to standard output: No space left on device\n")
    assert (tmp_path / "gate.json").is_file()


class _Found:
    def model_dump_json(self, indent: int) -> str:
        return '{"of": 1}'


def test_a_file_that_is_there_is_replaced_whole(tmp_path: Path) -> None:
    """A reader of the old one has all of it; a pipe is written into."""
    path = tmp_path / "gate.json"
    path.write_text("old")
    with path.open() as reader:
        command._write_json(path, _Found())  # type: ignore[arg-type]
        assert reader.read() == "old"
    assert path.read_text() == '{"of": 1}\n'
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    command._write_json(pipe, _Found())  # type: ignore[arg-type]
    assert os.read(end, 100) == b'{"of": 1}\n'
    os.close(end)
    assert pipe.is_fifo()
