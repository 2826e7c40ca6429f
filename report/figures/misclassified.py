"""Figures of what was mistaken: which classes for which, and a sheet of images."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import seaborn
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

from bench.results.record import Record
from report.analysis.comparison import Comparison
from report.figures.canvas import TEXT, Drawing, several
from report.text import in_words, plain

MOST_PANELS = 6
MOST_IMAGES = 16
MOST_CLASSES = 20
ACROSS = 4
NAME_LIMIT = 11
TITLE_IN = 0.4
LINE_IN = 0.115  # of text below a picture
LARGEST_PIXELS = 1024


@dataclass(frozen=True, slots=True)
class Confusion:
    """A row's test images by class (rows) and predicted class (columns), summed over its runs."""

    framework: str
    runs: int
    counts: NDArray[np.int64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Percent of each class' images; NaN where all is well, and for classes without images."""
        of_class = self.counts.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            shares = np.asarray(100 * self.counts / of_class, np.float64)
        np.fill_diagonal(shares, np.nan)
        return shares


def confusions(comparison: Comparison) -> list[Confusion]:
    """One for each row with trainings that tell theirs; none of more classes than can be read."""
    count = len(_class_names(comparison))
    if count > MOST_CLASSES:
        return []
    found = []
    for row in comparison.rows:
        known = [
            one.learning.confusion
            for one in comparison.of(row)
            if one.status.outcome == "ok" and one.learning.confusion
        ]
        if known:
            counts = np.zeros((count, count), np.int64)
            for label, predicted, images in itertools.chain(*known):
                counts[label, predicted] += images
            found.append(Confusion(row.framework, len(known), counts))
    return found


def confusion(comparison: Comparison, name: str) -> Drawing | None:
    """A panel a row; None where none is known, or classes are too many to be read."""
    found = confusions(comparison)[:MOST_PANELS]
    if not found:
        return None
    names = _class_names(comparison)
    across = min(2, len(found))
    rows = -(-len(found) // across)
    title = "Which classes are taken for which?"
    drawing = several(name, title, rows, across, TITLE_IN + 2.75 * rows)
    top = max(float(np.nanmax(one.shares, initial=0.0)) for one in found)
    for axes, one in zip(drawing.figure.axes, found, strict=False):
        seaborn.heatmap(
            one.shares,
            ax=axes,
            vmin=0,
            vmax=max(top, 1e-9),
            cmap="Oranges",
            annot=_numbers(one),
            fmt="",
            annot_kws={"fontsize": 5.5},
            cbar=False,
            square=True,
            linewidths=0.4,
            linecolor=(0.5, 0.5, 0.5, 0.25),
            xticklabels=names[: len(one.counts)],
            yticklabels=names[: len(one.counts)],
        )
        for number in axes.texts:
            number.set_in_layout(False)  # it is inside the axes, and measuring hundreds takes long
        axes.tick_params(length=0, labelsize=6)
        axes.tick_params(axis="x", rotation=0 if max(map(len, names)) < 3 else 90)
        axes.tick_params(axis="y", rotation=0)
        axes.set_title(plain(one.framework, 22), fontsize=9, fontweight="normal")
        axes.set_xlabel("Taken for", fontsize=7)
        axes.set_ylabel("Class", fontsize=7)
    for axes in drawing.figure.axes[len(found) :]:
        axes.set_axis_off()
    drawing.seen = " ".join(_said(one, names) for one in found)
    runs = max(one.runs for one in found)
    of = f"sums over {runs} runs" if runs > 1 else "one run"
    drawing.note = (
        f"Test images after the last epoch, {of}; the number is theirs, the colour their share of "
        "the class. What was right is left out."
    )
    return drawing


def _numbers(one: Confusion) -> list[list[str]]:
    """Counts above 0; the diagonal is left out."""
    return [
        [str(count) if count and row != column else "" for column, count in enumerate(counts)]
        for row, counts in enumerate(one.counts.tolist())
    ]


def _said(one: Confusion, names: Sequence[str]) -> str:
    wrong = one.counts.copy()
    np.fill_diagonal(wrong, 0)
    places = [divmod(int(at), len(wrong)) for at in np.argsort(-wrong, axis=None, kind="stable")]
    most = [
        f"{names[row]} for {names[column]} {wrong[row, column]} times"
        for row, column in places[:3]
        if wrong[row, column]
    ]
    mistaken = f"most often {in_words(most)}" if most else "none"
    total = f"{wrong.sum():,} of {one.counts.sum():,} mistaken"
    return f"{one.framework}: {total}, {mistaken}."


@dataclass(frozen=True, slots=True)
class MisclassifiedImage:
    """An image that at least one framework mistook.

    pixels  (H, W) in grey or (H, W, 3), in [0, 1]
    predicted  the class that each framework took it for, the right one among them
    shares  the probability that each gave that class, where it is known
    called  what stands above it in place of its number
    """

    image: int
    label: int
    pixels: NDArray[np.float32]
    predicted: dict[str, int]
    shares: dict[str, float] = field(default_factory=dict)
    called: str | None = None

    @property
    def name(self) -> str:
        """What it is called in the file, or its number."""
        return f"no. {self.image}" if self.called is None else plain(self.called, 2 * NAME_LIMIT)

    def sure(self, framework: str) -> str:
        """The probability in per cent after a comma, or nothing."""
        share = self.shares.get(framework)
        return "" if share is None else f", {share:.0%}"

    def described(self, names: Sequence[str]) -> str:
        """A sentence for those who do not see it."""
        by = ", ".join(
            f"{framework} says {names[predicted]}{self.sure(framework)}"
            for framework, predicted in self.predicted.items()
        )
        image = self.image if self.called is None else self.name
        return f"Image {image}, {names[self.label]}: {by}."


def misclassified_images(comparison: Comparison) -> list[MisclassifiedImage]:
    """The first images with a known picture, on the least seed that has pictures.

    Only as far as every record tells: one that lists no more mistakes may have made some.
    """
    records = _of_one_seed(comparison)
    within = min((record.learning.misclassified_among or 0 for record in records), default=0)
    listed_by = [{one.image: one for one in record.learning.misclassified} for record in records]
    found = []
    for image in sorted({image for own in listed_by for image in own if image < within}):
        ones = [own[image] for own in listed_by if image in own]
        pixels = next((p for one in ones if (p := _decoded(one.png)) is not None), None)
        if pixels is None:
            continue
        label = ones[0].label
        predicted = {
            record.identity.framework: own[image].predicted if image in own else label
            for record, own in zip(records, listed_by, strict=True)
        }
        found.append(MisclassifiedImage(image, label, pixels, predicted))
    return found[:MOST_IMAGES]


def sheet(comparison: Comparison, name: str) -> Drawing | None:
    """A picture each, with what was predicted of it; None where no pictures are known."""
    found = misclassified_images(comparison)
    if not found:
        return None
    drawing = sheet_of(found, _class_names(comparison), name)
    drawing.note = (
        "The first test images that at least one framework mistook on one seed, with their classes "
        "and numbers; below, what each took them for, in bold where that is wrong."
    )
    return drawing


def sheet_of(found: Sequence[MisclassifiedImage], names: Sequence[str], name: str) -> Drawing:
    """The pictures, at least one, in rows; `names` are those of the classes."""
    lines = len(found[0].predicted)
    title = "Which test images are mistaken, and for what?"
    rows = -(-len(found) // ACROSS)
    drawing = several(name, title, rows, ACROSS, TITLE_IN + rows * (1.3 + LINE_IN * lines))
    drawing.figure.set_layout_engine("constrained", h_pad=0.15)
    for axes in drawing.figure.axes:
        axes.set_axis_off()
    for axes, one in zip(drawing.figure.axes, found, strict=False):
        _picture_drawn(axes, one, names)
    drawing.seen = " ".join(one.described(names) for one in found)
    return drawing


def _picture_drawn(axes: Axes, one: MisclassifiedImage, names: Sequence[str]) -> None:
    cmap = "gray_r" if one.pixels.ndim == 2 else None
    axes.imshow(one.pixels, cmap=cmap, vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(
        f"{names[one.label]} · {one.name}",
        fontsize=7.5,
        fontweight="bold",
        loc="center",
        pad=3,
    )
    for place, (framework, predicted) in enumerate(one.predicted.items()):
        is_right = predicted == one.label
        axes.annotate(
            f"{plain(framework, NAME_LIMIT)}: {names[predicted]}{one.sure(framework)}",
            (0.5, 0),
            (0, -3 - 72 * LINE_IN * place),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=6.5,
            color=TEXT,
            alpha=0.62 if is_right else 1.0,
            fontweight="normal" if is_right else "bold",
        )


def _of_one_seed(comparison: Comparison) -> list[Record]:
    """One record a row that tells of its mistakes, of the least seed with pictures."""
    having = [
        [one for one in comparison.of(row) if one.status.outcome == "ok" and one.learning.confusion]
        for row in comparison.rows
    ]
    pictured = (one.identity.seed for records in having for one in records if _has_pictures(one))
    least = min(pictured, default=None)
    of_least = ([one for one in records if one.identity.seed == least] for records in having)
    return [found[0] for found in of_least if found]


def _has_pictures(record: Record) -> bool:
    return any(one.png for one in record.learning.misclassified)


def _decoded(png: str | None) -> NDArray[np.float32] | None:
    """Pixels in [0, 1]; None where there are none, or the text is no PNG of a sane size."""
    try:
        content = base64.b64decode(png or "", validate=True)
        with Image.open(io.BytesIO(content), formats=("PNG",)) as opened:
            if max(opened.size) > LARGEST_PIXELS:
                return None
            pixels = np.asarray(opened.convert("L" if opened.mode == "L" else "RGB"))
    except (ValueError, OSError, SyntaxError):
        return None
    return np.asarray(pixels / 255, np.float32)


def _class_names(comparison: Comparison) -> list[str]:
    """As the records have them; numbers where they have none."""
    known = [
        one for one in comparison.everything if one.learning.confusion or one.learning.misclassified
    ]
    names = max((one.learning.class_names for one in known), key=len, default=[])
    of_pairs = (pair[:2] for one in known for pair in one.learning.confusion)
    of_images = (
        (image.label, image.predicted) for one in known for image in one.learning.misclassified
    )
    count = 1 + max(itertools.chain(*of_pairs, *of_images), default=-1)
    spelled = [plain(name, NAME_LIMIT) for name in names]
    return spelled + [str(number) for number in range(len(spelled), count)]
