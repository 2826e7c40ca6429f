"""The places of a source file where one line can be changed, and what stands there then.

What nobody could see by construction is no place: annotations, docstrings, and a dataclass's
`slots=True`, without which its objects take more memory and are the same otherwise. All else is
drawn, also what happens to be equivalent where it stands, such as an argument that is the default.
"""

from __future__ import annotations

import ast
import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutation_plugin import PACKAGES

NOT_DRAWN = ("impls/flux/", "impls/_julia/")  # their tests need Julia
OPPOSITE = {
    **{"==": "!=", "!=": "==", "<": ">=", "<=": "<", ">": "<=", ">=": ">"},
    **{"is": "is not", "is not": "is", "in": "not in", "not in": "in", "and": "or", "or": "and"},
    **{"+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "*", "**": "*"},
    **{"|": "&", "&": "|", "<<": ">>", ">>": "<<", "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="},
    **{"min": "max", "max": "min", "any": "all", "all": "any", "break": "continue"},
    **{"continue": "break", "True": "False", "False": "True"},
}
QUOTE = re.compile(r"[a-zA-Z]*(\"\"\"|'''|\"|')")


@dataclass(frozen=True, order=True)
class Mutation:
    """One line of one file, as it is and as it is to be tried."""

    path: str
    line: int  # from 1
    before: str
    after: str

    def of(self, source: str) -> str:
        lines = source.split("\n")
        lines[self.line - 1] = self.after
        return "\n".join(lines)

    def possible(self, source: str) -> bool:
        """Whether it is Python, and another program."""
        try:
            return ast.dump(ast.parse(self.of(source))) != ast.dump(ast.parse(source))
        except SyntaxError:
            return False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}\n    - {self.before.strip()}\n    + {self.after.strip()}"


def drawn(root: Path, seed: int, number: int) -> list[Mutation]:
    """So many mutations, no two of one line, each place as likely as the other."""
    paths = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    sources = {path.relative_to(root).as_posix(): path.read_text() for path in paths}
    places = sorted(
        mutation
        for path, source in sources.items()
        if not path.startswith(NOT_DRAWN)
        for mutation in mutations(path, source)
    )
    random.Random(seed).shuffle(places)
    chosen: dict[tuple[str, int], Mutation] = {}
    for mutation in places:
        if len(chosen) == number:
            break
        if mutation.possible(sources[mutation.path]):
            chosen.setdefault((mutation.path, mutation.line), mutation)
    return list(chosen.values())


def mutations(path: str, source: str) -> Iterator[Mutation]:
    """All that could be tried of a file; some of them are no Python."""
    lines = source.encode().split(b"\n")
    tree = ast.parse(source)
    kept = _kept(tree)
    for node in ast.walk(tree):
        for line, start, end, new in () if node in kept else _changes(node, lines):
            before = lines[line - 1]
            after = (before[:start] + new.encode() + before[end:]).rstrip()
            yield Mutation(path, line, before.decode(), after.decode())


def _kept(tree: ast.AST) -> set[ast.AST]:
    """What is left as it is: annotations, docstrings, slots, and the parts of an f-string."""
    kept: set[ast.AST] = set()
    for node in ast.walk(tree):
        roots = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.JoinedStr):
            roots += node.values
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            roots.append(node.value)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "dataclass":
            roots += [keyword.value for keyword in node.keywords if keyword.arg == "slots"]
        kept.update(itertools.chain(*(ast.walk(root) for root in roots if root)))
    return kept


# Line from 1, first byte, the byte behind the last one, and what is there instead.
Change = tuple[int, int, int, str]


def _changes(node: ast.AST, lines: list[bytes]) -> Iterator[Change]:
    yield from _other_operators(node, lines)
    yield from _other_conditions(node)
    yield from _other_values(node, lines)
    yield from _other_statements(node)
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if not (ast.unparse(node.func) == "dataclass" and keyword.arg == "slots"):
                yield from _dropped(keyword, lines)


def _other_operators(node: ast.AST, lines: list[bytes]) -> Iterator[Change]:
    match node:
        case ast.Compare():
            yield from _between([node.left, *node.comparators], lines)
        case ast.BoolOp():
            yield from _between(node.values, lines)
        case ast.BinOp():
            yield from _between([node.left, node.right], lines)
        case ast.AugAssign():
            yield from _between([node.target, node.value], lines)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.lineno, node.col_offset, node.operand.col_offset, ""


def _other_conditions(node: ast.AST) -> Iterator[Change]:
    """One that is neither a comparison nor made of several is turned round."""
    tests: list[ast.expr] = []
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        tests = [node.test]
    elif isinstance(node, ast.comprehension):
        tests = node.ifs
    for test in tests:
        if isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            yield test.lineno, test.col_offset, test.col_offset, "not "


def _other_values(node: ast.AST, lines: list[bytes]) -> Iterator[Change]:
    match node:
        case ast.Constant(value=bool()):
            yield from _instead(node, str(not node.value))
        case ast.Constant(value=int() | float() as value):
            yield from _instead(node, repr(value + 1))
            yield from _instead(node, repr(value - 1))
        case ast.Constant(value=str() | bytes()) | ast.JoinedStr():
            yield from _lengthened(node, lines)
        case ast.Slice():
            for bound in (node.lower, node.upper):
                if bound:
                    yield from _instead(bound, "")
        case ast.Call(func=ast.Name(id=name) as called) if name in OPPOSITE:
            yield from _instead(called, OPPOSITE[name])


def _other_statements(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Break() | ast.Continue():
            yield from _instead(node, OPPOSITE[type(node).__name__.lower()])
        case ast.Return(value=ast.expr() as value):
            yield from _instead(value, "None")
        case ast.Expr(value=ast.Call()):
            yield from _instead(node, "pass")


def _instead(node: ast.expr | ast.stmt, new: str) -> Iterator[Change]:
    if node.lineno == node.end_lineno and node.end_col_offset is not None:
        yield node.lineno, node.col_offset, node.end_col_offset, new


def _between(operands: list[ast.expr], lines: list[bytes]) -> Iterator[Change]:
    """What stands between two operands, where the second one's line has it."""
    for left, right in itertools.pairwise(operands):
        start = (left.end_col_offset or 0) if left.end_lineno == right.lineno else 0
        between = lines[right.lineno - 1][start : right.col_offset]
        operator = between.strip(b"() ").decode()
        if operator in OPPOSITE:
            start += between.index(operator.encode())
            yield right.lineno, start, start + len(operator), OPPOSITE[operator]


def _lengthened(node: ast.expr, lines: list[bytes]) -> Iterator[Change]:
    """A letter more at its beginning."""
    if node.lineno == node.end_lineno:
        opening = QUOTE.match(lines[node.lineno - 1][node.col_offset :].decode())
        if opening:
            start = node.col_offset + opening.end()
            yield node.lineno, start, start, "X"


def _dropped(keyword: ast.keyword, lines: list[bytes]) -> Iterator[Change]:
    """A keyword argument left out, and one comma with it."""
    if keyword.lineno != keyword.end_lineno or keyword.end_col_offset is None:
        return
    line, start, end = lines[keyword.lineno - 1], keyword.col_offset, keyword.end_col_offset
    if behind := re.match(rb"\s*,\s*", line[end:]):
        end += behind.end()
    elif before := re.search(rb"\s*,\s*$", line[:start]):
        start = before.start()
    yield keyword.lineno, start, end, ""
