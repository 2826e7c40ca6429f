"""How valid input is damaged: bytes that are changed, cut, repeated; documents that say other."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

# What sizes in headers go wrong with.
NUMBERS = (0, 1, 2, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
FORMATS = ("B", "<H", ">H", "<I", ">I", "<Q", ">Q")
DEEP = "a value that is nested deep"  # stands for brackets, put in once all is text
WORDS = ("", "a", "cpu", "../../etc/passwd", "\0", "\ud800", "=1+1", "<b>", "\x1b[31m", "9" * 400)


@st.composite
def damaged(draw: Draw, contents: Sequence[bytes]) -> bytes:
    """One of the contents, with up to eight faults; now and then whole."""
    content = bytearray(draw(st.sampled_from(contents)))
    for _ in range(draw(st.integers(0, 8))):
        if not content:
            break
        _FAULTS[draw(st.integers(0, len(_FAULTS) - 1))](draw, content, contents)
    return bytes(content)


def _place(draw: Draw, content: bytearray) -> int:
    """Anywhere, but as often within a header or at the end, where zip has its directory."""
    last = len(content) - 1
    near = draw(st.integers(0, 2))
    if near == 0:
        return int(draw(st.integers(0, last)))
    if near == 1:
        return int(draw(st.integers(0, min(last, 128))))
    return int(last - draw(st.integers(0, min(last, 128))))


def _flip(draw: Draw, content: bytearray, _: Sequence[bytes]) -> None:
    content[_place(draw, content)] ^= 1 << draw(st.integers(0, 7))


def _number(draw: Draw, content: bytearray, _: Sequence[bytes]) -> None:
    """A size that announces too much, or too little."""
    kind = draw(st.sampled_from(FORMATS))
    at, size = _place(draw, content), struct.calcsize(kind)
    value = draw(st.sampled_from(NUMBERS)) % 2 ** (8 * size)
    content[at : at + size] = struct.pack(kind, value)


def _cut(draw: Draw, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(draw, content)
    del content[at : draw(st.one_of(st.just(len(content)), st.integers(at, len(content))))]


def _repeat(draw: Draw, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(draw, content)
    piece = content[at : at + draw(st.integers(1, 64))]
    content[at:at] = piece * draw(st.integers(1, 20))


def _insert(draw: Draw, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(draw, content)
    content[at:at] = draw(st.binary(max_size=16))


def _exchange(draw: Draw, content: bytearray, _: Sequence[bytes]) -> None:
    """Two sizes of a header for each other, or any two places."""
    one, other = _place(draw, content), _place(draw, content)
    size = draw(st.sampled_from((1, 2, 4, 8)))
    if abs(one - other) >= size and max(one, other) + size <= len(content):
        first = content[one : one + size]
        content[one : one + size] = content[other : other + size]
        content[other : other + size] = first


def _splice(draw: Draw, content: bytearray, contents: Sequence[bytes]) -> None:
    other = draw(st.sampled_from(contents))
    at = _place(draw, content)
    content[at:] = other[min(at, len(other)) :]


_FAULTS = (_flip, _number, _cut, _repeat, _insert, _exchange, _splice)


def values() -> st.SearchStrategy[Any]:
    """What stands in a document where something else belongs."""
    plain = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 3),
        st.sampled_from([10**18, 2**63, 10**400, -(10**30)]),
        st.floats(),
        st.sampled_from(WORDS),
        st.text(max_size=5),
        st.just(DEEP),
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=5,
    )


@st.composite
def changed(draw: Draw, documents: Sequence[Any]) -> Any:
    """One of the documents, of which up to four values are others, gone, twice there or new."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 4))):
        document = _edited(draw, document)
    return document


def _edited(draw: Draw, document: Any) -> Any:
    keys: list[Any] = []
    inner = document
    while isinstance(inner, (dict, list)) and inner and (not keys or draw(st.integers(0, 3))):
        own = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        keys.append(draw(st.sampled_from(own)))
        inner = inner[keys[-1]]
    if not keys:
        return draw(values())
    holder = document
    for key in keys[:-1]:
        holder = holder[key]
    how = draw(st.integers(0, 4))
    if how == 0:
        del holder[keys[-1]]
    elif how == 1 and isinstance(holder, list):
        holder.insert(keys[-1], copy.deepcopy(inner))
    elif how == 2 and isinstance(holder, dict):
        holder[draw(st.text(max_size=5))] = draw(values())
    elif how == 3 and isinstance(inner, (int, float)):
        holder[keys[-1]] = draw(st.sampled_from([-inner, inner + 1, 1e300, str(inner)[:50]]))
    else:
        holder[keys[-1]] = draw(values())
    return document


def as_json(document: Any) -> bytes:
    """The text of a document, with NaN, infinities and what is nested deep as they come."""
    text = json.dumps(document)
    for place in range(text.count(json.dumps(DEEP))):
        depth = (50, 5_000, 100_000)[place % 3]
        text = text.replace(json.dumps(DEEP), "[" * depth + "]" * depth, 1)
    return text.encode("utf-8", "surrogatepass")
