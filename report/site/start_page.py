"""Runs and trends → the start page: one HTML file that loads nothing and needs no script.

The filter by framework is a choice that the page's styles read; the script only sorts tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from bench.stats.change_points import CERTAIN, FEWEST
from report.figures.palette import styles
from report.formats import html_parts
from report.formats.html import figure, rendered
from report.formats.html_parts import sentence
from report.site.runs import RunRow
from report.tables.history import NEVER_GATES, Trend, sections, shifts, told_of_shift
from report.text import Given, Note, counted
from report.wording.titles import titles as titles_of

MOST_DRAWN = 18  # set-ups with a figure, those of most runs
MOST_POINTS = 20  # the newest of each framework in a table; `bench history` shows all
LAST_COLUMNS = ("Framework", "Version", "Date", "Images/s", "95 % (images/s)")
PATH_LIMIT = 200


def start_page(
    rows: Sequence[RunRow],
    trends: Sequence[Trend],
    problems: Sequence[tuple[Path, str]] = (),
    stripped: Note = (),
) -> str:
    """The page over these runs; `trends` are of their records (`report.tables.history.trends`)."""
    frameworks = sorted(
        {name for row in rows for name in row.frameworks} | {one.framework for one in trends}
    )
    numbers = {name: f"{at}" for at, name in enumerate(frameworks)}
    newest = sorted(rows, key=lambda row: (row.started_at, row.name), reverse=True)
    return rendered(
        "site.html.j2",
        title=_title(newest),
        frameworks=[(numbers[name], sentence((Given(name),))) for name in frameworks],
        setups=_setups(trends, numbers, frameworks),
        runs=[_run(row, numbers) for row in newest],
        problems=[
            (sentence((Given(str(path), PATH_LIMIT),)), sentence((Given(reason, 300),)))
            for path, reason in problems
        ],
        never_gates=NEVER_GATES,
        certain=f"{100 * (1 - CERTAIN):g}",
        stripped=sentence(stripped),
        most_points=MOST_POINTS,
    )


def _title(rows: Sequence[RunRow]) -> Markup:
    """How many runs on how many machines, and from when to when."""
    if not rows:
        return sentence(("No runs",))
    machines = {name for row in rows for name in row.machines}
    first, last = rows[-1].started_at[:10], rows[0].started_at[:10]
    when: Note = (
        (", ", Given(first), " to ", Given(last)) if first != last else (", ", Given(first))
    )
    return sentence(
        (
            f"{counted(len(rows), 'run')} on {counted(len(machines), 'machine')}",
            *when,
        )
    )


def _run(row: RunRow, numbers: Mapping[str, str]) -> Mapping[str, Any]:
    """A line of the table of runs."""
    return {
        "names": " ".join(numbers[name] for name in row.frameworks),
        "href": quote(row.page),
        "name": sentence((Given(row.name, 80),)),
        "date": sentence((Given(row.started_at[:16].replace("T", " ")),)),
        "key": row.started_at,
        "machines": [sentence((Given(one, 100),)) for one in row.machines],
        "setups": [sentence((Given(one, 100),)) for one in row.setups],
        "title": sentence(row.title),
        "count": f"{row.ok} of {row.records}",
        "problems": row.problems,
        "is_whole": row.is_whole,
    }


def _setups(
    trends: Sequence[Trend], numbers: Mapping[str, str], frameworks: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The trends of each machine and set-up, those of most runs first."""
    alike: dict[object, list[Trend]] = {}
    for trend in trends:
        alike.setdefault(trend.setup, []).append(trend)
    looks = styles(frameworks)
    swatches = {name: style.colour for name, style in looks.items()}
    ordered = sorted(alike.values(), key=lambda of: -max(len(one.points) for one in of))
    found: list[Mapping[str, Any]] = []
    titles = titles_of([of[0] for of in ordered])
    for number, (of, title) in enumerate(zip(ordered, titles, strict=True), 1):
        _, settings, machine = of[0].told
        is_drawn = number <= MOST_DRAWN and max(len(one.points) for one in of) > 1
        newest = [replace(one, points=one.points[-MOST_POINTS:]) for one in of]
        table = sections(newest)[0].tables[0]
        last = sections([replace(one, points=one.points[-1:]) for one in of])[0].tables[0]
        changed = [(one, shift) for one in of for shift in shifts(one)]
        most = max(len(one.points) for one in of)
        found.append(
            {
                "id": f"s{number}",
                "title": sentence(title),
                "settings": sentence((Given(settings, 600),)),
                "machine": sentence((Given(machine, 300),)),
                "names": " ".join(numbers[one.framework] for one in of),
                "figure": figure(_picture(of, looks, f"trend-{number}")) if is_drawn else None,
                "no_changes": "No change point"
                + (f": {counted(most, 'run')}, and it takes {FEWEST}" if most < FEWEST else ""),
                "changes": [
                    (numbers[one.framework], sentence(told_of_shift(one.framework, shift)))
                    for one, shift in changed
                ],
                "last": {
                    **html_parts.table(
                        [one for one in last.columns if one.heading() in LAST_COLUMNS],
                        last.rows,
                        ("The newest run of each framework",),
                        swatches,
                    ),
                    "names": [numbers[row[0]] for row in last.rows],
                },
                "table": {
                    **html_parts.table(table.columns, table.rows, ("The newest runs",), swatches),
                    "names": [numbers[row[0]] for row in table.rows],
                },
            }
        )
    return found


def _picture(trends: Sequence[Trend], looks: Mapping[str, Any], name: str) -> Any:
    from report.figures.canvas import house_style
    from report.site.figure import picture

    with house_style():
        return picture(trends, looks, name)
