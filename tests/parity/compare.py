"""How far two trees of arrays are apart, and assertions that name the parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Tree = Mapping[str, NDArray[np.floating]]

# (framework, check) → the worst error seen in this run, for the summary at its end
worst: defaultdict[tuple[str, str], float] = defaultdict(float)


def scale_error(got: ArrayLike, want: ArrayLike) -> float:
    """max |got − want| / max |want|: elements near 0 are measured by their tensor's scale.

    Infinite where the shapes differ or a value is not finite.
    """
    a, b = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    difference = float(np.abs(a - b).max())
    return difference / float(np.abs(b).max()) if difference else 0.0


def move_error(got: ArrayLike, want: ArrayLike, start: ArrayLike) -> float:
    """‖got − want‖ / ‖want − start‖: how much of the way a tensor has gone is wrong.

    The right measure of training. Against the size of the weights, the effect of an optimizer's
    small constants vanishes: weight decay left out of five steps of SGD changes no weight by more
    than 6e-5 of its tensor's scale, but is 5 % of the way gone. And in the Euclidean norm, because
    Adam and RMSprop divide a gradient by its own size: where it is nothing but rounding, and there
    are always some such among thousands, a single weight goes a whole step in either direction.
    """
    a, b, c = (np.asarray(array, np.float64) for array in (got, want, start))
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    difference = float(np.linalg.norm(a - b))
    return difference / float(np.linalg.norm(b - c)) if difference else 0.0


def assert_close(check: str, framework: str, got: ArrayLike, want: ArrayLike, bound: float) -> None:
    """The array is within the bound, as a part of its scale."""
    _assert_within(check, framework, {"": scale_error(got, want)}, bound)


def assert_trees_close(check: str, framework: str, got: Tree, want: Tree, bound: float) -> None:
    """Every array is within the bound, as a part of its scale; the message names the paths."""
    assert list(got) == list(want), f"{framework}: {check}: other paths or another order"
    errors = {path: scale_error(got[path], want[path]) for path in want}
    _assert_within(check, framework, errors, bound)


def assert_moved_alike(
    check: str, framework: str, got: Tree, want: Tree, start: Tree, bound: float
) -> None:
    """Every array has gone the same way from `start`; the message names the paths."""
    assert list(got) == list(want), f"{framework}: {check}: other paths or another order"
    errors = {path: move_error(got[path], want[path], start[path]) for path in want}
    _assert_within(check, framework, errors, bound)


def _assert_within(check: str, framework: str, errors: Mapping[str, float], bound: float) -> None:
    worst[framework, check] = max(worst[framework, check], *errors.values(), 0.0)
    over = [f"  {path} error {error:.2e}" for path, error in errors.items() if not error <= bound]
    assert not over, "\n".join([f"{framework}: {check}: above {bound:.0e}:", *over])


def assert_trees_identical(framework: str, got: Tree, want: Tree, when: str) -> None:
    """The trees agree bit for bit; the message lists the paths that do not."""
    assert list(got) == list(want), f"{framework}: {when}: other paths or another order"
    unlike = [
        path
        for path in want
        if got[path].dtype != want[path].dtype
        or got[path].shape != want[path].shape
        or got[path].tobytes() != want[path].tobytes()
    ]
    assert not unlike, f"{framework}: {when}: not bit-identical: {', '.join(unlike)}"
