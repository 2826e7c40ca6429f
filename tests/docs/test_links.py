"""Links within the documentation lead somewhere, also where a page is read without the site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.docs.pages import DOCS, MADE, ROOT, pages

OF_THE_SITE = [path for path in pages() if path.is_relative_to(DOCS)]


def _tokens(path: Path) -> list[Token]:
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8")):
        found += [token, *(token.children or ())]
    return found


def _anchors(path: Path) -> set[str]:
    """Of headings, as GitHub makes them and the site, too."""
    tokens = _tokens(path)
    titles = [
        tokens[place + 1].content
        for place, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for token in _tokens(path):
        link = str(token.attrGet("href") or token.attrGet("src") or "")
        if not link or re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{path.name} links to {link}"
        if anchor:
            assert anchor in _anchors(target), f"{path.name} links to {link}"


def test_every_page_is_in_the_navigation() -> None:
    """The site's build says so, too; here without its packages."""
    listed = re.findall(r"```{toctree}\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    entries = [line for block in listed for line in block.splitlines() if line[:1] not in ("", ":")]
    found = {path for entry in entries for path in DOCS.glob(f"{entry}.md")}
    assert {*OF_THE_SITE} - found == {DOCS / "index.md"}
    assert not any(path.is_relative_to(MADE) for path in found)


def test_files_that_are_named_exist() -> None:
    """In pages, docstrings and comments; what has happened since may be told in the changelog."""
    path = re.compile(r"\b(?:bench|docs|impls|report|tests)/[a-z_/]+\.(?:py|md|jl|toml)\b(?!\.)")
    parts = [ROOT / name for name in ("bench", "impls", "report", "tests")]
    files = [*pages(), *(file for part in parts for file in part.rglob("*.py"))]
    gone = {
        f"{file.relative_to(ROOT)} names {name}"
        for file in files
        if file.name != "CHANGELOG.md"
        for name in path.findall(file.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }
    assert gone == set()
