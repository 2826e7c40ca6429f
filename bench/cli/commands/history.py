"""`bench history`: images/s from run to run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.cli.console import say, standard_output
from bench.config import parsing
from bench.errors import UnknownNameError, UsageError
from bench.results import store
from report.formats.terminal import print_section
from report.tables import history as trends
from report.text import plain


def history(paths: Sequence[Path], framework: str | None, *, as_json: bool) -> int:
    """Print one table for each machine and set-up, oldest run first."""
    records, problems = store.read_records(paths)
    notes = Console(stderr=True, highlight=False)
    for file, reason in problems:
        say(notes, plain(f"left out {file}: {reason}"))
    where = ", ".join(map(str, paths))
    found = trends.trends(records)
    if not found:
        raise UsageError(
            f"no run in {where} has a figure of speed: give the folder that holds the runs, such "
            "as results/, or results/published for those that come with the project"
        )
    names = (
        None
        if framework is None
        else parsing.words("--framework", framework, such_as="torch,keras")
    )
    known = sorted({trend.framework for trend in found})
    for name in names or ():
        if name not in known:
            raise UnknownNameError(f"framework in {where}", name, known)
    chosen = [trend for trend in found if names is None or trend.framework in names]
    if as_json:
        print(json.dumps({"trends": [trends.values(trend) for trend in chosen]}, indent=2))
        return 0
    console = standard_output()
    for section in trends.sections(chosen):
        print_section(section, console)
    say(console, trends.NEVER_GATES)
    return 0
