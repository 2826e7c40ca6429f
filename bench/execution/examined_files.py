"""The files of this program and of an adapter's package that an examination runs or reads."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from bench import frameworks
from bench.frameworks import Framework
from bench.system.import_closure import Find, Module, import_closure

# Where a process starts that examines, as `bench.system.launch` starts it. It imports the code of
# all tasks, so that this is in the closure too: what a module does when it is imported is done
# before the examination, and could change it. That costs an examination where, say, the trainer has
# changed. A narrower list would have to be kept by hand, and one that is forgotten in it costs the
# truth of a certificate.
WORKER = "bench.worker.__main__"
ORACLE = "reference"
SOURCE = "*.py"
READ = ("*.jl", "*.json", "*.toml", "*.npz")  # what modules run or read that is not Python's


def examined_files(framework: Framework, find: Find = importlib.util.find_spec) -> tuple[Path, ...]:
    """All files that could change what the examination of a framework comes to, sorted.

    These are the modules that the worker comes to import of this program and of the packages that
    the adapter and its tools are in; what lies beside the modules of a package and is data, such as
    `digits.npz`, and below a folder that several share (`_NAME`), too; and the whole folder of the
    adapter, where it is in a package, with its sources in other languages and what it may import by
    names that are not in its sources.

    Args:
        framework: a framework or a variant of one.
        find: see `bench.system.import_closure`.

    Raises:
        BenchError: a module that is imported has no file.
    """
    oracle = frameworks.named(ORACLE)
    roots = {WORKER, *frameworks.entry_modules(framework), *frameworks.entry_modules(oracle)}
    packages = {root.partition(".")[0] for root in roots}
    modules = import_closure(sorted(roots), packages, find)
    found = {module.file for module in modules.values() if module.file}
    found |= set(_data_beside(modules.values()))
    for folder in _folders_of(framework.adapter.partition(":")[0], modules):
        inside = (file for kind in (SOURCE, *READ) for file in folder.rglob(kind))
        found |= set(filter(Path.is_file, inside))
    return tuple(sorted(found))


def _data_beside(modules: Iterable[Module]) -> set[Path]:
    folders = {Path(folder) for module in modules for folder in module.folders}
    beside = {file for folder in folders for kind in READ for file in folder.glob(kind)}
    # A folder that several implementations share may hold packages of another language.
    shared = [folder for folder in folders if folder.name.startswith("_")]
    beside |= {file for folder in shared for kind in READ for file in folder.rglob(kind)}
    return set(filter(Path.is_file, beside))


def _folders_of(adapter: str, modules: dict[str, Module]) -> list[Path]:
    """The folders of the package that the adapter's module is in, or is."""
    package = adapter.rpartition(".")[0] or adapter
    return [Path(folder) for folder in modules[package].folders]
