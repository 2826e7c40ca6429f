"""Distances, with numbers computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.verification.distances import move_error, scale_error, unlike_elements, worst, worst_move

INF = float("inf")
A = np.array([1.0, -4.0, 0.0])


def test_scale_error_is_relative_to_the_largest_element():
    assert scale_error([1.0, -4.0, 0.2], A) == pytest.approx(0.2 / 4)
    assert scale_error(A, A) == 0
    assert scale_error([0.0], [0.0]) == 0
    assert scale_error([1e-9], [0.0]) == INF


@pytest.mark.parametrize("got", [[1.0, -4.0], [1.0, -4.0, np.nan], [INF, -4.0, 0.0]])
def test_other_shapes_and_what_is_not_finite_are_infinitely_far(got):
    assert scale_error(got, A) == INF
    assert move_error(got, A, np.zeros(3)) == INF


def test_move_error_is_a_part_of_the_way():
    start, want = np.zeros(2), np.array([3.0, 4.0])  # a way of 5
    assert move_error([3.0, 4.5], want, start) == pytest.approx(0.1)
    assert move_error(want, want, want) == 0
    assert move_error([1.0, 0.0], start, start) == INF  # moved where it should have stood


def test_worst_names_the_path():
    want = {"a": A, "b": A}
    assert worst({"a": A, "b": A + 1}, want) == (0.25, "b")
    assert worst(want, want) == (0.0, "")
    assert worst({"b": A, "a": A}, want) == (INF, "the order of the paths")
    assert worst({"a": A}, want) == (INF, "b")
    assert worst({"a": A, "b": A, "c": A}, want) == (INF, "c")


def test_slopes_are_measured_together():
    """A number by itself has no scale: what is left of a sum that cancels is no measure."""
    want = {"a/slope": np.array([1e-6]), "a/kernel": A, "b/slope": np.array([0.5])}
    got = {"a/slope": np.array([2e-6]), "a/kernel": A, "b/slope": np.array([0.5])}
    assert worst(got, want) == (pytest.approx(2e-6), "slopes")
    start = {"a/slope": np.zeros(1), "a/kernel": np.zeros(3), "b/slope": np.zeros(1)}
    assert worst_move(got, want, start) == (pytest.approx(2e-6), "slopes")
    swapped = want | {"a/slope": want["b/slope"], "b/slope": want["a/slope"]}
    assert worst(swapped, want) == (pytest.approx(1, rel=1e-5), "slopes")
    assert worst(want | {"a/slope": np.ones(6)}, want) == (INF, "slopes")
    assert worst({"a/kernel": A}, want)[0] == worst_move({"a/kernel": A}, want, start)[0] == INF


def test_unlike_elements_sees_what_equality_does_not():
    zero = np.zeros(3, np.float32)
    minus = np.array([0.0, -0.0, 0.0], np.float32)
    assert (zero == minus).all()
    assert unlike_elements({"a": minus}, {"a": zero}) == (1.0, "a")
    assert unlike_elements({"a": zero.copy()}, {"a": zero}) == (0.0, "")
    assert unlike_elements({"a": zero.astype(np.float64)}, {"a": zero})[0] == INF
    assert unlike_elements({"a": zero[:2]}, {"a": zero})[0] == INF


def test_single_elements_that_are_far_off_can_be_set_aside():
    """Of 4,000 elements four: a fifth that is off is seen, and so is what is off in all."""
    start, want = np.zeros(4000), np.ones(4000)
    got = want.copy()
    got[:4] = -1.0
    assert move_error(got, want, start) > 0.06
    assert move_error(got, want, start, set_aside=1e-3) == 0
    got[4] = -1.0
    assert move_error(got, want, start, set_aside=1e-3) > 0.03
    assert move_error(1.01 * want, want, start, set_aside=1e-3) == pytest.approx(0.01, rel=1e-2)


def test_something_is_left_of_the_smallest_tensors():
    assert move_error([1.0, 3.0], [1.0, 1.0], [0.0, 0.0], set_aside=1e-3) == 0
    assert move_error([2.0, 3.0], [1.0, 1.0], [0.0, 0.0], set_aside=1e-3) > 0.5
    assert move_error([2.0], [1.0], [0.0], set_aside=1e-3) == 1
