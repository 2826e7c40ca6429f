"""What tests of several parts need, and the option that runs a part of them all."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.frameworks.spec import installed_here
from bench.system import interpreter


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--part",
        metavar="K/N",
        help="run the tests of part K of N alone, from 0; where a test belongs is in its name",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.getoption("--part")
    if part is None:
        return
    found = re.fullmatch(r"(\d+)/([1-9]\d*)", part)
    if found is None or int(found[1]) >= int(found[2]):
        raise pytest.UsageError(f"--part {part} is not possible: give K/N with K below N")
    number, parts = map(int, found.groups())
    chosen = [item for item in items if _place(item) % parts == number]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def _place(item: pytest.Item) -> int:
    """Where a test belongs: by its name, or where its mark says."""
    marker = item.get_closest_marker("part")
    return int(marker.args[0]) if marker else zlib.crc32(item.nodeid.encode())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A part of a small suite may well be empty."""
    if session.config.getoption("--part") and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves anything among the user's caches, unless a person has named a folder."""
    with pytest.MonkeyPatch.context() as patch:
        if "LENET_BENCH_CACHE" not in os.environ:
            patch.setenv("LENET_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def libraries_stay_in_memory() -> Iterator[None]:
    """A run reads no framework from the disk anew: the suite's time would be that of the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interpreter, "packages", tuple)
        yield


@pytest.fixture
def locked_jaxlib(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A version that Flax' switch is for, whichever is installed."""
    version = importlib.metadata.version
    installed_here.cache_clear()
    monkeypatch.setattr(
        importlib.metadata,
        "version",
        lambda name: "0.10.1" if name == "jaxlib" else version(name),
    )
    yield
    installed_here.cache_clear()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a folder on a disk of its own, of so many bytes, with a file that takes up `filled`."""
    with ExitStack() as stack:

        def made(size: int, filled: int | None = None) -> Path:
            folder = tmp_path / "full"
            folder.mkdir()
            mount = shutil.which("mount")
            command = [str(mount), "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
            if not mount or subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip("no disk can be mounted here")
            stack.callback(subprocess.run, ["umount", str(folder)], check=True)
            (folder / "filler").write_bytes(bytes(size if filled is None else filled))
            return folder

        yield made
