"""What tests of several parts need."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest


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
