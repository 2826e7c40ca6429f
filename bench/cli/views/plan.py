"""`bench run --dry-run`: the plan, and the cells that would run."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console

from bench.cli.console import say
from bench.config.plan import Cell, Plan
from report.wording import settings_text


def print_plan(planned: Plan, cells: Sequence[Cell], *, as_json: bool) -> int:
    """The cells that would run, and the plan without what is not asked for."""
    names = [cell.name for cell in cells]
    if as_json:
        print(json.dumps({"plan": planned.model_dump(mode="json"), "cells": names}, indent=2))
        return 0
    console = Console()
    shown = planned.model_dump(mode="json")
    for name, value in (shown.pop("settings") | shown).items():
        if name in settings_text.IN_WORDS:
            continue
        if name == "optimizer":
            value = ", ".join(
                f"{key.replace('_', ' ')} {number}"
                for key, number in value.items()
                if number is not False
            )
        elif isinstance(value, dict):  # the checkpoint to go on from
            value = value["file"]
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        if value not in (None, False, ""):
            say(console, f"{name.replace('_', ' '):>21}  {'yes' if value is True else value}")
    if differing := settings_text.words(planned.settings):
        say(console, f"{'training':>21}  {', '.join(differing)}")
    say(console, f"{'parameters':>21}  {planned.spec().parameter_count():,}")
    say(console, f"{len(names)} cells, in this order: {', '.join(names)}")
    return 0
