"""Versions that are known to compute something wrongly."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from bench.frameworks import named
from bench.results import known_defects
from bench.results.known_defects import Defect

JAXLIB = next(one for one in known_defects.known() if one.package == "jaxlib")


def test_each_line_of_the_file() -> None:
    assert len(known_defects.known()) >= 4
    for one in known_defects.known():
        assert SpecifierSet(one.versions)
        assert one.frameworks
        assert all(named(name) for name in one.frameworks)
        assert one.source.startswith("https://github.com/")
        assert one.what
        assert not one.what.endswith(".")


def test_a_version_is_known_or_not() -> None:
    assert known_defects.found("flax", {"jaxlib": "0.10.2", "jax": "0.10.2"}) == [
        (JAXLIB, "0.10.2")
    ]
    assert known_defects.found("flax:scan", {"jaxlib": "0.10.2"}) == [(JAXLIB, "0.10.2")]
    assert known_defects.found("flax", {"jaxlib": "0.10.1"}) == []
    assert known_defects.found("torch", {"jaxlib": "0.10.2"}) == []
    assert known_defects.found("flax", {"jaxlib": "default"}) == []


def test_builds_and_candidates_count_as_their_version() -> None:
    defect = Defect("torch", ">=2.13", ("torch",), "it is wrong", "https://example.org")
    for version in ("2.13.0+cpu", "2.14.0rc1", "2.15"):
        assert known_defects.found("torch", {"torch": version}, [defect]) == [(defect, version)]
    assert known_defects.found("torch", {"torch": "2.12.1+cu130"}, [defect]) == []


def test_what_is_said() -> None:
    assert JAXLIB.describe("0.10.2") == (
        "jaxlib 0.10.2 on a CPU: some compiled sums over more than 32,768 rows are wrong "
        "(https://github.com/jax-ml/jax/issues/39103); avoided by "
        "XLA_FLAGS=--xla_cpu_experimental_ynn_fusion_type=, as a run sets it but in the regime "
        "native"
    )


@pytest.mark.usefixtures("locked_jaxlib")
def test_what_a_run_sets_is_what_avoids_it() -> None:
    for one in known_defects.known():
        for name in one.frameworks:
            set_here = named(name).variables(one.device or "cpu", ("avx2",))
            assert one.avoided_by.items() <= set_here.items()


def test_what_is_installed_here(monkeypatch) -> None:
    monkeypatch.setattr(known_defects.importlib.metadata, "version", lambda name: "0.10.2")
    assert known_defects.installed("flax") == [JAXLIB.describe("0.10.2")]
    assert known_defects.installed("torch") == []
