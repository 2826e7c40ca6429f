"""What an adapter says that it computes with, held against what is installed."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from bench import frameworks
from bench.contract import Adapter
from bench.errors import NotSupportedError, UnavailableError
from bench.frameworks import Framework


def versions_of(adapter: Adapter, framework: str) -> dict[str, str]:
    """The versions of packages and libraries, by name.

    Raises:
        NotSupportedError: the adapter cannot tell.
        UnavailableError: it tells another version of its framework than the one that is installed,
            so that a record would be of something else.
    """
    told = adapter.versions()
    of = frameworks.named(framework)
    said, installed = told.get(of.version), _installed(of)
    if said is not None and installed is not None and _public(said) != _public(installed):
        raise UnavailableError(
            f"the adapter of {of.title} says that it computes with {of.version} {said}, and "
            f"{installed} is installed: let `versions` ask the library"
        )
    return told


def versions_or_none(adapter: Adapter, framework: str) -> dict[str, str]:
    """The same, and nothing where the adapter cannot tell."""
    try:
        return versions_of(adapter, framework)
    except NotSupportedError:
        return {}


def _installed(framework: Framework) -> str | None:
    """The distribution's version; None where something else than it has the framework's."""
    return None if framework.toolchain else frameworks.version(framework)


def _public(version: str) -> str:
    """Without what a build adds, such as +cpu."""
    try:
        return Version(version).public
    except InvalidVersion:
        return version
