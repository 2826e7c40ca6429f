"""What `mutations.py` draws, of a source of a few lines."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = '''
@dataclass(frozen=True, slots=True)
class Pair:
    """Two, a docstring."""

    first: "Annotation" = 1

    def sum(self) -> "Annotation":
        return f"{self.first + 2}" if self.first > 2 and len(self) else None
'''
EXPECTED = {
    "@dataclass(frozen=False, slots=True)",
    "@dataclass(slots=True)",
    'first: "Annotation" = 2',
    'first: "Annotation" = 0',
    "return None",
    *(
        f"return {told} if self.first {of} len(self) else None"
        for told, of in (
            ('f"X{self.first + 2}"', "> 2 and"),
            ('f"{self.first + 2}"', "<= 2 and"),
            ('f"{self.first + 2}"', "> 3 and"),
            ('f"{self.first + 2}"', "> 1 and"),
            ('f"{self.first + 2}"', "> 2 or"),
        )
    ),
}


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, without the plugin beside it, which wants `coverage`."""
    plugin = ModuleType("mutation_plugin")
    plugin.PACKAGES = ("bench",)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mutation_plugin", plugin)
    path = Path(__file__).with_name("mutation_places.py")
    spec = importlib.util.spec_from_file_location("mutation_places", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mutation_places", module)  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_each_place_and_what_stands_there_then(places: ModuleType) -> None:
    found = [one for one in places.mutations("a.py", SOURCE) if one.possible(SOURCE)]
    assert {one.after.strip() for one in found} == EXPECTED
    assert len(found) == len(EXPECTED)
