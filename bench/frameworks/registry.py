"""Which frameworks there are, found without importing any of them.

A folder of `impls` with a module `framework` that declares a `Framework` is one. A third party adds
one through an entry point of the group `lenet_bench.frameworks` that names it. The module that
holds it must not import the framework itself.

`NAME:VARIANT` is the same framework in another mode of execution. It is a framework like any other
to the rest of the harness: what is proved, timed and stored of it has this name.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import itertools
import pkgutil
import re
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import cast

from bench.contract import Adapter
from bench.errors import UnavailableError, UnknownNameError, UsageError
from bench.frameworks.spec import SEPARATOR, TUNED, Framework, Toolchain, Tools

GROUP = "lenet_bench.frameworks"
NAME = re.compile(r"[A-Za-z0-9_-]+")  # of a framework; files are named after it
PACKAGE = "impls"  # each folder of it that has a module DECLARATION is a framework
DECLARATION, ATTRIBUTE = "framework", "FRAMEWORK"
# What the harness asks of an adapter.
CONTRACT = tuple(name for name in vars(Adapter) if not name.startswith("_"))


@functools.cache
def built_in() -> tuple[Framework, ...]:
    """The frameworks of this project, by name; those that `run` does not take by default last."""
    found = [cast(Framework, _attribute(f"{module}:{ATTRIBUTE}")) for module in _own_declarations()]
    return tuple(sorted(found, key=lambda one: (not one.default, one.name)))


@functools.cache
def _own_declarations() -> tuple[str, ...]:
    """The modules that declare the frameworks of this project.

    A folder whose name begins with _ has what several of them share.
    """
    package = importlib.import_module(PACKAGE)
    found = pkgutil.iter_modules(package.__path__)
    folders = [one.name for one in found if one.ispkg and not one.name.startswith("_")]
    modules = [f"{PACKAGE}.{name}.{DECLARATION}" for name in folders]
    return tuple(module for module in modules if importlib.util.find_spec(module))


def catalogue() -> dict[str, Framework]:
    """Every known framework by name: the built-in ones, then those of entry points.

    Without their variants, see `with_variants`. An entry point that declares none, or one that
    cannot be, is a framework with a `fault`: it is named, and the others run.
    """
    found = {framework.name: framework for framework in built_in()}
    for point, _, framework in _of_entry_points(tuple(sys.path)):
        if not NAME.fullmatch(framework.name):
            framework = _faulty(
                point,
                f"it declares the framework {framework.name!r}: a name is of letters, digits, - "
                "and _",
            )
        elif framework.name in found:
            framework = _faulty(
                point,
                f"it declares the framework {framework.name!r}, which exists already; one of the "
                "two needs another name",
            )
        name = _unused(framework.name, found)
        found[name] = framework if name == framework.name else replace(framework, name=name)
    return found


def _faulty(point: importlib.metadata.EntryPoint, why: str) -> Framework:
    """In the place of what an entry point should declare."""
    return Framework(
        name=re.sub(r"[^A-Za-z0-9_-]", "-", point.name),
        title=f"the entry point {point.name!r}",
        adapter="",
        version="",
        modules=(),
        install="",
        default=False,
        fault=f"the entry point {point.name!r} ({point.value}) is wrong: {why}",
    )


def _unused(name: str, used: Collection[str]) -> str:
    """The name, or with the first number that nobody has."""
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return name if name not in used else next(each for each in numbered if each not in used)


@functools.cache
def _of_entry_points(
    path: tuple[str, ...],
) -> tuple[tuple[importlib.metadata.EntryPoint, str, Framework], ...]:
    """Each with the module that declares it and what it declares.

    Looked for once for each path that modules are found on: a plan asks for the catalogue some
    dozens of times, and 20 ms go by each time.
    """
    found = []
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            declared = point.load()
        except Exception as error:  # whatever the code of others raises
            declared = _faulty(point, f"it cannot be loaded: {error}; uninstall or repair it")
        if not isinstance(declared, Framework):
            declared = _faulty(point, f"it declares {declared!r}, and not a Framework")
        found.append((point, point.value.partition(":")[0], declared))
    return tuple(found)


def with_variants() -> dict[str, Framework]:
    """The catalogue, each framework followed by its variants."""
    every = [
        each
        for framework in catalogue().values()
        for each in (framework, *map(framework.in_variant, framework.variants))
    ]
    return {framework.name: framework for framework in every}


def named(name: str) -> Framework:
    """The framework, or the variant of one, of that name; UnknownNameError lists the valid ones."""
    plain, separator, _ = name.partition(SEPARATOR)
    known = catalogue()
    if plain not in known:
        raise UnknownNameError("framework", plain, known)
    framework = known[plain]
    if not separator:
        return framework
    variants = {each.name: each for each in map(framework.in_variant, framework.variants)}
    if not variants:
        raise UsageError(f"{plain} has no variants, so there is no {name!r}: take {plain}")
    if name not in variants:
        raise UnknownNameError("variant", name, variants)
    return variants[name]


def rungs(name: str) -> list[Framework]:
    """From what the framework's own first example has to its plain adapter, see `Framework.ladder`.

    Then its tuned variant, where it has one. UsageError for one that has no ladder.
    """
    framework = named(name)
    if not framework.ladder:
        having = [one.name for one in catalogue().values() if one.ladder]
        raise UsageError(f"{name} has no ladder: choose from {', '.join(having)}")
    variants = {variant.name: variant for variant in framework.variants}
    last = [framework.in_variant(variants[TUNED])] if TUNED in variants else []
    return [*(framework.in_variant(variants[each]) for each in framework.ladder), framework, *last]


def in_file_names(name: str) -> str:
    """A framework's name as a part of the name of a file, where a colon cannot be everywhere.

    No two frameworks share one: the name of a framework has no dot.
    """
    return name.replace(SEPARATOR, ".")


def missing(framework: Framework) -> str | None:
    """Why the framework is not available here, or None; looks for packages, imports none."""
    if framework.fault:
        return framework.fault
    reasons = (each.missing() for each in _tools(framework))
    return absent_modules(framework) or next(filter(None, reasons), None)


def locked(framework: Framework) -> list[str]:
    """What identifies all that the framework needs besides packages of Python's."""
    return [each.locked() for each in _tools(framework)]


def _tools(framework: Framework) -> list[Tools]:
    return [cast(Tools, _attribute(path)) for path in _paths_of_tools(framework)]


def _paths_of_tools(framework: Framework) -> list[str]:
    own = framework.variant.tools if framework.variant else None
    return [path for path in (framework.toolchain, framework.tools, own) if path]


def absent_modules(framework: Framework) -> str | None:
    """Which packages of Python's are missing, and the command that installs them; or None."""
    absent = [module for module in framework.modules if not _is_importable(module)]
    return f"{_listed(absent)} not installed: {framework.install}" if absent else None


def toolchain(framework: Framework) -> Toolchain | None:
    """What the framework needs besides packages of Python's, or None."""
    return cast(Toolchain, _attribute(framework.toolchain)) if framework.toolchain else None


def version(framework: Framework) -> str | None:
    """The installed version, from the toolchain or else from the distribution's metadata."""
    if framework.fault:
        return None
    tools = toolchain(framework)
    if tools:
        return tools.version()
    try:
        return importlib.metadata.version(framework.version)
    except importlib.metadata.PackageNotFoundError:
        return None


def create(framework: Framework) -> Adapter:
    """Import the adapter and make one. UnavailableError tells why it cannot be had.

    Also of one that lacks a part of the contract: it may be written for an earlier version of it.
    """
    reason = missing(framework)
    if reason:
        raise UnavailableError(reason)
    try:
        factory = cast(Callable[..., Adapter], _attribute(framework.adapter))
    except ImportError as error:
        if (error.name or "").startswith(("bench", "impls")):
            raise  # a mistake of ours, not something that is missing here
        raise UnavailableError(
            f"{framework.title} is installed but cannot be imported: {error}"
        ) from error
    made = factory(variant=framework.variant.name) if framework.variant else factory()
    lacking = sorted(name for name in CONTRACT if not hasattr(made, name))
    if lacking:
        raise UnavailableError(
            f"the adapter of {framework.title} has no {', '.join(lacking)}: let its class begin "
            "with bench.contract.AdapterBase, see docs/adding-a-framework.md"
        )
    return made


def entry_modules(framework: Framework) -> tuple[str, ...]:
    """The modules by which a worker comes to import an adapter; imports none of them.

    That of the adapter, those of its tools, and those that declare frameworks: whoever asks for one
    framework by its name imports the declarations of all.
    """
    points = _of_entry_points(tuple(sys.path))
    declaring = {module for _, module, declared in points if not declared.fault}
    named = (framework.adapter, *_paths_of_tools(framework))
    own = (path.partition(":")[0] for path in named)
    return (*own, *_own_declarations(), *sorted(declaring))


def _attribute(path: str) -> object:
    """What "package.module:name" names."""
    module, _, name = path.partition(":")
    found: object = getattr(importlib.import_module(module), name)
    return found


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def _listed(names: Sequence[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    return f"{', '.join(names)} {verb}"
