"""One colour, marker and dash a framework, the same in every figure of a report.

Hues after Okabe and Ito, Color Universal Design, 2008: colour-blind people can tell them apart.
Those too pale for a white page are darkened to a contrast of 3 (WCAG 2.2, 1.4.11); each also has
3 on the dark page. Colour is never alone: markers and dashes differ, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

KNOWN = {
    "torch": ("#d55e00", "o"),
    "keras": ("#b8679a", "s"),
    "flax": ("#2a7fc0", "D"),
    "flux": ("#009e73", "^"),
    "lux": ("#7f8a2c", "d"),
    "equinox": ("#7d6fc4", "X"),
    "mlx": ("#a87400", "v"),
    "tinygrad": ("#c0504d", "<"),
    "simplechains": ("#9a6b4f", "h"),
    "reference": ("#7a828a", "P"),
}
OTHERS = (("#3f8f98", "p"), ("#5b6b2f", "*"))
DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.6), (1.4, 1.2), (6, 1.6, 1.4, 1.6))
LIGHTER = 0.22  # of the way to white, for each further variant of a framework

PHASES = ("#4477aa", "#aa3377", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#999999")
"""Tol's bright scheme (Paul Tol, Colour Schemes, 2021): parts of a whole, not frameworks."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a framework is drawn: `dash` in line widths, empty for a whole line."""

    colour: str
    marker: str
    dash: tuple[float, ...]


def styles(frameworks: Iterable[str]) -> dict[str, Style]:
    """A style for each name; variants such as torch:compile share the hue and marker of theirs."""
    names = sorted(set(frameworks))
    bases = sorted({name.partition(":")[0] for name in names})
    others = [base for base in bases if base not in KNOWN]
    found: dict[str, Style] = {}
    for base in bases:
        colour, marker = KNOWN.get(base) or OTHERS[others.index(base) % len(OTHERS)]
        variants = [name for name in names if name.partition(":")[0] == base and name != base]
        for place, name in enumerate([base, *variants]):
            dash = DASHES[place % len(DASHES)]
            found[name] = Style(_lighter(colour, min(place, 2) * LIGHTER), marker, dash)
    return {name: found[name] for name in names}


def _lighter(colour: str, share: float) -> str:
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + share * (255 - part)):02x}" for part in parts)
