"""The heat map of a profile: milliseconds of every part of a step, framework beside framework."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.results.step_profile import PASSES, StepProfile
from report.figures.canvas import Drawing, blank
from report.tables.main import figure
from report.tables.step_profile import keys
from report.text import in_words

ROW_IN = 0.33
COLOURS = "Blues"  # lightness tells the value, so that it is told apart by colour-blind people
ROUNDED_MS = 0.01  # what is shown of a time
DARK = 0.6  # of the range, from where on text is white
SHORT = {
    "gather": "gather",
    "forward": "forward",
    "inputs": "to inputs",
    "parameters": "to parameters",
    "loss": "loss",
    "update": "update",
}


def heat_map(profiles: Sequence[StepProfile], name: str) -> Drawing:
    """A column a framework, a row a part; what a framework has not is blank."""
    rows = keys(profiles)
    found = [{(p.layer, p.of): p for p in one.rows()} for one in profiles]
    values = np.full((len(rows), len(profiles)), np.nan)
    for place, parts in enumerate(found):
        for at, key in enumerate(rows):
            if key in parts:
                values[at, place] = max(0.0, 1e3 * parts[key].seconds.estimate)
    drawing = blank(name, "Where does the time of a step go?", ROW_IN * len(rows) + 0.9)
    axes = drawing.axes
    axes.pcolormesh(
        np.arange(len(profiles) + 1), np.arange(len(rows) + 1), values, cmap=COLOURS, vmin=0
    )
    highest = float(np.nanmax(values))
    for (at, place), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        rate = found[place][rows[at]].gflop_per_s(profiles[place].batch_size)
        told = f"{value:.2f} ms" if value >= ROUNDED_MS else f"< {ROUNDED_MS} ms"
        lines = [(told, 7.5, "bottom" if rate else "center")]
        lines += [(f"{figure(rate)} GFLOP/s", 6, "top")] if rate else []
        colour = "white" if value > DARK * highest else "#111111"
        for text, size, side in lines:
            axes.text(
                place + 0.5, at + 0.5, text, ha="center", va=side, fontsize=size, color=colour
            )
    names = [one.framework.replace(":", ":\n").replace("+", "\n+") for one in profiles]
    axes.set_xticks(np.arange(len(profiles)) + 0.5, names)
    axes.set_yticks(
        np.arange(len(rows)) + 0.5,
        [f"{layer}, {SHORT[of]}" if layer else SHORT[of] for layer, of in rows],
    )
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.invert_yaxis()
    for spine in axes.spines.values():
        spine.set_visible(False)
    drawing.seen = " ".join(_told(one) for one in profiles)
    drawing.note = (
        "Milliseconds of each part of a training step, alone, and 10⁹ operations a second where it "
        "multiplies; darker takes longer. Rows: " + in_words(list(PASSES.values())) + "."
    )
    return drawing


def _told(one: StepProfile) -> str:
    parts = sorted(one.rows(), key=lambda part: -part.seconds.estimate)[:3]
    said = in_words(
        [
            f"{part.layer or 'network'}, {SHORT[part.of]} {figure(1e3 * part.seconds.estimate)} ms"
            for part in parts
        ]
    )
    return f"{one.framework}: most of it {said}."
