"""Environments for revisions that want different packages: made before any clock runs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from bench.errors import BenchError

INSTALL_LIMIT_S = 3600.0
TAIL_LINES = 12


def build(checkout: Path, folder: Path, frameworks: tuple[str, ...]) -> Path:
    """A virtual environment with the checkout and what the frameworks need; its interpreter.

    Versions are those of the checkout's constraints.txt, where it has one. BenchError with the end
    of pip's words where that fails.
    """
    _run([sys.executable, "-m", "venv", str(folder)], checkout)
    python = folder / "bin" / "python"
    extras = _extras(checkout, frameworks)
    wanted = f"{checkout}[{','.join(extras)}]" if extras else str(checkout)
    locked = checkout / "constraints.txt"
    constraints = ["-c", str(locked)] if locked.is_file() else []
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    _run([str(python), "-m", "pip", "install", *quiet, *constraints, "-e", wanted], checkout)
    return python


def _extras(checkout: Path, frameworks: tuple[str, ...]) -> list[str]:
    """The extras of the checkout that are named as the frameworks are, without their variants."""
    try:
        text = (checkout / "pyproject.toml").read_text(encoding="utf-8")
        offered = tomllib.loads(text).get("project", {}).get("optional-dependencies", {})
    except (OSError, tomllib.TOMLDecodeError):
        return []
    return [name for name in dict.fromkeys(f.split(":")[0] for f in frameworks) if name in offered]


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INSTALL_LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{command[1:4]} took over {INSTALL_LIMIT_S:.0f} s") from error
    if done.returncode:
        tail = "\n    ".join(done.stderr.splitlines()[-TAIL_LINES:])
        raise BenchError(f"the environment for {folder.name} cannot be made:\n    {tail}")
