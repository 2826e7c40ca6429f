"""Which frameworks there are, found without importing any of them.

A third party adds one through an entry point of the group `lenet_bench.frameworks` that names a
`Framework`; the module that holds it must not import the framework itself.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from bench.contract import Adapter
from bench.errors import BenchError, UnavailableError, UnknownNameError
from bench.regimes import FLAX, FLUX, KERAS, Default

GROUP = "lenet_bench.frameworks"


class Toolchain(Protocol):
    """What a framework needs that pip does not install; never imports the framework itself."""

    def missing(self) -> str | None:
        """Why it cannot be used here and what would help, or None; fetches nothing."""

    def version(self) -> str | None:
        """The framework's own version, where it is here."""

    def locked(self) -> str:
        """What identifies the versions of all that it holds."""

    def expected(self) -> str | None:
        """How much `setup` would fetch and how long that takes; None where nothing is missing."""

    def setup(self) -> None:
        """Fetch and install, with progress on the terminal; BenchError where that fails."""


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework and where its adapter is.

    adapter   "package.module:Class", called without arguments in the worker
    version   the distribution whose version is the framework's
    modules   what must be importable for it to be available
    install   the command that would make it available
    default   whether `run` takes it when no frameworks are named
    own       its defaults that differ from the matched setting: what the regime `native` takes
    toolchain "package.module:object", a `Toolchain`, where packages of Python's are not enough
    """

    name: str
    title: str
    adapter: str
    version: str
    modules: tuple[str, ...]
    install: str
    default: bool = True
    own: tuple[Default, ...] = ()
    toolchain: str | None = None


def _own(
    name: str,
    title: str,
    adapter: str,
    modules: tuple[str, ...],
    own: tuple[Default, ...] = (),
) -> Framework:
    install = f"pip install 'lenet-bench[{name}]'"
    return Framework(name, title, adapter, name, modules, install, own=own)


BUILT_IN: tuple[Framework, ...] = (
    _own("torch", "PyTorch", "impls.pytorch.adapter:TorchAdapter", ("torch",)),
    _own("keras", "Keras", "impls.keras_tf.adapter:KerasAdapter", ("keras", "tensorflow"), KERAS),
    _own("flax", "Flax", "impls.flax.adapter:FlaxAdapter", ("jax", "flax", "optax"), FLAX),
    Framework(
        "flux",
        "Flux.jl",
        "impls.flux.adapter:FluxAdapter",
        "juliacall",
        ("juliacall",),
        "pip install 'lenet-bench[flux]'",
        own=FLUX,
        toolchain="impls.flux.toolchain:JULIA",
    ),
    Framework(
        "reference",
        "NumPy reference",
        "impls.reference.adapter:ReferenceAdapter",
        "numpy",
        ("numpy",),
        "pip install lenet-bench",
        default=False,
    ),
)


def catalogue() -> dict[str, Framework]:
    """Every known framework by name: the built-in ones, then those of entry points."""
    found = {framework.name: framework for framework in BUILT_IN}
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            framework = point.load()
        except Exception as error:
            raise BenchError(
                f"the entry point {point.name!r} of group {GROUP!r} ({point.value}) cannot be "
                f"loaded: {error}; uninstall or repair the package that declares it"
            ) from error
        if framework.name in found:
            raise BenchError(
                f"the entry point {point.name!r} ({point.value}) declares the framework "
                f"{framework.name!r}, which exists already; one of the two needs another name"
            )
        found[framework.name] = framework
    return found


def named(name: str) -> Framework:
    """The framework of that name; UnknownNameError lists the valid ones."""
    known = catalogue()
    if name not in known:
        raise UnknownNameError("framework", name, known)
    return known[name]


def missing(framework: Framework) -> str | None:
    """Why the framework is not available here, or None; looks for packages, imports none."""
    absent = absent_modules(framework)
    if absent:
        return absent
    tools = toolchain(framework)
    return tools.missing() if tools else None


def absent_modules(framework: Framework) -> str | None:
    """Which packages of Python's are missing, and the command that installs them; or None."""
    absent = [module for module in framework.modules if not _is_importable(module)]
    return f"{_listed(absent)} not installed: {framework.install}" if absent else None


def toolchain(framework: Framework) -> Toolchain | None:
    """What the framework needs besides packages of Python's, or None."""
    return cast(Toolchain, _attribute(framework.toolchain)) if framework.toolchain else None


def version(framework: Framework) -> str | None:
    """The installed version, from the toolchain or else from the distribution's metadata."""
    tools = toolchain(framework)
    if tools:
        return tools.version()
    try:
        return importlib.metadata.version(framework.version)
    except importlib.metadata.PackageNotFoundError:
        return None


def create(framework: Framework) -> Adapter:
    """Import the adapter and make one. UnavailableError tells why it cannot be had."""
    reason = missing(framework)
    if reason:
        raise UnavailableError(reason)
    try:
        factory = cast(Callable[[], Adapter], _attribute(framework.adapter))
    except ImportError as error:
        if (error.name or "").startswith(("bench", "impls")):
            raise  # a mistake of ours, not something that is missing here
        raise UnavailableError(
            f"{framework.title} is installed but cannot be imported: {error}"
        ) from error
    return factory()


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
