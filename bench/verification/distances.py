"""How far arrays are apart: pure functions, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Tree = Mapping[str, NDArray[np.floating]]

INFINITE = float("inf")
SLOPES = "slopes"


def scale_error(got: ArrayLike, want: ArrayLike) -> float:
    """Max |got − want| / max |want|: elements near 0 are measured by their tensor's scale.

    Infinite where the shapes differ or a value is not finite.
    """
    a, b = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if a.shape != b.shape or not np.isfinite(a).all():
        return INFINITE
    difference = float(np.abs(a - b).max())
    return _ratio(difference, float(np.abs(b).max()))


def move_error(got: ArrayLike, want: ArrayLike, start: ArrayLike, set_aside: float = 0.0) -> float:
    """‖got − want‖ / ‖want − start‖: how much of the way a tensor has gone is wrong.

    Without that part of the elements, at least one and not all, that are farthest off.

    The right measure of training. Against the size of the weights, the effect of an optimizer's
    small constants vanishes: weight decay left out of five steps of SGD changes no weight by more
    than 6e-5 of its tensor's scale, but is 5 % of the way gone. And in the Euclidean norm, because
    Adam and RMSprop divide a gradient by its own size: where it is nothing but rounding, and there
    are always some such among thousands, a single weight goes a whole step in either direction.
    """
    a, b, c = (np.asarray(array, np.float64) for array in (got, want, start))
    if a.shape != b.shape or not np.isfinite(a).all():
        return INFINITE
    off = np.abs(a - b).ravel()
    if set_aside and off.size > 1:
        kept = off.size - min(math.ceil(set_aside * off.size), off.size - 1)
        off = np.partition(off, kept - 1)[:kept]
    return _ratio(float(np.linalg.norm(off)), float(np.linalg.norm(b - c)))


def worst(got: Tree, want: Tree, error: Callable[[str], float] | None = None) -> tuple[float, str]:
    """The largest error over the paths of `want`, and its path; by `scale_error` if none is given.

    The path is empty where there is no error.

    Infinite where a path is missing, comes besides or comes in another order.
    """
    if list(got) != list(want):
        unlike = [path for path in (*want, *got) if path not in got or path not in want]
        return INFINITE, unlike[0] if unlike else "the order of the paths"
    if error is None:
        got, want = joined(got), joined(want)
    of = error or (lambda path: scale_error(got[path], want[path]))
    errors = {path: of(path) for path in want}
    path = max(errors, key=lambda path: errors[path])
    return errors[path], path if errors[path] else ""


def worst_move(got: Tree, want: Tree, start: Tree, set_aside: float = 0.0) -> tuple[float, str]:
    """As `worst`, by `move_error`; `start` has the paths of `want`."""
    if list(got) != list(want):
        return worst(got, want)
    a, b, c = joined(got), joined(want), joined(start)
    return worst(a, b, lambda path: move_error(a[path], b[path], c[path], set_aside))


def joined(tree: Tree) -> Tree:
    """The tree with its slopes, of which each is a single number, as one array at the end.

    Errors are measured by the scale of a tensor. A single number has none: the gradient of a slope
    is a sum over all of a layer's units, whose terms cancel now and then to a thousandth of what
    they are, and then rounding is a thousand times as large a part of it.
    """
    slopes = [path for path in tree if path.endswith("/slope")]
    if not slopes:
        return tree
    together = np.concatenate([np.ravel(tree[path]) for path in slopes])
    others = {path: value for path, value in tree.items() if path not in slopes}
    return others | {SLOPES: together}


def unlike_elements(got: Tree, want: Tree) -> tuple[float, str]:
    """How many elements of `want` differ in a bit, and the path with the most; as `worst` else."""

    def count(path: str) -> float:
        a, b = got[path], want[path]
        if a.dtype != b.dtype or a.shape != b.shape:
            return INFINITE
        return float(np.count_nonzero(_bits(a) != _bits(b)))

    return worst(got, want, count)


def _bits(array: NDArray[np.floating]) -> NDArray[np.unsignedinteger]:
    return np.ascontiguousarray(array).view(f"u{array.itemsize}")


def _ratio(difference: float, size: float) -> float:
    if not difference:
        return 0.0
    return difference / size if size else INFINITE
