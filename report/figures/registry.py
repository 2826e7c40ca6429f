"""The figures of a comparison by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from report.analysis.comparison import Comparison
from report.figures import first_steps, ladder, misclassified, phases, throughput, training
from report.figures.canvas import Drawing
from report.figures.gallery import NAMES
from report.figures.palette import Style

Draw = Callable[[Comparison, Mapping[str, Style], str], Drawing | None]

BY_QUESTION: tuple[Draw, ...] = (
    throughput.throughput,
    ladder.ladder,
    lambda of, _, name: phases.phases(of, name),
    partial(training.accuracy, against_seconds=False),
    partial(training.accuracy, against_seconds=True),
    training.to_target,
    training.loss,
    first_steps.difference,
    lambda of, _, name: misclassified.confusion(of, name),
    lambda of, _, name: misclassified.sheet(of, name),
)
DRAWN: Mapping[str, Draw] = dict(zip(NAMES, BY_QUESTION, strict=True))


def drawings(
    comparison: Comparison, styles: Mapping[str, Style], prefix: str = ""
) -> Iterator[Drawing]:
    """The figures of a comparison that say something; `prefix` begins their names."""
    made = (draw(comparison, styles, f"{prefix}{name}") for name, draw in DRAWN.items())
    yield from (drawing for drawing in made if drawing is not None)
