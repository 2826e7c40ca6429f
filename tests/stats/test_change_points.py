"""Change points: where they are, how rarely there is a false one, and how surely a true one."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats import change_points
from bench.stats.change_points import CERTAIN, FEWEST, LEAST

SERIES = 400
# Of 400 series with 1 % false alarms each, more than 11 have one with a chance of 0.1 %.
MOST_FALSE = 11

SHAPES = {
    "normal": lambda draw, size: draw.normal(1000, 20, size),
    "heavy tails": lambda draw, size: 1000 + 5 * draw.standard_t(2, size),
    "skewed": lambda draw, size: 1000 * draw.lognormal(0, 0.1, size),
    "rounded": lambda draw, size: np.round(draw.normal(1000, 2, size)),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [10, 25, pytest.param(100, marks=pytest.mark.long)])
def test_what_stays_as_it_is_has_no_change_point(shape, size) -> None:
    draw = np.random.default_rng(size)
    false = sum(bool(change_points(SHAPES[shape](draw, size))) for _ in range(SERIES))
    assert false <= MOST_FALSE


@pytest.mark.parametrize("before", [10, 20])
def test_a_change_is_found_where_it_is(before) -> None:
    """Of 5 %, where runs scatter by 1 %, ten runs after it."""
    draw = np.random.default_rng(3)
    found = 0
    for _ in range(100):
        values = [*draw.normal(1000, 10, before), *draw.normal(1050, 10, 10)]
        places = [one.place for one in change_points(values)]
        found += len(places) == 1 and abs(places[0] - before) <= 1
    assert found >= 90


def test_several_changes() -> None:
    draw = np.random.default_rng(1)
    levels = np.repeat([100.0, 120.0, 90.0, 91.0], 15)
    found = change_points(levels * draw.normal(1, 0.005, len(levels)))
    assert [one.place for one in found][:2] == [15, 30]
    assert len(found) in (2, 3)
    assert all(one.p <= 1 - CERTAIN for one in found)


def test_one_odd_run_is_no_change() -> None:
    draw = np.random.default_rng(2)
    values = draw.normal(1000, 5, 40)
    values[20] = 100.0
    assert change_points(values) == ()


def test_p_of_a_clean_cut_by_hand() -> None:
    """Seven before and seven after: 2/C(14, 7) = 2/3432, times 7 places from 4 to 10."""
    values = [*range(1, 8), *range(101, 108)]
    (found,) = change_points(values)
    assert found.place == 7
    assert found.p == pytest.approx(7 * 2 / 3432)


def test_the_fewest_runs_that_can_be_certain() -> None:
    """Six and seven: 2/1716, times 6 places; of one less, six and six: 2/924, times 5 places."""
    clean_cuts = [
        [*range(before), *range(100, 100 + size - before)]
        for size in (FEWEST - 1, FEWEST)
        for before in range(LEAST, size - LEAST + 1)
    ]
    certain = {len(values) for values in clean_cuts if change_points([one + 1 for one in values])}
    assert certain == {FEWEST}


@pytest.mark.parametrize("values", [[], [1.0], list(range(2 * LEAST - 1)), [5.0] * 100])
def test_none_where_nothing_can_be_told(values) -> None:
    assert change_points(values) == ()


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        change_points([1.0] * 20 + [float("nan")])
