"""Mistakes and first steps as drawn: what the records hold, read back from the axes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.results.record import Record
from report.analysis.comparison import Comparison, compare
from report.figures import first_steps, misclassified
from report.figures.canvas import house_style
from report.figures.palette import styles
from report.figures.svg import render
from report.formats.csv_files import csv_files
from tests.record_making import changed


@pytest.fixture(autouse=True)
def _styled() -> Any:
    with house_style():
        yield


@pytest.fixture
def comparison(mistaken: list[Record]) -> Comparison:
    (found,) = compare(mistaken)
    return found


def compared(records: list[Record], **update: Any) -> Comparison:
    (found,) = compare([changed(record, **update) for record in records])
    return found


def test_confusion_is_the_sum_over_the_runs(comparison: Comparison) -> None:
    by_name = {one.framework: one for one in misclassified.confusions(comparison)}
    torch = by_name["torch"]
    assert (
        torch.runs == sum(record.identity.framework == "torch" for record in comparison.records) > 1
    )
    assert (
        torch.counts.tolist()
        == (torch.runs * np.array([[10, 1, 0], [0, 10, 1], [0, 1, 9]])).tolist()
    )
    assert torch.shares[0, 1] == pytest.approx(100 / 11)
    assert np.isnan(torch.shares.diagonal()).all()
    drawing = misclassified.confusion(comparison, "confusion")
    assert drawing is not None
    panels = [axes for axes in drawing.figure.axes if axes.get_title(loc="left")]
    assert [panel.get_title(loc="left") for panel in panels] == [
        row.framework for row in comparison.rows
    ]
    for panel in panels:
        one = by_name[panel.get_title(loc="left")]
        drawn = np.ma.filled(panel.collections[0].get_array(), np.nan).reshape(3, 3)
        np.testing.assert_allclose(drawn, one.shares)
        numbers = [text.get_text() for text in panel.texts]
        assert numbers.count(str(one.runs)) == (3 if panel.get_title(loc="left") == "torch" else 2)
        assert [label.get_text() for label in panel.get_yticklabels()] == ["a <b>", "$x$", "c"]
    assert f"torch: {3 * torch.runs} of {32 * torch.runs} mistaken" in drawing.seen


def test_the_sheet_says_what_each_framework_said(comparison: Comparison) -> None:
    found = misclassified.misclassified_images(comparison)
    assert [one.image for one in found] == [2, 5, 7]
    assert {name for name, said in found[1].predicted.items() if said != 1} == {"torch"}
    assert found[0].pixels.shape == (8, 8)
    assert found[0].pixels == pytest.approx(200 / 255)
    drawing = misclassified.sheet(comparison, "misclassified")
    assert drawing is not None
    assert drawing.figure.get_suptitle() == drawing.title != ""
    panel = drawing.figure.axes[1]
    assert panel.get_title(loc="center") == "$x$ · no. 5"
    np.testing.assert_allclose(panel.images[0].get_array(), found[1].pixels)
    wrong = [text.get_text() for text in panel.texts if text.get_fontweight() == "bold"]
    assert wrong == ["torch: c"]
    assert len(panel.texts) == len(comparison.rows)
    assert "Image 5, $x$:" in drawing.seen
    svg = render(drawing).inline
    assert svg.count("<image") == 3
    assert "data:image/png;base64," in svg
    assert "a &lt;b&gt;" in svg


def test_images_that_some_record_does_not_tell_of_are_left_out(mistaken: list[Record]) -> None:
    # A framework with more mistakes lists them not so far: of image 7 it says nothing.
    short = [
        changed(record, misclassified_among=6, misclassified=record.learning.misclassified[:1])
        if record.identity.framework == "keras"
        else record
        for record in mistaken
    ]
    (comparison,) = compare(short)
    assert [one.image for one in misclassified.misclassified_images(comparison)] == [2, 5]


@pytest.mark.parametrize("png", ["", "no base64!", "bm8gcG5n"])
def test_a_picture_that_is_none_is_left_out(mistaken: list[Record], png: str) -> None:
    broken = [
        changed(
            record,
            misclassified=[replace(one, png=png) for one in record.learning.misclassified],
        )
        for record in mistaken
    ]
    (comparison,) = compare(broken)
    assert misclassified.sheet(comparison, "misclassified") is None


def test_one_picture_is_enough(mistaken: list[Record]) -> None:
    one_each = [
        changed(
            record,
            misclassified=[
                replace(one, png=one.png if one.image == 5 else None)
                for one in record.learning.misclassified
            ],
        )
        for record in mistaken
    ]
    (comparison,) = compare(one_each)
    assert [one.image for one in misclassified.misclassified_images(comparison)] == [5]


def test_first_steps_are_relative_to_the_oracle(comparison: Comparison) -> None:
    found = first_steps.distances(comparison)
    assert [one.framework for one in found] == [row.framework for row in comparison.rows]
    # The third loss is not finite: the curve ends before it.
    assert found[0].relative == pytest.approx((0.0, 0.1))
    drawing = first_steps.difference(comparison, styles(o.framework for o in found), "first-steps")
    assert drawing is not None
    assert drawing.axes.get_yscale() == "log"
    lines = [line for line in drawing.axes.lines if line.get_gid()]
    assert [len(line.get_xdata()) for line in lines] == [2] * len(found)
    assert lines[0].get_ydata() == pytest.approx([first_steps.SMALLEST, 0.1])
    drawing.figure.draw_without_rendering()
    # Which powers have a tick is up to matplotlib's version.
    assert "10⁻¹" in {label.get_text()[:4] for label in drawing.axes.get_yticklabels()}
    assert "0 at the first step, at most 0.1" in drawing.seen


def test_without_the_data_nothing_is_drawn(windows: list[Record], mistaken: list[Record]) -> None:
    for comparison in compare(windows):
        assert misclassified.confusion(comparison, "x") is None
        assert misclassified.sheet(comparison, "x") is None
        assert first_steps.difference(comparison, {}, "x") is None
    ragged = compared(mistaken, confusion=[(0, 200, 1)])
    assert misclassified.confusion(ragged, "x") is None
    perfect = compared(mistaken, misclassified=[], confusion=[(0, 0, 4), (1, 1, 4)], class_names=[])
    assert misclassified.sheet(perfect, "x") is None
    drawing = misclassified.confusion(perfect, "x")
    assert drawing is not None
    assert "0 of " in drawing.seen
    render(drawing)


@pytest.mark.xdist_group("report")
def test_a_report_has_them_by_their_names(report) -> None:
    names = {path.name for path in (report("mistaken").folder / "figures").iterdir()}
    for name in ("confusion", "misclassified", "first-steps"):
        assert names >= {f"{name}.svg", f"{name}.png"}


def test_tidy_files_of_steps_and_mistakes(mistaken: list[Record], windows: list[Record]) -> None:
    files = csv_files(mistaken)
    torch = next(record for record in mistaken if record.identity.framework == "torch")
    cell = f",{torch.identity.cell},"
    steps = [line for line in files["steps.csv"].splitlines() if cell in line]
    assert [line.split(",", 4)[4] for line in steps] == ["1,2.3,2.3", "2,2.2,2.0", "3,,1.0"]
    counts = [
        line for line in files["confusion.csv"].splitlines() if f",{torch.identity.cell}," in line
    ]
    assert [line.split(",", 4)[4] for line in counts] == [
        *("a <b>,a <b>,10", "a <b>,$x$,1", "$x$,$x$,10", "$x$,c,1"),
        *("c,$x$,1", "c,c,9"),
    ]
    assert set(csv_files(windows)) == {"records.csv", "epochs.csv"}


def test_classes_without_images_are_drawn_too(mistaken: list[Record]) -> None:
    names = ["a", "b", "c", "d", "e"]
    several = [changed(one, class_names=names) for one in mistaken]
    (comparison,) = compare(several)
    drawing = misclassified.confusion(comparison, "confusion")
    assert drawing is not None
    for axes in drawing.figure.axes[: len(comparison.rows)]:
        assert [label.get_text() for label in axes.get_xticklabels()] == names
        assert [label.get_text() for label in axes.get_yticklabels()] == names
