"""What usually makes a check fail is told of every check that there is."""

from __future__ import annotations

import ast
from pathlib import Path

from bench.verification import causes, examination


def test_each_check_has_its_usual_causes_and_no_other():
    calls = [
        node
        for node in ast.walk(ast.parse(Path(examination.__file__).read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_check"
    ]
    names = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert len(names) > 15
    assert causes.USUAL.keys() == names


def test_they_read_as_the_end_of_a_sentence():
    for words in causes.USUAL.values():
        assert words[0].islower() or words.startswith("TF32")
        assert not words.endswith(".")
