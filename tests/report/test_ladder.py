"""Ladders: rungs in their order, what each change brings, and the limit above them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from bench.results.record import Record
from report.analysis.comparison import Comparison, compare
from report.analysis.ladder import ladders
from report.figures.canvas import house_style
from report.figures.gallery import looks
from report.figures.ladder import ladder
from report.tables.ladder import section

Make = Callable[..., Record]
NOISE = (1.00, 1.01, 0.99, 1.005, 0.995)
SPEEDS = {
    "torch": 2000,
    "torch:tutorial+fused": 1500,
    "torch:tutorial+no-sync": 1450,
    "torch:tutorial": 1000,
    "torch:compile": 2100,
    "keras": 900,
    "keras:tutorial": 600,
    "mlx": 50,
}


def made(make: Make, speeds: dict[str, int]) -> Comparison:
    (found,) = compare(
        make(
            framework=name,
            seed=seed,
            images_per_s=of * noise * (1 + 0.002 * number),
            gflop_per_s=of / 100,
            matrix_gflop_per_s=80.0,
        )
        for number, (name, of) in enumerate(speeds.items())
        for seed, noise in enumerate(NOISE)
    )
    return found


def test_rungs_stand_from_the_tutorial_to_the_plain_adapter(make: Make) -> None:
    torch, keras = ladders(made(make, SPEEDS))
    assert [rung.row.framework for rung in torch] == [
        *("torch:tutorial", "torch:tutorial+no-sync", "torch:tutorial+fused", "torch")
    ]
    assert [rung.row.framework for rung in keras] == ["keras:tutorial", "keras"]
    assert [rung.change for rung in torch] == [
        *("its own first example", "losses asked for once an epoch"),
        *("the optimizer in one kernel", "the plain adapter"),
    ]


def test_ratios_are_to_the_tutorial_and_to_the_rung_before(make: Make) -> None:
    (torch, _) = ladders(made(make, SPEEDS))
    first, second, _, last = torch
    assert (first.to_first, first.to_before) == (None, None)
    assert second.to_first is not None
    assert second.to_before is not None
    assert second.to_first.effect == second.to_before.effect
    assert last.to_first is not None
    assert last.to_first.effect.estimate == pytest.approx(2.0, rel=0.01)
    assert last.to_before is not None
    assert last.to_before.effect.estimate == pytest.approx(4 / 3, rel=0.01)
    assert last.to_before.verdict == "faster"


@pytest.mark.parametrize("gone", ["torch:tutorial", "torch", "torch:tutorial torch:tutorial+fused"])
def test_no_ladder_without_both_its_ends(make: Make, gone: str) -> None:
    left = {name: of for name, of in SPEEDS.items() if name not in gone.split()}
    assert [rungs[-1].row.framework for rungs in ladders(made(make, left))] == ["keras"]


def test_the_section_has_a_table_a_framework(make: Make) -> None:
    found = section(made(make, SPEEDS))
    assert found is not None
    assert [len(table.rows) for table in found.tables] == [4, 2]
    cells = {
        column.name: column.cell(found.tables[0].rows[-1]) for column in found.tables[0].columns
    }
    assert cells["Of the example"] == "1.988"
    assert cells["Of limit"] == "25.0"
    assert section(made(make, {"torch": 5, "mlx": 4})) is None


def test_the_figure_has_a_bar_a_rung_under_the_limit(make: Make) -> None:
    of = made(make, SPEEDS)
    with house_style():
        drawing = ladder(of, looks([of]), "ladder")
        assert drawing is not None
        assert drawing.seen == (
            "torch: 10.0 GFLOP/s, 14.5 GFLOP/s, 15.0 GFLOP/s and 20.0 GFLOP/s. "
            "keras: 6.00 GFLOP/s and 9.00 GFLOP/s. The machine's limit is 80.0 GFLOP/s."
        )
        assert sum(map(len, drawing.marks.values())) == 6
        labels = [label.get_text() for label in drawing.axes.get_yticklabels()]
        assert labels == ["torch", "tutorial", "+no-sync", "+fused", "plain", *labels[5:]]
        assert labels[5:] == ["keras", "tutorial", "plain"]
        texts = [text.get_text() for text in drawing.axes.texts]
        assert any(re.fullmatch(r"2,\d{3} images/s, ×1\.33\d \(1\..* to 1\..*\)", t) for t in texts)
        assert any(text.startswith("80.0: product of matrices") for text in texts)
        without = made(make, {"torch": 5, "mlx": 4})
        assert ladder(without, looks([without]), "ladder") is None
