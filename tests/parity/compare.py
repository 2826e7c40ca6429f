"""Assertions on trees of arrays that name the parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from numpy.typing import ArrayLike

from bench.verification.distances import Tree, joined, move_error, scale_error, unlike_elements

# (framework, check) → the worst error seen in this run, for the summary at its end
worst: defaultdict[tuple[str, str], float] = defaultdict(float)


def assert_close(check: str, framework: str, got: ArrayLike, want: ArrayLike, bound: float) -> None:
    """The array is within the bound, as a part of its scale."""
    _assert_within(check, framework, {"": scale_error(got, want)}, bound)


def assert_trees_close(check: str, framework: str, got: Tree, want: Tree, bound: float) -> None:
    """Every array is within the bound, as a part of its scale; the message names the paths."""
    assert list(got) == list(want), f"{framework}: {check}: other paths or another order"
    got, want = joined(got), joined(want)
    errors = {path: scale_error(got[path], want[path]) for path in want}
    _assert_within(check, framework, errors, bound)


def assert_moved_alike(
    check: str, framework: str, got: Tree, want: Tree, start: Tree, bound: float
) -> None:
    """Every array has gone the same way from `start`; the message names the paths."""
    assert list(got) == list(want), f"{framework}: {check}: other paths or another order"
    got, want, start = joined(got), joined(want), joined(start)
    errors = {path: move_error(got[path], want[path], start[path]) for path in want}
    _assert_within(check, framework, errors, bound)


def _assert_within(check: str, framework: str, errors: Mapping[str, float], bound: float) -> None:
    worst[framework, check] = max(worst[framework, check], *errors.values(), 0.0)
    over = [f"  {path} error {error:.2e}" for path, error in errors.items() if not error <= bound]
    assert not over, "\n".join([f"{framework}: {check}: above {bound:.0e}:", *over])


def assert_trees_identical(framework: str, got: Tree, want: Tree, when: str) -> None:
    """The trees agree bit for bit; the message names the path that differs most."""
    count, path = unlike_elements(got, want)
    assert not count, f"{framework}: {when}: {count:g} elements differ in a bit, most in {path}"
