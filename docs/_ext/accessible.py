"""What the theme leaves to be desired for those who use a keyboard or have a page read to them.

A block of code or a table that scrolls can be reached with the Tab key, the two side bars have
names, captions of the navigation have a level, the page of the search has a heading, and a cell
of a table's head that is empty is no heading.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

REPLACED = {
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<aside class="sidebar-drawer"': '<aside aria-label="All pages" class="sidebar-drawer"',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
}
# None of them is found again in a page that has had them.
EMPTY_HEADING = re.compile(r'<th class="(head[^"]*)"><p></p></th>')
SEARCH = {'\n<div id="search-results">': '\n<h1>Search</h1><div id="search-results">'}


def _finish(site: Sphinx, fault: Exception | None) -> None:
    if fault is not None or site.builder.format != "html":
        return
    for path in Path(site.outdir).rglob("*.html"):
        if "_downloads" in path.parts:  # pages of reports, which are complete
            continue
        text = path.read_text(encoding="utf-8")
        for old, new in (REPLACED | (SEARCH if path.name == "search.html" else {})).items():
            text = text.replace(old, new)
        text = EMPTY_HEADING.sub(r'<td class="\1"></td>', text)
        path.write_text(text, encoding="utf-8")


def setup(site: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    site.connect("build-finished", _finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
