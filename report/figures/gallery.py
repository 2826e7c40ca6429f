"""Which figures a report has: of many set-ups, those of the first."""

from __future__ import annotations

import multiprocessing
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results.step_profile import Profiles
from report.analysis.comparison import Comparison
from report.figures.palette import Style, styles
from report.tables.contents import Crossing
from report.tables.step_profile import told_of
from report.tables.sweeps import Sweep

MOST_FIGURES = 18  # a report over thousands of records stays quick to make and to open
MOST_ROWS = 16
NAMES = (
    "throughput",
    "ladder",
    "phases",
    "accuracy-epochs",
    "accuracy-seconds",
    "time-to-target",
    "loss",
    "first-steps",
    "confusion",
    "misclassified",
)
"""The figures of a comparison, in the order of the report."""

OURS = re.compile(rf"((\d+-)?({'|'.join(NAMES)})|(sweep|hosts|profile)-\d+)\.(svg|png)")

if TYPE_CHECKING:  # which loads Matplotlib
    from report.figures.canvas import Drawing

Draw = Callable[..., list["Picture"]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, written.

    inline  an svg element for an HTML page: no identifiers that are not its own, text in the
            page's colour, a `title` in every mark
    svg     a file of its own, on white, as is png
    """

    name: str
    title: str
    seen: str
    note: str
    inline: str
    svg: str
    png: bytes


def of_comparison(
    comparison: Comparison, styles: Mapping[str, Style], prefix: str
) -> list[Picture]:
    """Its figures; `prefix` begins their names."""
    from report.figures.canvas import house_style
    from report.figures.registry import drawings
    from report.figures.svg import render

    with house_style():
        return [render(drawing) for drawing in drawings(comparison, styles, prefix)]


def of_crossings(
    named: Sequence[tuple[str, Crossing]], styles: Mapping[str, Style]
) -> list[Picture]:
    """The pictures of what is of no comparison alone; see `report.tables.contents`."""
    from report.figures.canvas import house_style
    from report.figures.hosts import hosts
    from report.figures.step_profile import heat_map
    from report.figures.svg import render
    from report.figures.throughput import sweep

    def drawing(name: str, of: Crossing) -> Drawing:
        if isinstance(of, Sweep):
            return sweep(of, styles, name)
        if isinstance(of, Profiles):
            return heat_map(told_of(of.profiles), name)
        return hosts(of, styles, name)

    with house_style():
        return [render(drawing(name, one)) for name, one in named]


def looks(comparisons: Sequence[Comparison]) -> dict[str, Style]:
    """A style for each framework of a report."""
    return styles(record.identity.framework for one in comparisons for record in one.everything)


def _call(draw: Draw, *given: object) -> list[Picture]:
    return draw(*given)


class Gallery:
    """The pictures of a report, by what they belong to; all are made at once.

    `call` calls what draws, in this process or in another.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        crossings: Sequence[tuple[str, Crossing]],
        call: Callable[..., list[Picture]] = _call,
    ) -> None:
        styles = looks(comparisons)
        self.of_comparisons: list[list[Picture]] = [[] for _ in comparisons]
        self.left_out: set[int] = set()  # comparisons, by their place
        for number, one in enumerate(comparisons):
            if sum(map(len, self.of_comparisons)) >= MOST_FIGURES or len(one.rows) > MOST_ROWS:
                self.left_out.add(number)
                continue
            prefix = f"{number + 1}-" if len(comparisons) > 1 else ""
            self.of_comparisons[number] = call(of_comparison, one, styles, prefix)
        self.of_crossings = call(of_crossings, crossings, styles)

    @property
    def pictures(self) -> list[Picture]:
        """All of them, in the order of the report."""
        return [*(one for several in self.of_comparisons for one in several), *self.of_crossings]


@contextmanager
def drawn_aside(
    comparisons: Sequence[Comparison], crossings: Sequence[tuple[str, Crossing]]
) -> Iterator[Callable[[], Gallery]]:
    """A gallery that another process draws, meanwhile; the call waits for it.

    That process starts as a fresh Python (it imports what this one's main program is), and gets
    one comparison after another, as long as figures are wanted. Should it die, drawing begins
    anew in this one.
    """
    with (
        ThreadPoolExecutor(1) as waiting,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _end_silently) as process,
    ):

        def call(draw: Draw, *given: object) -> list[Picture]:
            return process.submit(draw, *given).result()

        drawn = waiting.submit(Gallery, comparisons, crossings, call)

        def wait() -> Gallery:
            try:
                return drawn.result()
            except BrokenProcessPool:
                return Gallery(comparisons, crossings)

        yield wait


def _end_silently() -> None:
    """Ctrl-C reaches the process that draws, too; the other one tells of it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def is_ours(file_name: str) -> bool:
    """Whether a file is called as a report's drawings are."""
    return bool(OURS.fullmatch(file_name))
