"""Environments for revisions that want different packages: made before any clock runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from bench.errors import BenchError
from bench.system import git
from bench.system.interpreter import OF_ANOTHER_PYTHON

INSTALL_LIMIT_S = 3600.0
TAIL_LINES = 12


def build(checkout: Path, project: Path, folder: Path, frameworks: tuple[str, ...]) -> Path:
    """A virtual environment with a project of the checkout and what the frameworks need.

    Versions are those of the nearest constraints.txt, in the project's folder or above it, where
    there is one. Returns the interpreter. BenchError with the end of pip's words where that fails.
    """
    if not project.is_dir():
        raise BenchError(f"this revision has no folder {project.relative_to(checkout)}")
    _run([sys.executable, "-m", "venv", str(folder)], project)
    python = folder / "bin" / "python"
    extras = _extras(project, frameworks)
    wanted = f"{project}[{','.join(extras)}]" if extras else str(project)
    around = (one for one in (project, *project.parents) if one.is_relative_to(checkout))
    locks = (one / "constraints.txt" for one in around)
    locked = next((lock for lock in locks if lock.is_file()), None)
    constraints = ["-c", str(locked)] if locked else []
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    _run([str(python), "-m", "pip", "install", *quiet, *constraints, "-e", wanted], project)
    return python


def _extras(project: Path, frameworks: tuple[str, ...]) -> list[str]:
    """The extras of the project that are named as the frameworks are, without their variants."""
    try:
        text = (project / "pyproject.toml").read_text(encoding="utf-8")
        offered = tomllib.loads(text).get("project", {}).get("optional-dependencies", {})
        names = dict.fromkeys(framework.split(":")[0] for framework in frameworks)
        return [name for name in names if name in offered]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError, TypeError):
        return []


def _run(command: list[str], folder: Path) -> None:
    env = git.outside_hooks(os.environ)
    for name in OF_ANOTHER_PYTHON:
        env.pop(name, None)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INSTALL_LIMIT_S,
            env=env,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{command[1:4]} took over {INSTALL_LIMIT_S:.0f} s") from error
    if done.returncode:
        tail = "\n    ".join(done.stderr.splitlines()[-TAIL_LINES:])
        raise BenchError(f"the environment for {folder.name} cannot be made:\n    {tail}")
