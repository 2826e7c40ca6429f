"""Texts that are compared whole with a file; `GOLDEN=write` in the environment makes it anew."""

from __future__ import annotations

import os
from pathlib import Path


def assert_golden(path: Path, text: str) -> None:
    """That the file says this. What a new one says is to be read before it is committed."""
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
