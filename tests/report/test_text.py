"""Whatever a record's texts hold, they show as text and break nothing."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from report.text import encodable, markdown_cell, markdown_code, plain, spreadsheet_cell

HOSTILE = (
    "a|b",
    "a\\|b",
    "\\",
    "a\nb\r\n| c |",
    "`",
    "``` `` `",
    "<img src=x onerror=alert(1)>",
    "<!-- ",
    "</code></details>",
    "&lt;&#124;",
    "**bold** _it_ ~~x~~ # 1",
    "[x](javascript:alert(1)) ![y](http://z) <http://a.b>",
    "@everyone closes #1 www.evil.test https://evil.test $x$",
    "\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x07\x00\x9b",
    "\u202egnp.exe\u200b\ufeff",
    "[bold red]x[/] [link=http://x]y[/link] :boom:",
    "=1+1",
    "naïve 网络 Сеть ネット 🚀",
    "x" * 300,
    "",
    "   ",
)


unhurried = settings(deadline=None, max_examples=60)  # machines are shared


def hostile(*more: str) -> st.SearchStrategy[str]:
    pieces = st.sampled_from(
        [*HOSTILE, *more, "|", "`", "\\", "<", "&", "\n", "_", "*", "www.", " "]
    )
    return st.one_of(
        st.sampled_from(HOSTILE),
        st.lists(pieces, max_size=6).map("".join),
        st.text(st.characters(exclude_categories=()), max_size=80),
    )


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(text)


def visible(inline: Token) -> str:
    """The text of a paragraph or cell in which only <code> is markup."""
    assert {token.type for token in inline.children or []} <= {
        "text",
        "text_special",
        "html_inline",
    }
    tags = [token.content for token in inline.children or [] if token.type == "html_inline"]
    assert set(tags) <= {"<code>", "</code>"}
    return "".join(t.content for t in inline.children or [] if t.type != "html_inline")


@unhurried
@given(hostile())
@example("a\\|b")
@example("\\")
def test_a_cell_shows_its_text_and_leaves_the_table_whole(text: str) -> None:
    tokens = parsed(f"| a | b |\n| --- | --- |\n| {markdown_cell(text)} | end |\n")
    assert [token.type for token in tokens if token.type.endswith("_open")] == [
        *("table_open", "thead_open", "tr_open", "th_open", "th_open"),
        *("tbody_open", "tr_open", "td_open", "td_open"),
    ]
    cells = [token for token in tokens if token.type == "inline"]
    assert visible(cells[2]) == plain(text, 40)
    assert cells[3].content == "end"


@unhurried
@given(hostile())
def test_code_shows_its_text_and_leaves_the_list_whole(text: str) -> None:
    tokens = parsed(f"- {markdown_code(text)}: after\n- next\n")
    assert [token.type for token in tokens].count("list_item_open") == 2
    first, second = [token for token in tokens if token.type == "inline"]
    children = first.children or []
    assert [token.type for token in children] == ["code_inline", "text"]
    assert children[0].content == (plain(text, 300) or " ")
    assert second.content == "next"


@unhurried
@given(hostile())
def test_plain_is_one_line_without_controls(text: str) -> None:
    shown = plain(text)
    assert not any(unicodedata.category(character)[0] == "C" for character in shown)
    assert not re.search(r"[\u2028\u2029]", shown)
    assert plain(shown) == shown
    shown.encode()


@pytest.mark.parametrize("text", ["torch", "2.9.1+cpu", "fashion-mnist", "lenet5_relu", "Сеть-5"])
def test_ordinary_names_stay_readable_in_the_source(text: str) -> None:
    assert markdown_cell(text) == text


@pytest.mark.parametrize("text", ["www.evil.test", "see WWW.evil.test", "http://evil.test"])
def test_addresses_become_no_links(text: str) -> None:
    assert markdown_cell(text).startswith("<code>")
    assert not re.search(r"www\.|://", markdown_cell(text), re.IGNORECASE)


def test_long_text_is_shortened() -> None:
    assert markdown_cell("x" * 300) == f"<code>{'x' * 39}…</code>"
    assert len(plain("x" * 300, 40)) == 40


def test_terminal_colours_go_and_other_controls_show() -> None:
    assert plain("\x1b[1;31mred\x1b[0m\x00 a\tb") == "red\ufffd a b"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n@", " =", "＝"])
def test_no_cell_begins_as_a_formula(start: str) -> None:
    assert spreadsheet_cell(f"{start}cmd|' /C calc'!A0")[0] == "'"


@unhurried
@given(hostile())
def test_spreadsheet_cells_never_begin_as_a_formula(text: str) -> None:
    assert not spreadsheet_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_other_text_is_left_as_it_is() -> None:
    assert spreadsheet_cell("a = b, \"c\" | 'd'") == "a = b, \"c\" | 'd'"


@unhurried
@given(hostile(), st.sampled_from(["ascii", "cp1252", "latin-1", "utf-8"]))
def test_encodable_can_be_encoded(text: str, encoding: str) -> None:
    encodable(plain(text), encoding).encode(encoding)


def test_signs_have_a_spelling_in_ascii() -> None:
    assert encodable("98.1 ± 0.2 – é", "ascii") == "98.1 +/- 0.2 - ?"
    assert encodable("−3 · it’s …", "ascii") == "-3 | it's ..."
