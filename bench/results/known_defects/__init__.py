"""Versions that are known to compute something wrongly, from `defects.toml`."""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.choices import Device

FILE = Path(__file__).with_name("defects.toml")


@dataclass(frozen=True, slots=True)
class Defect:
    """A line of the file, whose head says what the fields are."""

    package: str
    versions: str
    frameworks: tuple[str, ...]
    what: str
    source: str
    device: Device | None = None
    avoided_by: Mapping[str, str] = field(default_factory=dict)

    def concerns(self, framework: str) -> bool:
        """Whether the framework, or what it is a variant of, is one of its."""
        return any(framework == one or framework.startswith(f"{one}:") for one in self.frameworks)

    def is_of(self, version: str) -> bool:
        """Whether the package has it in this version; a text that is no version has none."""
        from packaging.specifiers import SpecifierSet  # not needed for the command line's help
        from packaging.version import InvalidVersion

        try:
            return SpecifierSet(self.versions).contains(version, prereleases=True)
        except InvalidVersion:
            return False

    def describe(self, version: str) -> str:
        """One sentence, with where it was reported."""
        on = f" on a {self.device.upper()}" if self.device else ""
        avoided = ", ".join(f"{name}={value}" for name, value in self.avoided_by.items())
        unless = f"; avoided by {avoided}, as a run sets it but in the regime native"
        tail = unless if avoided else ""
        return f"{self.package} {version}{on}: {self.what} ({self.source}){tail}"


@cache
def known() -> tuple[Defect, ...]:
    """All of the file."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(
        Defect(**{**one, "frameworks": tuple(one["frameworks"])}) for one in table["defect"]
    )


def found(
    framework: str, versions: Mapping[str, str], defects: Iterable[Defect] | None = None
) -> list[tuple[Defect, str]]:
    """Those that a framework has with packages of these versions, each with that version."""
    return [
        (one, versions[one.package])
        for one in (known() if defects is None else defects)
        if one.concerns(framework) and one.package in versions and one.is_of(versions[one.package])
    ]


def installed(framework: str) -> list[str]:
    """What is known to be wrong of what is installed here for the framework, in words."""
    versions = {}
    for one in known():
        try:
            versions[one.package] = importlib.metadata.version(one.package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return [defect.describe(version) for defect, version in found(framework, versions)]
