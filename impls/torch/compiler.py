"""The C++ compiler that torch.compile starts; found without importing PyTorch."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from bench.frameworks import Program


class CppCompiler(Program):
    """With Python's headers, which the code that it compiles includes."""

    def missing(self) -> str | None:
        """See `Tools.missing`."""
        if reason := super().missing():
            return reason
        header = Path(sysconfig.get_path("include")) / "Python.h"
        if not header.exists():
            return (
                f"torch.compile needs Python's headers, and there is no {header}: install them, "
                "for instance with apt install python3-dev"
            )
        return None


CPP_COMPILER = CppCompiler(
    usual="clang++" if sys.platform == "darwin" else "g++",
    what="a C++ compiler",
    user="torch.compile",
    advice="apt install g++",
    variable="CXX",
)
