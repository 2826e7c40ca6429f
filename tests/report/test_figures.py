"""What is drawn is what the records hold: read back from the axes and from the SVG."""

from __future__ import annotations

import re
from collections.abc import Callable
from statistics import median
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib.axes import Axes

from bench.results.record import Record
from report.analysis.comparison import Comparison, compare
from report.figures import phases, throughput, training
from report.figures.canvas import Drawing, house_style, thinned
from report.figures.gallery import Gallery
from report.figures.palette import DASHES, KNOWN, OTHERS, styles
from report.figures.registry import drawings
from report.figures.svg import FONTS, render
from report.tables.sweeps import sweeps
from tests.record_making import changed

Make = Callable[..., Record]
SVG = "{http://www.w3.org/2000/svg}"
NASTY = '$x_1$ </title><script>&" ' + "y" * 300


@pytest.fixture(autouse=True)
def _styled() -> Any:
    with house_style():
        yield


@pytest.fixture
def batch64(windows: list[Record]) -> Comparison:
    return next(one for one in compare(windows) if one.setup.batch_size == 64)


def looks(comparison: Comparison) -> dict[str, Any]:
    return styles(record.identity.framework for record in comparison.everything)


def marked(drawing: Drawing) -> list[tuple[list[float], list[float], list[str]]]:
    """Of each marked line of the axes: x, y and texts."""
    lines = {line.get_gid(): line for line in drawing.axes.lines if line.get_gid()}
    return [
        (list(map(float, lines[gid].get_xdata())), list(map(float, lines[gid].get_ydata())), texts)
        for gid, texts in drawing.marks.items()
        if gid in lines
    ]


def names(comparison: Comparison) -> list[str]:
    return [one.name for one in drawings(comparison, looks(comparison))]


def labels(axes: Axes) -> tuple[str, str]:
    return axes.get_xlabel(), axes.get_ylabel()


def test_throughput_is_that_of_the_records(batch64: Comparison) -> None:
    drawing = throughput.throughput(batch64, looks(batch64), "throughput")
    assert drawing is not None
    drawn = marked(drawing)
    for place, row in enumerate(batch64.rows):
        points, interval, middle = drawn[3 * place : 3 * place + 3]
        own = sorted(r.throughput.images_per_s or 0.0 for r in batch64.of(row))
        assert points[0] == own
        assert len(points[2]) == len(own) == 8
        assert interval[0] == [row.speed.images_per_s_low, row.speed.images_per_s_high]
        assert middle[0] == [median(own)]
    assert drawing.axes.get_xlim()[0] == 0
    assert labels(drawing.axes)[0] == "Images a second, training"


def test_accuracy_is_that_of_the_records(batch64: Comparison) -> None:
    drawing = training.accuracy(batch64, looks(batch64), "a", against_seconds=False)
    assert drawing is not None
    trained = [r for r in batch64.records if not r.identity.throughput_only]
    points = [one for one in marked(drawing) if len(one[0]) > 1]
    for row, (x, y, texts) in zip(batch64.rows, points, strict=True):
        own = [r.learning.val_accuracy for r in trained if r.identity.framework == row.framework]
        assert x == [1, 2, 3]
        assert y == pytest.approx([100 * median(values) for values in zip(*own, strict=True)])
        assert len(texts) == 3
    bands = [
        (path.vertices[:, 1].min(), path.vertices[:, 1].max())
        for band in drawing.axes.collections
        for path in band.get_paths()
    ]
    for row, (low, high) in zip(batch64.rows, bands, strict=True):
        own = [
            v
            for r in trained
            if r.identity.framework == row.framework
            for v in r.learning.val_accuracy
        ]
        assert (low, high) == pytest.approx((100 * min(own), 100 * max(own)))
    rings = {texts[0]: (x[0], y[0]) for x, y, texts in marked(drawing) if len(x) == 1}
    assert rings["torch is at the target after epoch 2"][0] == 2
    assert all(y >= 97 for _, y in rings.values())
    assert any(list(line.get_ydata()) == [97, 97] for line in drawing.axes.lines)


def test_accuracy_against_seconds_has_the_sums_of_epochs(batch64: Comparison) -> None:
    drawing = training.accuracy(batch64, looks(batch64), "a", against_seconds=True)
    assert drawing is not None
    torch = next(x for x, _, texts in marked(drawing) if texts[0].startswith("torch, epoch 1"))
    ends = [
        sum(record.timing.epoch_s[:3])
        for record in batch64.records
        if record.identity.framework == "torch" and not record.identity.throughput_only
    ]
    assert torch[-1] == pytest.approx(median(ends))
    assert labels(drawing.axes) == ("Training time (s)", "Validation accuracy (%)")


def test_without_validation_the_accuracy_is_that_of_the_test_images(windows: list[Record]) -> None:
    """As in trainings that judge themselves by the test set; with what was measured before them."""
    judged = [
        changed(
            record,
            monitor="test",
            val_accuracy=[],
            test_accuracy_by_epoch=[0.5, 0.6, 0.7],
            epoch_0={"test_accuracy_by_epoch": 0.125},
            target_accuracy=0.6,
        )
        for record in windows
        if record.identity.batch_size == 64 and not record.identity.throughput_only
    ]
    (comparison,) = compare(judged)
    for against_seconds in (False, True):
        drawing = training.accuracy(
            comparison, looks(comparison), "a", against_seconds=against_seconds
        )
        assert drawing is not None
        assert labels(drawing.axes)[1] == "Test accuracy (%)"
        for x, y, texts in marked(drawing):  # no ring: a target is one of validation
            assert y == pytest.approx([12.5, 50, 60, 70])
            assert x[0] == 0
            assert "epoch 0, 0.00 s: 12.50 %" in texts[0]


def test_time_to_target_tells_who_missed_it(frozen: list[Record]) -> None:
    comparison = next(one for one in compare(frozen) if one.setup.settings.target_accuracy)
    drawing = training.to_target(comparison, looks(comparison), "t")
    assert drawing is not None
    drawn = {texts[0]: x for x, _, texts in marked(drawing)}
    assert sorted(drawn["torch, seed 0: 8.00 s"]) == [8.0, 9.6, 11.1]
    assert drawn["torch: median 9.60 s"] == [9.6]
    assert drawn["keras, seed 0: 16.0 s"] == [16.0]
    assert drawn["keras, seed 1: not reached in 21.0 s"] == [21.0]
    assert "keras: median" not in " ".join(drawn)  # it is only known to be more


def test_phases_add_up_to_the_process(batch64: Comparison) -> None:
    drawing = phases.phases(batch64, "phases")
    assert drawing is not None
    ends = {}
    for bar in drawing.axes.patches:
        at = round(bar.get_y() + bar.get_height() / 2)
        ends[at] = max(ends.get(at, 0.0), bar.get_x() + bar.get_width())
    for place, row in enumerate(batch64.rows):
        walls = [record.timing.wall_s or 0.0 for record in batch64.of(row)]
        assert ends[place] == pytest.approx(sum(walls) / len(walls))


def test_loss_is_of_one_seed_of_all(batch64: Comparison) -> None:
    drawing = training.loss(batch64, looks(batch64), "loss")
    assert drawing is not None
    assert drawing.title.endswith("on seed 0")
    assert len(marked(drawing)) == 3
    for _, y, texts in marked(drawing):
        framework = texts[0].partition(",")[0]
        own = next(
            r
            for r in batch64.records
            if (r.identity.framework, r.identity.seed, r.identity.throughput_only)
            == (framework, 0, False)
        )
        assert y == own.learning.train_loss


def test_sweep_has_every_value(windows: list[Record]) -> None:
    (found,) = sweeps(compare(windows))
    drawing = throughput.sweep(found, styles(r.identity.framework for r in windows), "sweep")
    curves = {
        texts[0].partition(",")[0]: (x, y) for x, y, texts in marked(drawing) if "," in texts[0]
    }
    assert curves["torch"][0] == [6.0, 7.0]  # doublings
    assert curves["torch"][1] == pytest.approx([10_050, 15_150])
    assert curves["torch:compile"][0] == [6.0]
    assert labels(drawing.axes)[0].startswith("Batch size (images a step)")


def test_the_text_of_an_svg_is_in_a_font_of_the_reader(batch64: Comparison) -> None:
    drawing = throughput.throughput(batch64, looks(batch64), "throughput")
    assert drawing is not None
    texts = list(ElementTree.fromstring(render(drawing).inline).iter(f"{SVG}text"))
    assert len(texts) > 5
    assert all(FONTS in text.get("style", "") for text in texts)


def test_the_svg_holds_the_data(batch64: Comparison) -> None:
    """Distances between marks in the SVG are those between the figures, in one scale."""
    drawing = throughput.throughput(batch64, looks(batch64), "throughput")
    assert drawing is not None
    picture = render(drawing)
    root = ElementTree.fromstring(picture.inline)
    at: dict[str, list[float]] = {}
    for group in root.iter(f"{SVG}g"):
        title, use = group.find(f"{SVG}title"), group.find(f"{SVG}use")
        if title is not None and use is not None and " repeat " in (title.text or ""):
            at.setdefault((title.text or "").partition(",")[0], []).append(float(use.get("x", "")))
    first = [r.throughput.images_per_s or 0.0 for r in batch64.of(batch64.rows[0])]
    last = [
        r.throughput.images_per_s or 0.0 for r in batch64.records if r.identity.framework == "keras"
    ]
    scale = (max(at["keras"]) - min(at["torch:compile"])) / (max(last) - min(first))
    assert set(at) == {"torch", "torch:compile", "keras"}
    for row in batch64.rows:
        values = sorted(record.throughput.images_per_s or 0.0 for record in batch64.of(row))
        shown = [(x - min(at["torch:compile"])) / scale + min(first) for x in at[row.framework]]
        assert shown == pytest.approx(values, rel=0.02)


@pytest.mark.xdist_group("report")
def test_svg_needs_nothing_and_names_itself(gallery: Gallery) -> None:
    pictures = gallery.pictures
    assert len({picture.name for picture in pictures}) == len(pictures) > 6
    identifiers: list[str] = []
    for picture in pictures:
        root = ElementTree.fromstring(picture.inline)
        assert root.get("role") == "img"
        assert root.get("aria-label", "").startswith(picture.title)
        assert len(picture.seen) > 20
        own = [element.get("id", "") for element in root.iter() if element.get("id")]
        identifiers += own
        references = re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", picture.inline)
        assert {one or other for one, other in references} == set(own)
        outside = re.sub(r"xmlns(:\w+)?=\"[^\"]+\"", "", picture.inline)
        assert "http" not in outside
        assert "#010203" not in picture.inline
        assert "currentColor" in picture.inline
        assert 'fill="#ffffff"' in picture.svg
        assert picture.png.startswith(b"\x89PNG")
    assert len(set(identifiers)) == len(identifiers)


def test_a_mark_without_its_text_is_an_error(batch64: Comparison) -> None:
    drawing = throughput.throughput(batch64, looks(batch64), "throughput")
    assert drawing is not None
    drawing.marks["mark0"].pop()
    with pytest.raises(AssertionError, match="8 marks drawn, 7 texts"):
        render(drawing)


def test_names_are_text(make: Make) -> None:
    records = [make(framework=NASTY, seed=seed) for seed in (0, 1)]
    (comparison,) = compare(records)
    for drawing in drawings(comparison, looks(comparison)):
        picture = render(drawing)
        root = ElementTree.fromstring(picture.inline)
        assert not list(root.iter(f"{SVG}script"))
        texts = "".join(root.itertext())
        assert "$x_1$ </title>" in texts or drawing.name == "loss"


def test_only_figures_that_say_something(make: Make, failed: Make) -> None:
    several = [make(seed=seed, wall_s=30.0) for seed in (0, 1, 2)]
    assert names(compare(several)[0]) == [
        *("throughput", "phases", "accuracy-epochs", "accuracy-seconds"),
        *("time-to-target", "loss"),
    ]
    assert "throughput" not in names(compare([make()])[0])
    assert "time-to-target" not in names(
        compare([make(target_accuracy=None, time_to_target_s=None)])[0]
    )
    assert names(compare([failed()])[0]) == []
    lists = {name: [] for name in ("train_loss", "val_loss", "val_accuracy", "epoch_s")}
    fast = [make(**lists, throughput_only=True, seed=s, time_to_target_s=None) for s in (0, 1)]
    assert set(names(compare(fast)[0])) <= {"throughput", "phases"}
    known = dict(make().learning) | dict(make().timing)
    once = {name: known[name][:1] for name in lists}
    assert "accuracy-epochs" not in names(compare([make(**once, epochs=1)])[0])


def test_one_look_a_framework() -> None:
    of = styles(["torch", "torch:compile", "keras", "keras:jit", "mine", "other"])
    assert len({(one.colour, one.marker, one.dash) for one in of.values()}) == len(of)
    assert of["torch"].marker == of["torch:compile"].marker
    assert of["torch"].dash == () != of["torch:compile"].dash
    assert of["torch"] == styles(["torch"])["torch"]


def test_each_further_variant_is_lighter_up_to_the_second_and_has_a_dash_of_its_own() -> None:
    variants = [f"keras:{name}" for name in "abcde"]
    of = styles(["keras", *variants])
    greys = [int(of[name].colour[1:3], 16) for name in ("keras", *variants)]
    assert greys[0] < greys[1] < greys[2] == greys[3] == greys[4] == greys[5]
    assert [of[name].dash for name in ("keras", *variants)] == [*DASHES, *DASHES[:2]]
    assert len({(one.colour, one.dash) for one in of.values()}) == len(of)


@pytest.mark.parametrize("colour", [colour for colour, _ in (*KNOWN.values(), *OTHERS)])
@pytest.mark.parametrize("page", ["#ffffff", "#14171b"])
def test_colours_stand_out(colour: str, page: str) -> None:
    """WCAG 2.2, 1.4.11: graphics have a contrast of 3."""

    def luminance(of: str) -> float:
        parts = [int(of[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(colour), luminance(page)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_thinning_keeps_the_ends() -> None:
    assert thinned(range(1000), 5) == [0, 250, 500, 749, 999]
    assert thinned([1, 2], 5) == [1, 2]
