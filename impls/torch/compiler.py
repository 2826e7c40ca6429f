"""The C++ compiler that torch.compile starts; found without importing PyTorch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

USUAL = "clang++" if sys.platform == "darwin" else "g++"
TIMEOUT_S = 20


class CppCompiler:
    """See `bench.frameworks.Tools`."""

    def missing(self) -> str | None:
        """Whether there is no compiler, or none of Python's headers that its code includes."""
        if not self._path():
            given = f" (CXX={os.environ['CXX']})" if os.environ.get("CXX") else ""
            return (
                f"torch.compile needs a C++ compiler, and there is no {self._name()}{given} on the "
                "PATH: install one, for instance with apt install g++, or name one in CXX"
            )
        header = Path(sysconfig.get_path("include")) / "Python.h"
        if not header.exists():
            return (
                f"torch.compile needs Python's headers, and there is no {header}: install them, "
                "for instance with apt install python3-dev"
            )
        return None

    def locked(self) -> str:
        """The compiler's version, in the line that it prints first."""
        path = self._path()
        if not path:
            return "none"
        try:
            done = subprocess.run(
                [path, "--version"],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"unknown: {error}"
        return done.stdout.partition("\n")[0] or "unknown"

    def _name(self) -> str:
        return os.environ.get("CXX") or USUAL

    def _path(self) -> str | None:
        return shutil.which(self._name())


CPP_COMPILER = CppCompiler()
