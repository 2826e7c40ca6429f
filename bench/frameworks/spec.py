"""What a framework is to the harness, without importing it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol

from bench.choices import Device
from bench.frameworks.regimes import Default

SEPARATOR = ":"  # between the names of a framework and of its variant
TUNED = "tuned"  # the variant with all that makes it faster and leaves its arithmetic as it is


class Tools(Protocol):
    """Programs of this machine that something needs; never imports a framework."""

    def missing(self) -> str | None:
        """Why they cannot be used here and what would help, or None; fetches nothing."""

    def locked(self) -> str:
        """What identifies the versions of all of them."""


class Toolchain(Tools, Protocol):
    """What a framework needs that pip does not install."""

    def version(self) -> str | None:
        """The framework's own version, where it is here."""

    def expected(self, devices: Sequence[Device] = ("cpu",)) -> str | None:
        """How much `setup` would fetch and how long that takes; None where nothing is missing."""

    def setup(self, devices: Sequence[Device] = ("cpu",)) -> None:
        """Fetch and install, with progress on the terminal; BenchError where that fails."""

    def gpu_missing(self) -> str | None:
        """Why the framework cannot compute on a GPU here, or None; fetches nothing."""


@cache
def installed_here(distribution: str) -> str | None:
    """The version of a package in the environment of this process; None where it is not."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


VersionOf = Callable[[str], str | None]  # of the packages of some environment


def _is_installed(requirement: str, version_of: VersionOf) -> bool:
    """Whether a package is there in a version that is meant; True where none is meant."""
    if not requirement:
        return True
    from packaging.requirements import Requirement  # not needed for the command line's help

    of = Requirement(requirement)
    version = version_of(of.name)
    return version is not None and of.specifier.contains(version, prereleases=True)


@dataclass(frozen=True, slots=True)
class Package:
    """A package of pip's that a framework is made of.

    name    what people call it, such as tensorflow
    least   the first version that the adapter is written for
    builds  its name on machines for which an environment marker holds, where that is another:
            (marker, name)
    """

    name: str
    least: str
    builds: tuple[tuple[str, str], ...] = ()

    @property
    def distribution(self) -> str:
        """What pip installs on this machine."""
        from packaging.markers import Marker  # not needed for the command line's help

        return next((name for marker, name in self.builds if Marker(marker).evaluate()), self.name)


@dataclass(frozen=True, slots=True)
class Switch:
    """An environment variable that an expert sets for a framework on CPUs of some class.

    does    what it does and where that is said
    on      instruction sets, as `Machine.instruction_sets` names them, one of which must be there;
            empty: on every CPU
    of      a package and its versions that know it, such as jaxlib>=0.9,<0.11; empty: any
    """

    name: str
    value: str
    does: str
    on: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ("cpu",)
    of: str = ""

    def helps(
        self,
        device: Device,
        instruction_sets: Collection[str],
        version_of: VersionOf = installed_here,
    ) -> bool:
        """Whether it is set on this device of a CPU with these instruction sets."""
        is_of_class = not self.on or not set(self.on).isdisjoint(instruction_sets)
        return device in self.devices and is_of_class and _is_installed(self.of, version_of)


@dataclass(frozen=True, slots=True)
class Variant:
    """A mode of execution of a framework, beside the plain one.

    title  what differs, in a few words
    tools  "package.module:object", a `Tools`, where it needs more than the framework does

    The others are those of `Framework`, where the variant has another than the plain framework; as
    one that runs on another library has.
    """

    name: str
    title: str
    tools: str | None = None
    adapter: str | None = None
    modules: tuple[str, ...] | None = None
    install: str | None = None
    packages: tuple[Package, ...] | None = None
    own: tuple[Default, ...] | None = None
    switches: tuple[Switch, ...] | None = None
    environment: Mapping[str, str] | None = None

    def instead(self) -> dict[str, Any]:
        """What it has of its own, by the names of `Framework`'s fields."""
        names = ("adapter", "modules", "install", "packages", "own", "switches", "environment")
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework, or a variant of one, and where its adapter is.

    adapter   "package.module:Class", called in the worker, without arguments or with variant=NAME
    version   the distribution whose version is the framework's
    modules   what must be importable for it to be available
    install   the command that would make it available
    packages  those of pip's that it is made of, for releases of them to be compared; none where
              more than pip is needed
    for_gpu   what would let it compute on a GPU
    default   whether `run` takes it when no frameworks are named
    own       its defaults that differ from the matched setting: what the regime `native` takes
    toolchain "package.module:object", a `Toolchain`, where packages of Python's are not enough
    tools     "package.module:object", a `Tools`: programs that it starts, such as a compiler
    switches  what an expert sets for it, by the class of the CPU
    environment  variables without which it would be another framework; set in every regime
    personal  files below a person's home that it would read, and that no worker does
    variants  its other modes of execution
    ladder    names of variants from what its own first example has up to itself, each with one
              change more than the one before
    variant   the one that this is; None for the plain framework
    fault     why it cannot be had, of one whose declaration is wrong; empty otherwise
    """

    name: str
    title: str
    adapter: str
    version: str
    modules: tuple[str, ...]
    install: str
    packages: tuple[Package, ...] = ()
    default: bool = True
    own: tuple[Default, ...] = ()
    toolchain: str | None = None
    tools: str | None = None
    switches: tuple[Switch, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    ladder: tuple[str, ...] = ()
    variant: Variant | None = None
    fault: str = ""
    for_gpu: str = "install its build for the GPU (the extra 'gpu') and the driver"

    @property
    def plain_name(self) -> str:
        """Its own, or that of the framework that it is a variant of."""
        return self.name.partition(SEPARATOR)[0]

    @property
    def is_mode(self) -> bool:
        """Whether it is the plain framework in another mode of execution, on the same libraries."""
        return self.variant is not None and self.variant.modules is None

    def switched(
        self,
        device: Device,
        instruction_sets: Collection[str],
        version_of: VersionOf = installed_here,
    ) -> dict[str, str]:
        """The switches that are set on this device of a CPU with these instruction sets."""
        helping = (one for one in self.switches if one.helps(device, instruction_sets, version_of))
        return {one.name: one.value for one in helping}

    def variables(
        self,
        device: Device,
        instruction_sets: Collection[str],
        *,
        switches: bool = True,
        version_of: VersionOf = installed_here,
    ) -> dict[str, str]:
        """What its process has in its environment; without `switches`, only what it must have.

        `version_of` tells of the packages of the environment that it runs in.
        """
        chosen = self.switched(device, instruction_sets, version_of) if switches else {}
        return {**self.environment, **chosen}

    def in_variant(self, variant: Variant) -> Framework:
        """The same framework in one of its variants, as a framework of its own."""
        return replace(
            self,
            name=f"{self.name}{SEPARATOR}{variant.name}",
            title=f"{self.title}, {variant.title}",
            default=False,
            variants=(),
            ladder=(),
            variant=variant,
            **variant.instead(),
        )
