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


def assert_close(check: str, framework: str, got: ArrayLike, want: ArrayLike, bound: float) -> None:
    """The array's error is within the bound."""
    assert_trees_close(check, framework, {check: np.asarray(got)}, {check: np.asarray(want)}, bound)


def assert_trees_close(check: str, framework: str, got: Tree, want: Tree, bound: float) -> None:
    """Every array's error is within the bound; the message lists those that are not, by path."""
    assert list(got) == list(want), f"{framework}: {check}: other paths or another order"
    errors = {path: scale_error(got[path], want[path]) for path in want}
    worst[framework, check] = max(worst[framework, check], *errors.values())
    over = [
        f"  {path} {np.shape(want[path])}: error {error:.2e} of its scale, got {np.shape(got[path])}"
        for path, error in errors.items()
        if not error <= bound
    ]
    assert not over, f"{framework}: {check}: above {bound:.0e}:\n" + "\n".join(over)


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
