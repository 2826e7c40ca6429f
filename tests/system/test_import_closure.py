"""The closure of imports, on packages that are made for it."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES, PathFinder

import pytest

from bench.errors import BenchError
from bench.system.import_closure import import_closure


@pytest.fixture
def closure(tmp_path):
    """Writes files of a package `mine`, and gives the names of what is reached from a root."""

    def closure(files, root="mine.start", packages=("mine",)):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        found = import_closure([root], packages, lambda name: PathFinder.find_spec(name, [path_]))
        assert all(module.file is None or module.file.is_file() for module in found.values())
        return set(found)

    path_ = str(tmp_path)
    return closure


INIT = {"mine/__init__.py": "", "mine/inner/__init__.py": "", "mine/inner/a.py": "value = 1"}


@pytest.mark.parametrize(
    "statement",
    [
        "import mine.inner.a",
        "import numpy, mine.inner.a as other",
        "from mine.inner import a",
        "from mine.inner.a import value",
        "from .inner import a",
        "from .inner.a import value as other",
        "from . import inner\nfrom mine.inner import (\n    a,\n)",
        "def late():\n    from mine.inner import a",
        "class Late:\n    async def go(self):\n        import mine.inner.a",
        "with open('x') as file:\n    import mine.inner.a",
        "for each in ():\n    pass\nelse:\n    import mine.inner.a",
        "match 1:\n    case 1:\n        import mine.inner.a",
        "try:\n    pass\nexcept ValueError:\n    import mine.inner.a",
        "try:\n    import mine.inner.a\nexcept ImportError:\n    pass",
        "if TYPE_CHECKING:\n    import mine.never\nelse:\n    import mine.inner.a",
    ],
)
def test_every_form_of_an_import_is_followed(closure, statement):
    found = closure({**INIT, "mine/start.py": statement})
    assert found == {"mine", "mine.start", "mine.inner", "mine.inner.a"}


def test_from_module_to_module_and_in_a_circle(closure):
    files = {"mine/start.py": "from mine.inner import a", "mine/inner/a.py": "from .. import b"}
    found = closure({**INIT, **files, "mine/b.py": "import mine.start", "mine/unused.py": ""})
    assert found == {"mine", "mine.start", "mine.inner", "mine.inner.a", "mine.b"}


def test_what_a_package_imports_when_it_is_imported(closure):
    files = {"mine/start.py": "import mine.inner", "mine/inner/__init__.py": "from .a import value"}
    assert "mine.inner.a" in closure({**INIT, **files})


def test_other_packages_are_not_followed(closure):
    files = {"mine/start.py": "import other, numpy, nowhere", "other.py": "import mine.gone"}
    assert closure({**INIT, **files}) == {"mine", "mine.start"}
    with pytest.raises(BenchError, match=r"mine\.gone"):
        closure({}, packages=("mine", "other"))


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import mine.moved", "mine.moved"),
        ("from mine.moved import value", "mine.moved"),
        ("from mine.inner import moved", "mine.inner.moved"),
        ("def late():\n    from .inner import moved", "mine.inner.moved"),
        ("import mine.inner.a.moved", "mine.inner.a.moved"),
        ("try:\n    import mine.moved\nexcept ValueError:\n    pass", "mine.moved"),
        ("try:\n    pass\nexcept ImportError:\n    import mine.moved", "mine.moved"),
    ],
)
def test_a_module_that_is_not_there_is_named(closure, statement, name):
    with pytest.raises(BenchError, match=rf"start\.py imports {name}, and no file"):
        closure({**INIT, "mine/start.py": statement})


def test_a_local_name_of_a_package_is_none_that_can_be_imported(closure):
    init = (
        "def names():\n    moved = 1\n    return [moved for moved in ()]\nall = [no for no in ()]"
    )
    for name in ("moved", "no"):
        start = {"mine/start.py": f"from mine.inner import {name}", "mine/inner/__init__.py": init}
        with pytest.raises(BenchError, match=f"mine.inner.{name}"):
            closure({**INIT, **start})


@pytest.mark.parametrize(
    "init",
    [
        "name = 1",
        "name: int = 1",
        "one, (name, *others) = 1, (2, 3)",
        "def name(): ...",
        "class name: ...",
        "import name",
        "import name.inner",
        "from other import any as name",
        "if 1:\n    name = 1\nelse:\n    name = 2",
        "try:\n    from other import name\nexcept ImportError:\n    pass",
        "from other import *",
        "def __getattr__(name): ...",
    ],
)
def test_names_of_a_package_are_no_modules(closure, init):
    files = {
        "mine/start.py": "from mine.inner import name, __path__",
        "mine/inner/__init__.py": init,
    }
    assert closure({**INIT, **files}) == {"mine", "mine.start", "mine.inner"}


@pytest.mark.parametrize(
    "caught", ["ImportError", "(KeyError, ModuleNotFoundError)", "Exception", ""]
)
def test_what_a_source_goes_on_without_may_be_absent_and_counts_where_it_is_not(closure, caught):
    start = f"try:\n    from mine._version import version\nexcept {caught}:\n    version = '0'"
    assert closure({**INIT, "mine/start.py": start}) == {"mine", "mine.start"}
    assert "mine._version" in closure({"mine/_version.py": "version = '1'"})


def test_a_star_brings_the_modules_that_are_listed(closure):
    init = "from mine.inner.a import value\n__all__ = ['value', 'b']"
    files = {"mine/start.py": "from .inner import *", "mine/inner/__init__.py": init}
    found = closure({**INIT, **files, "mine/inner/b.py": "", "mine/inner/c.py": ""})
    assert found == {"mine", "mine.start", "mine.inner", "mine.inner.a", "mine.inner.b"}


def test_folders_without_init_and_compiled_modules(closure):
    files = {"mine/start.py": "from mine.bare.inner import a, fast", "mine/bare/inner/a.py": ""}
    compiled = f"mine/bare/inner/fast{EXTENSION_SUFFIXES[0]}"
    found = closure({**INIT, **files, compiled: "not Python"})
    inner = {"mine.bare.inner", "mine.bare.inner.a", "mine.bare.inner.fast"}
    assert found == {"mine", "mine.start", "mine.bare"} | inner
    with pytest.raises(BenchError, match=r"mine\.bare\.inner\.moved"):
        closure({**INIT, **files, "mine/start.py": "from mine.bare.inner import moved"})


def test_a_package_comes_before_a_module_of_the_same_name(closure):
    files = {"mine/start.py": "import mine.a", "mine/a/__init__.py": "from . import b"}
    assert "mine.a.b" in closure(
        {**INIT, **files, "mine/a.py": "import mine.gone", "mine/a/b.py": ""}
    )


def test_one_file_alone(closure):
    assert closure({"lone.py": "import json"}, root="lone", packages=("lone",)) == {"lone"}
    with pytest.raises(BenchError, match="imports nowhere"):
        closure({}, root="nowhere", packages=("nowhere",))


def test_a_source_that_has_changed_is_read_anew(closure):
    assert closure({**INIT, "mine/start.py": "import mine"}) == {"mine", "mine.start"}
    assert "mine.inner.a" in closure({"mine/start.py": "import mine.inner.a"})


def test_what_is_not_python_is_told(closure):
    with pytest.raises(BenchError, match=r"start\.py cannot be read as Python"):
        closure({**INIT, "mine/start.py": "import"})
