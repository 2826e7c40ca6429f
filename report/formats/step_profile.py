"""Profiles → the files of `bench profile`: CSV, and a page with the heat map."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bench.results.step_profile import StepProfile
from report.figures.canvas import house_style
from report.figures.gallery import Picture
from report.figures.palette import styles
from report.figures.step_profile import heat_map
from report.figures.svg import render
from report.formats import html_parts
from report.formats.html import figure, rendered
from report.formats.step_profile_csv import table
from report.tables.step_profile import TITLE, section, told_of

NAME = "profile"


def files(profiles: Sequence[StepProfile], formats: Collection[str]) -> dict[str, str | bytes]:
    """By their names; of the formats html and csv."""
    found: dict[str, str | bytes] = {}
    told = told_of(profiles)
    picture = _picture(told) if told and "html" in formats else None
    if picture:
        found |= {f"figures/{NAME}.svg": picture.svg, f"figures/{NAME}.png": picture.png}
    data = table(profiles)
    if "csv" in formats:
        found[f"{NAME}.csv"] = data
    if "html" in formats:
        found[f"{NAME}.html"] = _page(profiles, picture, data)
    return found


def _picture(told: Sequence[StepProfile]) -> Picture:
    with house_style():
        return render(heat_map(told, NAME))


def _page(profiles: Sequence[StepProfile], picture: Picture | None, data: str) -> str:
    swatches = {n: s.colour for n, s in styles(one.framework for one in profiles).items()}
    return rendered(
        "profile.html.j2",
        title=TITLE,
        sections=[html_parts.section(section(profiles), swatches)],
        drawn=[figure(picture)] if picture else [],
        downloads=[html_parts.download(f"{NAME}.csv", data)],
    )
