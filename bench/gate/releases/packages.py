"""Which package of which frameworks is meant: as their declarations say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from bench import frameworks
from bench.errors import UnknownNameError, UsageError
from bench.frameworks import SEPARATOR, Framework, Package
from bench.frameworks.registry import PACKAGE


@dataclass(frozen=True, slots=True)
class Subject:
    """A package whose releases are compared, and the frameworks that are measured with each.

    others  what else these frameworks are made of: the same for all releases, where that goes
    held    requirements that hold for every release, such as flax==0.12.6
    """

    package: Package
    frameworks: tuple[str, ...]
    others: tuple[Package, ...]
    held: tuple[str, ...] = ()


def subject(name: str, asked: Sequence[str] | None, held: Sequence[str] = ()) -> Subject:
    """The package of that name; `asked` are frameworks, or their variants, instead of all plain.

    `held` are other packages at versions of a person's choice.

    UsageError where no framework is made of it, or one that was asked for is not.
    """
    made_of = [one for one in frameworks.with_variants().values() if _package(one, name)]
    if not made_of:
        raise UnknownNameError("package of a framework", name, sorted(set(_names())))
    chosen = made_of if asked is None else [frameworks.named(one) for one in asked]
    for one in chosen:
        if _package(one, name) is None:
            of = ", ".join(package.name for package in one.packages) or "no package of pip's"
            raise UsageError(
                f"{one.name} is not made of {name}, but of {of}: choose from "
                f"{', '.join(framework.name for framework in made_of)}"
            )
    if asked is None:
        chosen = _usual(made_of)
    package = _package(chosen[0], name)
    if package is None:
        raise RuntimeError(f"{chosen[0].name} was chosen for {name}")
    every = {each.name: each for one in chosen for each in one.packages}
    others = tuple(each for each in every.values() if each != package)
    names = tuple(one.name for one in chosen)
    return Subject(package, names, others, tuple(_held(one, package) for one in held))


def _held(text: str, package: Package) -> str:
    """Such as flax==0.12.6, checked."""
    try:
        of = Requirement(text)
    except InvalidRequirement as error:
        raise UsageError(
            f"--with {text!r} cannot be read: give one such as flax==0.12.6"
        ) from error
    if of.url or not of.specifier:
        raise UsageError(f"--with {text!r} names no version: give one such as {of.name}==1.0")
    if canonicalize_name(of.name) == canonicalize_name(package.distribution.partition("[")[0]):
        raise UsageError(f"--with {text!r} is the package whose releases are compared")
    return str(of)


def _usual(made_of: list[Framework]) -> list[Framework]:
    """The plain frameworks among these: of several those that a run takes by default."""
    plain = [one for one in made_of if SEPARATOR not in one.name] or made_of[:1]
    return [one for one in plain if one.default] or plain


def _package(framework: Framework, name: str) -> Package | None:
    """That of a framework of this project: a third party's code is not in other environments."""
    if not framework.adapter.startswith(f"{PACKAGE}."):
        return None
    wanted = name.lower().replace("_", "-")
    for package in framework.packages:
        if wanted in (package.name, package.distribution.partition("[")[0]):
            return package
    return None


def _names() -> Iterator[str]:
    for framework in frameworks.with_variants().values():
        for package in framework.packages:
            yield package.name
