"""Which modules a process comes to run: found in sources, import by import, without running any."""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ModuleSpec,
)
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchError

Find = Callable[[str], ModuleSpec | None]
SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES)  # first come, first taken
IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Module(NamedTuple):
    """A module, and where it is.

    file     None where a folder is a package without `__init__.py`
    folders  where its submodules are looked for; none where it is no package
    """

    name: str
    file: Path | None
    folders: tuple[str, ...]


def import_closure(
    roots: Iterable[str], packages: Collection[str], find: Find = importlib.util.find_spec
) -> dict[str, Module]:
    """The roots and all that they come to import of some packages, with the packages around them.

    Imports within functions count, whether or not the function is called; those for type checkers
    alone do not, since nothing runs them. A module that is not there is left out only where the
    importing code itself goes on without it, in a `try` that catches ImportError.

    Args:
        roots: modules, such as `bench.worker.__main__`, each of one of the packages.
        packages: names without a dot. What is imported of others is not followed.
        find: where a package is, or a module without a dot; what is below is looked for there.

    Returns:
        Modules by name. They are those of the files as they are now: each file is read anew.

    Raises:
        BenchError: a module that is imported has no file, or a source is not Python.
    """
    search = _Search(find)
    found: dict[str, Module] = {}
    waiting = [module for root in roots for module in search.chain(root, "this program")]
    while waiting:
        module = waiting.pop()
        if module.name in found:
            continue
        found[module.name] = module
        for statement in search.outline(module).imports:
            waiting += _imported(statement, module, packages, search)
    return found


class _Import(NamedTuple):
    """An import as it is written.

    module    "" in `from . import name`
    names     what is taken from the module; none in `import module`
    level     dots before the module
    may_fail  whether the code goes on where there is no such module
    """

    module: str
    names: tuple[str, ...]
    level: int
    may_fail: bool


class _Outline(NamedTuple):
    """What a source says of its imports, and of the names that others can take from it.

    exported  what `__all__` lists
    is_open   whether it may have names that are not to be seen: of a star, `__getattr__` or a
              compiled module
    """

    imports: tuple[_Import, ...] = ()
    names: frozenset[str] = frozenset()
    exported: frozenset[str] = frozenset()
    is_open: bool = False


class _Search:
    """Looks for modules, once for each of them and each folder."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._modules: dict[str, Module | None] = {}
        self._outlines: dict[str, _Outline] = {}
        self._entries: dict[str, frozenset[str]] = {}

    def chain(self, name: str, importer: str, *, may_fail: bool = False) -> list[Module]:
        """The packages around a module and itself, as an import runs them."""
        parts = name.split(".")
        chain: list[Module] = []
        for end in range(1, len(parts) + 1):
            module = self.module(".".join(parts[:end]))
            if module is None:
                if may_fail:
                    break
                raise _missing(name, importer)
            chain.append(module)
        return chain

    def module(self, name: str) -> Module | None:
        """The module of that name, or None."""
        if name not in self._modules:
            package, _, last = name.rpartition(".")
            self._modules[name] = self._below(package, last) if package else self._on_path(name)
        return self._modules[name]

    def outline(self, module: Module) -> _Outline:
        """What a module's source says; of what is compiled nothing can be said."""
        if module.name not in self._outlines:
            self._outlines[module.name] = self._read(module)
        return self._outlines[module.name]

    def _read(self, module: Module) -> _Outline:
        if module.file is None:
            return _Outline()
        if module.file.suffix not in SOURCE_SUFFIXES:
            return _Outline(is_open=True)
        try:
            return _outline(module.file.read_bytes())
        except (OSError, SyntaxError, ValueError) as error:
            raise BenchError(f"{module.file} cannot be read as Python: {error}") from error

    def _on_path(self, name: str) -> Module | None:
        try:
            spec = self._find(name)
        except ValueError:  # a module that was made while the program ran, of no file
            return None
        if spec is None:
            return None
        file = Path(spec.origin) if spec.has_location and spec.origin else None
        folders = tuple(spec.submodule_search_locations or ())
        return Module(name, file, folders) if file or folders else None

    def _below(self, package: str, last: str) -> Module | None:
        """As Python's path finder looks: a package before a module, and both before a folder."""
        parent = self.module(package)
        name = f"{package}.{last}"
        bare = []
        for folder in parent.folders if parent else ():
            entries, inside = self._listed(folder), os.path.join(folder, last)
            within = self._listed(inside) if last in entries else frozenset()
            for suffix in SUFFIXES:
                if f"__init__{suffix}" in within:
                    return Module(name, Path(inside, f"__init__{suffix}"), (inside,))
            for suffix in SUFFIXES:
                if f"{last}{suffix}" in entries:
                    return Module(name, Path(f"{inside}{suffix}"), ())
            if within:
                bare.append(inside)
        return Module(name, None, tuple(bare)) if bare else None

    def _listed(self, folder: str) -> frozenset[str]:
        if folder not in self._entries:
            try:
                self._entries[folder] = frozenset(os.listdir(folder))
            except OSError:  # no folder
                self._entries[folder] = frozenset()
        return self._entries[folder]


def _imported(
    statement: _Import, module: Module, packages: Collection[str], search: _Search
) -> list[Module]:
    """What one import brings of the packages. In `from a import b`, b may be a module or a name."""
    whole = _absolute(statement, module)
    if whole.partition(".")[0] not in packages:
        return []
    importer, may_fail = str(module.file), statement.may_fail
    found = search.chain(whole, importer, may_fail=may_fail)
    package = search.module(whole)
    if package is None or not package.folders:
        return found
    of_package = search.outline(package)
    for name in statement.names:
        wanted = of_package.exported if name == "*" else {name}
        inner = {one: search.module(f"{whole}.{one}") for one in wanted}
        found += filter(None, inner.values())
        certain = not (may_fail or of_package.is_open or name == "*" or _is_special(name))
        if certain and inner[name] is None and name not in of_package.names:
            raise _missing(f"{whole}.{name}", importer)
    return found


def _absolute(statement: _Import, module: Module) -> str:
    """What an import names, with the dots before it resolved."""
    if not statement.level:
        return statement.module
    around = module.name.split(".") if module.folders else module.name.split(".")[:-1]
    up = around[: len(around) - statement.level + 1]
    return ".".join([*up, *filter(None, [statement.module])])


def _missing(name: str, importer: str) -> BenchError:
    package = name.partition(".")[0]
    return BenchError(
        f"{importer} imports {name}, and no file of that module can be found: the installation of "
        f"{package!r} is damaged; install it anew"
    )


def _is_special(name: str) -> bool:
    """Names such as `__path__`, which every module has and none assigns."""
    return name.startswith("__") and name.endswith("__")


# By the content, so that a source that has changed is read anew.
@cache
def _outline(source: bytes) -> _Outline:
    statements = ast.parse(source).body
    names = frozenset(_names(statements))
    return _Outline(
        tuple(_imports(statements, may_fail=False)),
        names,
        frozenset(_exported(statements)),
        is_open="*" in names or "__getattr__" in names,
    )


def _imports(statements: Iterable[ast.stmt], *, may_fail: bool) -> Iterator[_Import]:
    for node in statements:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _Import(alias.name, (), 0, may_fail)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield _Import(node.module or "", names, node.level, may_fail)
        elif isinstance(node, ast.If) and _is_for_type_checkers(node.test):
            yield from _imports(node.orelse, may_fail=may_fail)
        else:
            is_tried = isinstance(node, ast.Try) and any(map(_catches_absence, node.handlers))
            for block in _blocks(node):
                of_try = is_tried and block is getattr(node, "body", None)
                yield from _imports(block, may_fail=may_fail or of_try)


def _names(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """What a module assigns, defines or imports at its top level; "*" for what a star brings."""
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        else:
            for target in _targets(node):
                yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
            for block in _blocks(node):
                yield from _names(block)


def _exported(statements: Iterable[ast.stmt]) -> Iterator[str]:
    for node in statements:
        if any(isinstance(one, ast.Name) and one.id == "__all__" for one in _targets(node)):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statements within a statement."""
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, [])
    for field in ("handlers", "cases"):
        yield from (part.body for part in getattr(node, field, []))


def _is_for_type_checkers(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _catches_absence(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(one, ast.Name) and one.id in IMPORT_ERRORS for one in caught)
