"""CITATION.cff is of this version."""

from __future__ import annotations

import re

import bench
from tests.docs.pages import ROOT


def test_it_cites_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", text, re.MULTILINE) == [bench.__version__]
