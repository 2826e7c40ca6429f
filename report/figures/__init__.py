"""Records → figures: each answers the question that is its title, with units on its axes.

palette.py   one colour, marker and dash a framework
canvas.py    what all figures share
speed.py, training.py, phases.py, first_steps.py, mistakes.py
             the figures: what is drawn is what the records hold
svg.py       a drawing → SVG and PNG

Only figures that say something are drawn; of many set-ups, only those of the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from report.comparison import Comparison
from report.figures import first_steps, mistakes, phases, speed, training
from report.figures.canvas import Drawing, house_style
from report.figures.palette import Style, styles
from report.figures.svg import Picture, render
from report.sweeps import MOST_DRAWN, Sweep

MOST_FIGURES = 18  # a report over thousands of records stays quick to make and to open
MOST_ROWS = 16

Draw = Callable[[Comparison, Mapping[str, Style], str], Drawing | None]

DRAWN: Mapping[str, Draw] = {
    "throughput": speed.throughput,
    "phases": lambda of, _, name: phases.phases(of, name),
    "accuracy-epochs": partial(training.accuracy, against_seconds=False),
    "accuracy-seconds": partial(training.accuracy, against_seconds=True),
    "time-to-target": training.to_target,
    "loss": training.loss,
    "first-steps": first_steps.difference,
    "confusion": lambda of, _, name: mistakes.confusion(of, name),
    "mistakes": lambda of, _, name: mistakes.sheet(of, name),
}
"""The figures of a comparison by their names, in the order of the report."""

OURS = re.compile(rf"((\d+-)?({'|'.join(DRAWN)})|sweep-\d+)\.(svg|png)")


class Gallery:
    """The pictures of a report, by what they belong to; all are made at once."""

    def __init__(self, comparisons: Sequence[Comparison], sweeps: Sequence[Sweep]) -> None:
        self.styles = _styles(comparisons)
        self.of_comparisons: list[list[Picture]] = [[] for _ in comparisons]
        self.of_sweeps = of_sweeps(comparisons, sweeps)
        self.left_out: set[int] = set()  # comparisons, by their place
        with house_style():
            for number, one in enumerate(comparisons):
                if sum(map(len, self.of_comparisons)) >= MOST_FIGURES or len(one.rows) > MOST_ROWS:
                    self.left_out.add(number)
                    continue
                prefix = f"{number + 1}-" if len(comparisons) > 1 else ""
                drawn = drawings(one, self.styles, prefix)
                self.of_comparisons[number] = [render(drawing) for drawing in drawn]

    @property
    def pictures(self) -> list[Picture]:
        """All of them, in the order of the report."""
        return [*(one for several in self.of_comparisons for one in several), *self.of_sweeps]


def of_sweeps(comparisons: Sequence[Comparison], sweeps: Sequence[Sweep]) -> list[Picture]:
    """The pictures of the first sweeps, sweep-1 and on; see `report.sweeps.figure_name`."""
    looks = _styles(comparisons)
    with house_style():
        return [
            render(speed.sweep(sweep, looks, f"sweep-{number}"))
            for number, sweep in enumerate(sweeps[:MOST_DRAWN], 1)
        ]


def _styles(comparisons: Sequence[Comparison]) -> dict[str, Style]:
    return styles(record.framework for one in comparisons for record in one.everything)


def drawings(
    comparison: Comparison, styles: Mapping[str, Style], prefix: str = ""
) -> Iterator[Drawing]:
    """The figures of a comparison that say something; `prefix` begins their names."""
    made = (draw(comparison, styles, f"{prefix}{name}") for name, draw in DRAWN.items())
    yield from (drawing for drawing in made if drawing is not None)


def is_ours(file_name: str) -> bool:
    """Whether a file is called as a report's drawings are."""
    return bool(OURS.fullmatch(file_name))


__all__ = [
    "Drawing",
    "Gallery",
    "Picture",
    "Style",
    "drawings",
    "is_ours",
    "of_sweeps",
    "render",
    "styles",
]
