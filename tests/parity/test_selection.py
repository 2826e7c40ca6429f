"""A framework that was asked for is never passed over in silence."""

from __future__ import annotations

from itertools import product

import pytest

from bench.errors import UnavailableError, UnknownNameError

from . import selection


def test_all_built_in_frameworks_by_default() -> None:
    assert selection.chosen({}) == [
        *("flax", "flux", "keras", "torch", "equinox", "lux", "mlx", "simplechains", "tinygrad")
    ]


def test_required_frameworks_are_tested_too() -> None:
    given = {"BENCH_FRAMEWORKS": "torch, flax", "BENCH_REQUIRE": "flax,keras"}
    assert selection.chosen(given) == ["torch", "flax", "keras"]


@pytest.mark.parametrize("variable", ["BENCH_FRAMEWORKS", "BENCH_REQUIRE"])
def test_an_unknown_name_lists_the_valid_ones(variable: str) -> None:
    with pytest.raises(UnknownNameError, match=r"'torhc' \(did you mean 'torch'\?\): choose from"):
        selection.chosen({variable: "torhc"})


def test_an_unknown_device_lists_the_valid_ones() -> None:
    with pytest.raises(ValueError, match="'tpu': choose from cpu, gpu"):
        selection.device({"BENCH_DEVICE": "tpu"})


def test_absent_is_skipped_and_required_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(framework: object) -> None:
        raise UnavailableError("torch is not installed")

    monkeypatch.setattr(selection, "create", unavailable)
    monkeypatch.setenv("BENCH_REQUIRE", "")
    with pytest.raises(pytest.skip.Exception, match="torch: torch is not installed"):
        selection.obtain("torch")
    monkeypatch.setenv("BENCH_REQUIRE", "torch")
    with pytest.raises(
        pytest.fail.Exception, match=r"torch was required .*: torch is not installed"
    ):
        selection.obtain("torch")


def test_what_is_not_in_the_fast_selection_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(selection.FAST, "a test", ("a/1", "b/2"))
    made = selection.some("a test", product("ab", (1, 2)))
    assert [one.id for one in made] == ["a/1", "a/2", "b/1", "b/2"]
    assert [bool(one.marks) for one in made] == [False, True, True, False]
    assert [one.values for one in made][1] == ("a", 2)


def test_a_fast_parameter_that_is_no_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(selection.FAST, "a test", ("a", "z"))
    with pytest.raises(ValueError, match=r"'a test' that it does not have: \{'z'\}"):
        selection.some("a test", "ab")
